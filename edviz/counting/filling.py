"""The tables of one plan while they are filled, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edviz.counting.blocks import Block
from edviz.counting.plan import MOST_EXCEPTIONS, Plan
from edviz.counting.rows import Ints
from edviz.counting.tables import Exceptions, Filled, Table, Tables


class NoFunctionError(Exception):
    """Columns deviate so often from what their anchor tells that they are no functions of it."""

    def __init__(self, names: Sequence[str], block: Mapping[str, NDArray[np.signedinteger]]) -> None:
        super().__init__(", ".join(names))
        self.names = names
        self.block = block


class Filling:
    """Fills the tables of one plan. Codes are taken with 1 added, so that 0 is missing."""

    def __init__(self, plan: Plan, names: Sequence[str], sizes: Mapping[str, int]) -> None:
        self._plan = plan
        self._names = tuple(names)
        self._sizes = {name: sizes[name] + 1 for name in names}
        self._place = {name: place for place, name in enumerate(names)}
        n_anchor = 1 if plan.anchor is None else self._sizes[plan.anchor]
        self._seen = np.zeros(n_anchor, dtype=bool)
        self._told = {name: np.zeros(n_anchor, dtype=np.int32) for name in plan.functions}
        self._n_deviating = dict.fromkeys(plan.functions, 0)
        self._n_anchor = np.zeros(n_anchor, dtype=np.int64)
        n_packed = [int(np.prod([self._sizes[name] for name in pack], dtype=object)) for pack in plan.packs]
        self._beside_anchor = [Table(n_anchor, n) for n in n_packed]
        pairs = combinations(range(len(plan.packs)), 2)
        self._between = {(one, other): Table(n_packed[one], n_packed[other]) for one, other in pairs}
        self._exceptions = Exceptions(len(names))
        self._n_rows = 0

    def add(self, block: Block) -> None:
        """Count one block of observations.

        Raises
        ------
        NoFunctionError
            If a function of the anchor turns out to be none.
        """
        n = len(block[0]) if block else 0
        if not n:
            return
        self._n_rows += n
        anchor = self._anchor_of(block, n)
        self._meet_new_levels(anchor, block)
        deviating = self._deviating(anchor, block)
        if deviating is not None:
            self._exceptions.add(np.stack([codes[deviating].astype(np.int32) for codes in block], axis=1))
            block, anchor = [codes[~deviating] for codes in block], anchor[~deviating]
        self._n_anchor += np.bincount(anchor, minlength=len(self._n_anchor))
        packed = [self._pack(pack, block) for pack in self._plan.packs]
        for table, numbers in zip(self._beside_anchor, packed, strict=True):
            table.add(anchor, numbers)
        for (one, other), table in self._between.items():
            table.add(packed[one], packed[other])

    def finish(self) -> Tables:
        """Return what was counted."""
        exceptions, n_exceptions = self._exceptions.distinct()
        return Tables(
            plan=self._plan,
            names=self._names,
            sizes=self._sizes,
            told=self._told,
            anchor=Filled(np.flatnonzero(self._n_anchor), self._n_anchor[self._n_anchor > 0]),
            beside_anchor=tuple(table.filled() for table in self._beside_anchor),
            between={pair: table.filled() for pair, table in self._between.items()},
            exceptions=exceptions,
            n_exceptions=n_exceptions,
        )

    def _anchor_of(self, block: Block, n: int) -> Ints:
        if self._plan.anchor is None:
            return np.zeros(n, dtype=np.int64)
        return block[self._place[self._plan.anchor]].astype(np.int64) + 1

    def _meet_new_levels(self, anchor: Ints, block: Block) -> None:
        """Let each level of the anchor that was not met before tell the most frequent levels of the functions."""
        occurs = np.bincount(anchor, minlength=len(self._seen)) > 0
        new = np.flatnonzero(occurs & ~self._seen)
        self._seen |= occurs
        if not len(new) or not self._plan.functions:
            return
        rows = np.flatnonzero(np.isin(anchor, new))
        levels = anchor[rows]
        for name in self._plan.functions:
            codes = block[self._place[name]][rows].astype(np.int64) + 1
            table = Table(len(self._seen), self._sizes[name])
            table.add(levels, codes)
            met = table.filled()
            order = np.argsort(met.n, kind="stable")  # the most frequent one is written last
            level, code = np.divmod(met.keys[order], self._sizes[name])
            self._told[name][level] = code - 1

    def _deviating(self, anchor: Ints, block: Block) -> NDArray[np.bool_] | None:
        """Find the observations that are not as their anchor tells; None if there are none."""
        any_deviates: NDArray[np.bool_] | None = None
        for name in self._plan.functions:
            codes = block[self._place[name]]
            deviates = self._told[name].astype(codes.dtype)[anchor] != codes
            n = int(np.count_nonzero(deviates))
            if n:
                self._n_deviating[name] += n
                any_deviates = deviates if any_deviates is None else any_deviates | deviates
        most = MOST_EXCEPTIONS * self._n_rows
        failing = [name for name, n in self._n_deviating.items() if n > most]
        if failing:
            step = max(1, len(anchor) // 4096)
            sample = {name: block[place][::step] for name, place in self._place.items()}
            raise NoFunctionError(failing, sample)
        return any_deviates

    def _pack(self, pack: Sequence[str], block: Block) -> Ints:
        numbers, offset = block[self._place[pack[0]]].astype(np.int64), 1
        for name in pack[1:]:
            numbers *= self._sizes[name]
            numbers += block[self._place[name]]
            offset = offset * self._sizes[name] + 1
        numbers += offset
        return numbers
