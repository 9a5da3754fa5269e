"""The factors of a table of observations: what a reader hands to the inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edviz.counting import ArraySource, Coding, Counts, Ints, count, with_codings
from edviz.errors import DesignError

ColumnKind = Literal["categorical", "string", "integer", "boolean", "float", "other"]
Codes = NDArray[np.signedinteger]

NEAR_UNIQUE_SHARE = 0.5
"""A column with more levels than this share of the rows names rows, not groups of rows."""
MOST_LEVELS = {"integer": 100, "float": 100, "string": 2000}
"""Plain numbers and strings with more levels than this are measurements or identifiers."""


@dataclass(frozen=True)
class LevelCount:
    """A level and the number of observations that have it."""

    level: str
    n: int


@dataclass(frozen=True)
class Column:
    """What is known of one obs column.

    Attributes
    ----------
    n_levels
        Number of distinct values that occur, missing ones apart; None where it was not counted.
    missing
        Number of observations without a value; None where it was not counted.
    levels
        In stored order, stored levels that do not occur included; None where they were not counted.
    set_aside
        Why the column is no candidate factor, or None if it is one.
    note
        What a person should know of the way in which it was read, or None.
    """

    name: str
    kind: ColumnKind
    ordered: bool = False
    n_levels: int | None = None
    missing: int | None = None
    levels: tuple[LevelCount, ...] | None = None
    set_aside: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class FactorListing:
    """The obs columns of a file, candidate factors and columns set aside."""

    n_obs: int
    columns: tuple[Column, ...]

    @property
    def candidates(self) -> tuple[Column, ...]:
        """The columns that may be factors, in stored order."""
        return tuple(column for column in self.columns if column.set_aside is None)

    def column(self, name: str) -> Column:
        """Return the column called `name`.

        Raises
        ------
        DesignError
            If there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        from difflib import get_close_matches  # costs time that only an error is worth

        known = [column.name for column in self.columns]
        near = get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"the columns are {_some(known)}"
        raise DesignError(f"no column {name!r} in obs; {hint}")


@dataclass(frozen=True)
class FactorTable:
    """Candidate factors, and how often their levels occur together.

    Attributes
    ----------
    listing
        All columns, candidates or not.
    counts
        Of each candidate, codes are positions in its `levels`, -1 where missing.
    """

    listing: FactorListing
    counts: Counts = field(repr=False)

    @property
    def n_obs(self) -> int:
        """Number of observations."""
        return self.listing.n_obs

    def codes(self, name: str) -> Ints:
        """Return the code of every observation, shape (n_obs,); a file is read once more for that."""
        return self.counts.codes(name).codes[name]

    def with_columns(self, columns: Sequence[Column], codings: Mapping[str, Coding]) -> FactorTable:
        """Return a table with other columns, some of which are functions of those there are."""
        return FactorTable(FactorListing(self.n_obs, tuple(columns)), with_codings(self.counts, codings))


def smallest_codes(codes: NDArray[np.integer], n_levels: int) -> Codes:
    """Store codes in the smallest signed type that holds them, with everything outside the levels as -1."""
    inside = (codes >= 0) & (codes < n_levels)
    dtype = next(kind for kind in (np.int8, np.int16, np.int32, np.int64) if n_levels <= np.iinfo(kind).max)
    return np.where(inside, codes, -1).astype(dtype)


def count_levels(levels: Sequence[str], codes: Ints, n: Ints) -> tuple[LevelCount, ...]:
    """Count the observations of every level, in stored order, given how many have each of some codes."""
    present = codes >= 0
    counts = np.bincount(codes[present], weights=n[present], minlength=len(levels))
    return tuple(LevelCount(level, int(number)) for level, number in zip(levels, counts, strict=True))


def counted_column(column: Column, levels: Sequence[str], counts: Counts) -> Column:
    """Return a column with its levels counted."""
    rows = counts.rows(column.name)
    counted = count_levels(levels, rows.codes[column.name], rows.n)
    missing = int(rows.n[rows.codes[column.name] < 0].sum())
    return replace(column, levels=counted, missing=missing, n_levels=sum(entry.n > 0 for entry in counted))


def reason_to_set_aside(kind: ColumnKind, n_levels: int, n_obs: int) -> str | None:
    """Say why a column cannot be a factor of the design, or return None if it can."""
    if n_levels == 0:
        return "no values"
    if n_levels == 1:
        return "one level only"
    if n_levels > NEAR_UNIQUE_SHARE * n_obs:
        return f"nearly unique: {n_levels} levels in {n_obs} observations"
    if n_levels > MOST_LEVELS.get(kind, n_obs):
        return f"too many levels for a plain {kind} column: {n_levels}"
    return None


def table_of(columns: Mapping[str, Sequence[object]]) -> FactorTable:
    """Make a factor table of columns given as sequences of values; None and NaN are missing.

    Every column is taken as categorical with its levels in sorted order, whatever their number:
    the caller has chosen the columns.

    Raises
    ------
    DesignError
        If the columns differ in length.
    """
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise DesignError(f"the columns of a table have one length, not {sorted(lengths)}")
    n_obs = lengths.pop() if lengths else 0
    levels = {name: _levels_of(values) for name, values in columns.items()}
    codes = {name: _codes_of(values, levels[name]) for name, values in columns.items()}
    return table_of_codes(codes, {name: [str(level) for level in levels[name]] for name in columns}, n_obs)


def table_of_codes(codes: Mapping[str, Ints], levels: Mapping[str, Sequence[str]], n_obs: int) -> FactorTable:
    """Make a factor table of columns given as codes, each taken as categorical.

    Parameters
    ----------
    codes
        For each column the positions in its levels, -1 where missing, shape (n_obs,).
    levels
        For each column the names of its levels.
    n_obs
        Number of observations.
    """
    names = tuple(codes)
    stored = {name: smallest_codes(codes[name], len(levels[name])) for name in names}
    counts = count(ArraySource(stored, {name: len(levels[name]) for name in names}, n_obs), names)
    described = []
    for name in names:
        reason = None if len(levels[name]) > 1 else reason_to_set_aside("categorical", len(levels[name]), n_obs)
        column = Column(name, "categorical", set_aside=reason)
        described.append(counted_column(column, levels[name], counts))
    return FactorTable(FactorListing(n_obs, tuple(described)), counts)


def _levels_of(values: Sequence[object]) -> list[object]:
    present = {value for value in values if not _is_missing(value)}
    return sorted(present, key=lambda value: (str(type(value)), value))


def _codes_of(values: Sequence[object], levels: Sequence[object]) -> Ints:
    position = {level: index for index, level in enumerate(levels)}
    return np.array([-1 if _is_missing(value) else position[value] for value in values], dtype=np.int64)


def _some(names: Sequence[str], most: int = 30) -> str:
    shown = ", ".join(names[:most]) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _is_missing(value: object) -> bool:
    return value is None or value != value  # NaN differs from itself
