"""Combinations of levels with the number of observations that have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

LARGEST_KEY = 2**62
MOST_SLOTS = 1 << 20
"""Keys below this are counted by position, which needs no sorting."""


@dataclass(frozen=True)
class Rows:
    """Combinations of columns, each with its number of observations.

    Attributes
    ----------
    codes
        For each column an array of shape (n_rows,): positions in its levels, -1 where missing.
    n
        Observations of each row, shape (n_rows,), all above zero.
    """

    codes: Mapping[str, Ints]
    n: Ints

    def __len__(self) -> int:
        return len(self.n)

    def distinct(self, names: Sequence[str]) -> Rows:
        """Keep some columns and add up rows that have become equal; rows are in the order of their codes."""
        columns = [self.codes[name] for name in names]
        if not columns:
            total = np.array([self.n.sum()], dtype=np.int64)
            return Rows({}, total[total > 0])
        representatives, n = add_up(columns, self.n)
        return Rows({name: column[representatives] for name, column in zip(names, columns, strict=True)}, n)

    def complete(self, names: Iterable[str] | None = None) -> Rows:
        """Leave out rows in which one of some columns, or any column, is missing."""
        present = np.ones(len(self.n), dtype=bool)
        for name in self.codes if names is None else names:
            present &= self.codes[name] >= 0
        return self.only(present)

    def only(self, mask: NDArray[np.bool_]) -> Rows:
        """Return the rows under the mask."""
        return Rows({name: codes[mask] for name, codes in self.codes.items()}, self.n[mask])


@dataclass(frozen=True)
class Coding:
    """A column that is a function of others: a code for each combination of their codes.

    Attributes
    ----------
    columns
        The columns that it is a function of.
    parts
        Their codes in each known combination, shape (n_combinations, n_columns), in the order of the codes.
    numbers
        The code of each combination, shape (n_combinations,); other combinations are missing.
    """

    columns: tuple[str, ...]
    parts: Ints
    numbers: Ints

    @classmethod
    def of_combinations(cls, rows: Rows, columns: Sequence[str]) -> Coding:
        """Number the combinations of columns that occur, in the order of their codes."""
        occurring = rows.complete(columns).distinct(columns)
        parts = np.stack([occurring.codes[name] for name in columns], axis=1)
        return cls(tuple(columns), parts, np.arange(len(parts), dtype=np.int64))

    @classmethod
    def of_levels(cls, column: str, number_of_level: Ints) -> Coding:
        """Give each level of one column another number, -1 to take it as missing."""
        levels = np.arange(len(number_of_level), dtype=np.int64)
        return cls((column,), levels[:, None], np.asarray(number_of_level, dtype=np.int64))

    def of(self, rows: Rows) -> Ints:
        """Return the code of each row, -1 where a part is missing or the combination is not known."""
        codes = [rows.codes[name] for name in self.columns]
        if not len(self.numbers):
            return np.full(len(rows), -1, dtype=np.int64)
        sizes = self.parts.max(axis=0) + 1
        inside = np.ones(len(rows), dtype=bool)
        key, known = np.zeros(len(rows), dtype=np.int64), np.zeros(len(self.parts), dtype=np.int64)
        for position, size in enumerate(sizes.tolist()):
            inside &= (codes[position] >= 0) & (codes[position] < size)
            key = key * size + codes[position]
            known = known * size + self.parts[:, position]
        place = np.minimum(np.searchsorted(known, np.where(inside, key, 0)), len(known) - 1)
        return np.where(inside & (known[place] == key), self.numbers[place], -1)


def n_distinct(codes: Ints) -> int:
    """Count the different codes that occur; -1 is none.

    >>> n_distinct(np.array([3, -1, 0, 3]))
    2
    """
    return int(np.count_nonzero(np.bincount(codes + 1, minlength=1)[1:]))


def ordered(keys: NDArray[np.generic]) -> tuple[Ints, Ints]:
    """Return the place of the first of each different key, in the order of the keys, and the rank of every key.

    What `numpy.unique` does, which imports its masked arrays for it.
    """
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    is_new = np.ones(len(keys), dtype=bool)
    is_new[1:] = in_order[1:] != in_order[:-1]
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.cumsum(is_new) - 1
    return order[is_new], rank


def numbered(keys: Ints) -> tuple[int, Ints]:
    """Number keys that are not below zero 0, 1, ... in their order; return how many there are and the numbers."""
    if not len(keys):
        return 0, keys
    largest = int(keys.max())
    if largest > 64 + 16 * len(keys):
        first, numbers = ordered(keys)
        return len(first), numbers
    occurs = np.zeros(largest + 1, dtype=np.int64)
    occurs[keys] = 1
    places = np.cumsum(occurs)
    return int(places[-1]), (places - 1)[keys]


def join(parts: Sequence[Rows], names: Sequence[str]) -> Rows:
    """Put rows with the same columns one after the other, without adding any up."""
    if len(parts) == 1:
        return parts[0]
    codes = {name: np.concatenate([part.codes[name] for part in parts]) for name in names}
    return Rows(codes, np.concatenate([part.n for part in parts]))


def add_up(columns: Sequence[Ints], n: Ints) -> tuple[Ints, Ints]:
    """Find a representative of each different row, in the order of the rows, and add up their numbers."""
    sizes = [int(column.max(initial=-1)) + 2 for column in columns]
    n_slots = 1
    for size in sizes:
        n_slots *= size
    if n_slots > LARGEST_KEY:
        rank = np.zeros(len(n), dtype=np.int64)
        for column, size in zip(columns, sizes, strict=True):
            _, rank = numbered(rank * size + (column + 1))
        first, place = ordered(rank)
        return first, _sums(place, n, len(first))
    key = columns[0] + 1
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        key = key * size + (column + 1)
    if n_slots <= min(MOST_SLOTS, 64 + 16 * len(key)):
        first = np.full(n_slots, -1, dtype=np.int64)
        first[key] = np.arange(len(key))
        occupied = np.flatnonzero(first >= 0)
        return first[occupied], _sums(key, n, n_slots)[occupied]
    first, place = ordered(key)
    return first, _sums(place, n, len(first))


def _sums(place: Ints, n: Ints, size: int) -> Ints:
    # Weights are floating-point numbers, which are exact for more observations than a file can have.
    return np.bincount(place, weights=n, minlength=size).astype(np.int64)
