"""Levels, codes and counts of one column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from edviz.h5ad.columns import Labelled, Plain
from edviz.h5ad.parts import PartError
from edviz.h5ad.strings import harmless
from edviz.h5ad.values import Array, Block, count_labels, read_labels
from edviz.table import Codes, smallest_codes

R_MISSING_INTEGER = -(2**31)
"""How R stores a missing integer; its HDF5 writers leave it as it is."""
PROBE_ROWS = 4096
PROBE_BLOCKS = 8


@dataclass(frozen=True)
class Tally:
    """What was counted of a column.

    Attributes
    ----------
    codes
        Positions in the stored levels, -1 where missing.
    n_stored
        Number of stored levels, those that do not occur included.
    """

    codes: Codes
    n_stored: int
    note: str | None = None

    @cached_property
    def n_levels(self) -> int:
        """Number of levels that occur."""
        return int(np.count_nonzero(np.bincount(self.codes[self.codes >= 0], minlength=1)))

    @cached_property
    def missing(self) -> int:
        """Number of observations without a value."""
        return int(np.count_nonzero(self.codes < 0))


@dataclass(frozen=True)
class LevelledTally(Tally):
    """A tally of values that are their own levels, with the levels in sorted order."""

    levels: tuple[str, ...] = ()


class TooManyLevelsError(Exception):
    """A column was read only until it had more levels than asked for."""


def tally_codes(content: Labelled, n_obs: int) -> Tally:
    """Read the codes of a labelled column.

    Raises
    ------
    PartError
        If the codes cannot be read or are no codes.
    """
    labels = content.labels
    n_stored = len(labels) if isinstance(labels, tuple) else count_labels(labels, n_obs=n_obs)
    codes = np.full(n_obs, -1, dtype=smallest_codes(np.empty(0, np.int64), n_stored).dtype)
    n_outside = 0
    for block in content.codes.blocks():
        whole = _whole_numbers(block.values, content.numbers)
        outside = (whole >= n_stored) | ((whole < -1) & (whole != R_MISSING_INTEGER))
        n_outside += int(np.count_nonzero(outside))
        codes[block.rows] = smallest_codes(whole, n_stored)
    note = f"outside the levels and counted as missing: {n_outside:,}" if n_outside else None
    return Tally(codes, n_stored, note)


def tally_values(content: Plain, n_obs: int, *, most_levels: int | None) -> LevelledTally:
    """Read values that stand for themselves, and number them in sorted order.

    Raises
    ------
    TooManyLevelsError
        As soon as there are more levels than `most_levels`.
    PartError
        If the values cannot be read.
    """
    found = np.full(n_obs, -1, dtype=np.int64)
    numbers: dict[object, int] = {}
    number = _number_texts if content.kind == "string" else _number_scalars
    n_sentinels = 0
    for block in content.values.blocks():
        present = _present(content, block)
        if content.kind == "integer":
            sentinels = present & (block.values == R_MISSING_INTEGER)
            n_sentinels += int(np.count_nonzero(sentinels))
            present &= ~sentinels
        found[block.rows][present] = number(block.values[present], numbers)
        if most_levels is not None and len(numbers) > most_levels:
            raise TooManyLevelsError
    note = (
        f"{R_MISSING_INTEGER} is R's missing integer and counted as missing: {n_sentinels:,}" if n_sentinels else None
    )
    return _in_sorted_order(found, numbers, note)


def is_large(content: Plain) -> bool:
    """Say whether a column has so many values that looking at some of them first pays."""
    return len(content.values) > PROBE_ROWS * PROBE_BLOCKS


def are_all_different(content: Plain) -> bool:
    """Say whether a head block and a spread of blocks of a large text column hold no text twice."""
    starts = np.linspace(0, len(content.values) - PROBE_ROWS, PROBE_BLOCKS).astype(int).tolist()
    texts = list(chain.from_iterable(content.values.read(start, start + PROBE_ROWS) for start in starts))
    return len(set(texts)) == len(texts)


def read_level_names(content: Labelled, n_obs: int) -> list[str]:
    """Read the level names of a labelled column, in stored order."""
    return list(content.labels) if isinstance(content.labels, tuple) else read_labels(content.labels, n_obs=n_obs)


def note_on_names(levels: list[str]) -> str | None:
    """Say what is odd about level names, or return None."""
    if len(levels) > 1 and not any(levels):
        return "all level names are empty"
    repeated = [level for level, n in Counter(levels).items() if n > 1]
    return f"different levels look the same: {', '.join(map(repr, repeated[:3]))}" if repeated else None


def _whole_numbers(values: Array, numbers: tuple[int, ...] | None) -> Array:
    if values.dtype.kind == "f":
        values = _whole_floats(values)
    # Before the sizes are compared, so that unsigned numbers beyond the range come out below zero.
    whole = values.astype(np.int64)
    if numbers is None:
        return whole
    known = np.asarray(numbers, dtype=np.int64)
    place = np.searchsorted(known, whole).clip(max=len(known) - 1)
    return np.where(known[place] == whole, place, len(known))


def _whole_floats(values: Array) -> Array:
    filled = np.where(np.isnan(values), -1, values)
    if not np.array_equal(filled, np.trunc(filled)) or np.any(np.abs(filled) > 2**53):
        raise PartError("its codes are not whole numbers")
    return filled


def _present(content: Plain, block: Block) -> Array:
    if content.mask is not None:
        return np.asarray(content.mask.read(block.rows.start, block.rows.stop) == 0)
    if content.kind == "float":
        return ~np.isnan(block.values)
    return np.ones(len(block.values), dtype=bool)


def _number_texts(texts: Array, numbers: dict[object, int]) -> Array:
    # Hashing: sorting a block of byte strings costs ten times as much.
    listed = texts.tolist()
    for text in set(listed):
        numbers.setdefault(text, len(numbers))
    return np.fromiter(map(numbers.__getitem__, listed), np.int64, len(listed))


def _number_scalars(values: Array, numbers: dict[object, int]) -> Array:
    distinct, place = np.unique(values, return_inverse=True)
    known = np.fromiter((numbers.setdefault(value, len(numbers)) for value in distinct), np.int64, len(distinct))
    return np.asarray(known[place])


def _in_sorted_order(found: Array, numbers: dict[object, int], note: str | None) -> LevelledTally:
    levels = sorted(numbers)  # type: ignore[type-var]
    rank = np.empty(len(levels) + 1, dtype=np.int64)
    rank[[numbers[level] for level in levels]] = np.arange(len(levels))
    rank[-1] = -1
    names = [harmless(level) if isinstance(level, (bytes, str)) else str(level) for level in levels]
    return LevelledTally(smallest_codes(rank[found], len(levels)), len(levels), note, tuple(names))
