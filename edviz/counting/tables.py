"""Tables of two numbers that occur together: how they are filled, and what is read off them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edviz.counting.plan import Plan
from edviz.counting.rows import Ints, Rows, join, ordered

SMALL_TABLE = 1 << 17
"""Cells up to which a whole table is added for every block; above, only the cells that the block reaches."""
DENSE_TABLE = 1 << 20
"""Cells up to which a table has a place for every combination."""
PENDING_KEYS = 1 << 18
ONE = np.int32(1)
ANCHOR = "\0anchor"
"""Name of the stored codes of the anchor, which a pack can be without; no column can have it."""


@dataclass(frozen=True)
class Filled:
    """The cells of a table that are not empty.

    Attributes
    ----------
    keys
        Row times number of columns, plus column, in ascending order.
    n
        Observations of each cell; both as 32-bit numbers where these suffice, for tables are kept and sent.
    """

    keys: NDArray[np.signedinteger]
    n: NDArray[np.signedinteger]


@dataclass(frozen=True)
class Tables:
    """All that was counted of some columns by a plan. Stored codes have 1 added, so that 0 is missing.

    Attributes
    ----------
    sizes
        Numbers that the stored codes of each column stay below.
    told
        For each function its code, without 1 added, at each stored code of the anchor.
    anchor
        The stored codes of the anchor; one cell if there is no anchor.
    beside_anchor
        For each pack the anchor with the packed number.
    between
        For two packs, by their places in the plan, their packed numbers.
    exceptions, n_exceptions
        Whole rows of codes, without 1 added, that do not follow their anchor, and how often each occurs.
    """

    plan: Plan
    names: tuple[str, ...]
    sizes: Mapping[str, int]
    told: Mapping[str, NDArray[np.int32]]
    anchor: Filled
    beside_anchor: tuple[Filled, ...]
    between: Mapping[tuple[int, int], Filled]
    exceptions: NDArray[np.int32]
    n_exceptions: Ints

    def rows(self, names: frozenset[str]) -> Rows | None:
        """Return rows of some columns, not yet added up; None if they were not counted together."""
        packed = [name for name in self._pack_of if name in names]
        packs = sorted({self._pack_of[name] for name in packed})
        functions = [name for name in names if name not in self._pack_of]
        if not names <= set(self.names) or len(packs) > 2 or (len(packs) == 2 and functions):
            return None
        if len(packs) == 2:
            filled = self.between[packs[0], packs[1]]
            first, second = np.divmod(filled.keys.astype(np.int64), self._n_packed(packs[1]))
            codes = self._unpacked(packs[0], first, names) | self._unpacked(packs[1], second, names)
            followed = Rows(codes, filled.n.astype(np.int64))
        elif packs:
            beside = self._beside_anchor(packed[0]) if len(packed) == 1 else self._with_anchor(packs[0], packed)
            codes = {name: beside.codes[name] for name in packed}
            followed = Rows(self._told_by(beside.codes[ANCHOR], functions) | codes, beside.n)
        else:
            anchor = self.anchor.keys.astype(np.int64)
            followed = Rows(self._told_by(anchor, functions), self.anchor.n.astype(np.int64))
        if not len(self.n_exceptions):
            return followed
        place = {name: place for place, name in enumerate(self.names)}
        excepted = {name: self.exceptions[:, place[name]].astype(np.int64) for name in names}
        return join([followed, Rows(excepted, self.n_exceptions)], list(names))

    @cached_property
    def _pack_of(self) -> dict[str, int]:
        return {name: number for number, pack in enumerate(self.plan.packs) for name in pack}

    @cached_property
    def _known_beside_anchor(self) -> dict[str, Rows]:
        return {}

    def _beside_anchor(self, name: str) -> Rows:
        """Add up what one packed column has to do with the anchor; asked again and again, with each function."""
        if name not in self._known_beside_anchor:
            whole = self._with_anchor(self._pack_of[name], [name])
            self._known_beside_anchor[name] = whole.distinct([ANCHOR, name])
        return self._known_beside_anchor[name]

    def _with_anchor(self, number: int, names: Sequence[str]) -> Rows:
        filled = self.beside_anchor[number]
        anchor, packed = np.divmod(filled.keys.astype(np.int64), self._n_packed(number))
        codes = {ANCHOR: anchor} | self._unpacked(number, packed, frozenset(names))
        return Rows(codes, filled.n.astype(np.int64))

    def _n_packed(self, number: int) -> int:
        n = 1
        for name in self.plan.packs[number]:
            n *= self.sizes[name]
        return n

    def _unpacked(self, number: int, packed: Ints, names: frozenset[str]) -> dict[str, Ints]:
        codes, step = {}, 1
        for name in reversed(self.plan.packs[number]):
            if name in names:
                codes[name] = packed // step % self.sizes[name] - 1
            step *= self.sizes[name]
        return codes

    def _told_by(self, anchor: Ints, names: Sequence[str]) -> dict[str, Ints]:
        return {
            name: anchor - 1 if name == self.plan.anchor else self.told[name][anchor].astype(np.int64) for name in names
        }


class Table:
    """How often two numbers occur together.

    Parameters
    ----------
    n_rows, n_columns
        Numbers that the first and the second one stay below.
    """

    def __init__(self, n_rows: int, n_columns: int) -> None:
        self._n_columns = n_columns
        self._n_cells = n_rows * n_columns
        dense = self._n_cells <= DENSE_TABLE
        # There are many such tables where there are many columns; a frame has fewer than 2³¹ rows.
        self._dense = np.zeros(self._n_cells if dense else 0, dtype=np.int32)
        self._keys = np.empty(0, dtype=np.int64)
        self._counts = np.empty(0, dtype=np.int64)
        self._pending: list[Ints] = []
        self._n_pending = 0

    def add(self, rows: Ints, columns: Ints) -> None:
        """Count one block of observations."""
        keys = rows * self._n_columns + columns
        if not len(self._dense):
            self._add_sparse(keys)
        elif self._n_cells <= SMALL_TABLE:
            np.add(self._dense, np.bincount(keys, minlength=self._n_cells), out=self._dense, casting="unsafe")
        else:
            np.add.at(self._dense, keys, ONE)

    def filled(self) -> Filled:
        """Return the cells that are not empty."""
        if len(self._dense):
            keys = np.flatnonzero(self._dense)
            return Filled(keys.astype(np.int32), self._dense[keys])
        self._merge()
        return Filled(self._keys, self._counts)

    def _add_sparse(self, keys: Ints) -> None:
        self._pending.append(keys)
        self._n_pending += len(keys)
        if self._n_pending >= max(PENDING_KEYS, len(self._keys)):
            self._merge()

    def _merge(self) -> None:
        if not self._pending:
            return
        pending = np.sort(np.concatenate(self._pending))
        starts = np.flatnonzero(np.r_[True, pending[1:] != pending[:-1]])
        keys = np.concatenate([self._keys, pending[starts]])
        first, place = ordered(keys)
        counts = np.concatenate([self._counts, np.diff(starts, append=len(pending))])
        self._counts = np.bincount(place, weights=counts).astype(np.int64)
        self._keys, self._pending, self._n_pending = keys[first], [], 0


class Exceptions:
    """Whole rows of observations that do not follow their anchor."""

    def __init__(self, n_columns: int) -> None:
        self._rows = np.empty((0, n_columns), dtype=np.int32)
        self._n = np.empty(0, dtype=np.int64)
        self._pending: list[NDArray[np.int32]] = []
        self._n_pending = 0

    def add(self, rows: NDArray[np.int32]) -> None:
        """Keep rows, shape (n, n_columns)."""
        self._pending.append(rows)
        self._n_pending += len(rows)
        if self._n_pending >= max(PENDING_KEYS, len(self._rows)):
            self._merge()

    def distinct(self) -> tuple[NDArray[np.int32], Ints]:
        """Return the different rows and how often each was kept."""
        self._merge()
        return self._rows, self._n

    def _merge(self) -> None:
        if not self._pending:
            return
        rows = np.concatenate([self._rows, *self._pending])
        n = np.concatenate([self._n, np.ones(self._n_pending, dtype=np.int64)])
        self._rows, place = np.unique(rows, axis=0, return_inverse=True)
        self._n = np.bincount(place.ravel(), weights=n).astype(np.int64)
        self._pending, self._n_pending = [], 0
