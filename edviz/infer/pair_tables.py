"""All tables of two columns of one factor table, counted once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from edviz.counting import Ints, Rows
from edviz.counting.rows import numbered
from edviz.infer.dependence import Dependence, dependence, modes
from edviz.infer.relations import Contingency
from edviz.table import FactorTable


class PairTables:
    """Contingencies and dependences between the candidate factors of a table.

    Parameters
    ----------
    table
        Candidate factors with codes.
    names
        The columns to look at, in stored order.
    """

    def __init__(self, table: FactorTable, names: Sequence[str]) -> None:
        self.table = table
        self.names = list(names)
        self._contingencies: dict[tuple[str, str], Contingency] = {}
        self._dependences: dict[tuple[str, str], Dependence] = {}

    @property
    def n_obs(self) -> int:
        """Number of observations."""
        return self.table.n_obs

    def rows(self, *names: str) -> Rows:
        """Combinations of columns that occur, missing values included."""
        return self.table.counts.rows(*names)

    def levels(self, name: str) -> tuple[str, ...]:
        """Names of all stored levels of a column."""
        return tuple(entry.level for entry in self.table.listing.column(name).levels or ())

    def occurring(self, name: str) -> tuple[str, ...]:
        """Names of the levels of a column that occur."""
        return tuple(entry.level for entry in self.table.listing.column(name).levels or () if entry.n)

    def n_levels(self, name: str) -> int:
        """Number of levels of a column that occur."""
        return self.table.listing.column(name).n_levels or 0

    def n_present(self, name: str) -> int:
        """Number of observations with a level of a column."""
        return self.n_obs - (self.table.listing.column(name).missing or 0)

    def contingency(self, a: str, b: str) -> Contingency:
        """Combinations of two columns that occur."""
        if (a, b) not in self._contingencies:
            rows = self.rows(a, b).complete()
            table = Contingency(rows.codes[a], rows.codes[b], rows.n)
            self._contingencies[a, b] = table
            self._contingencies[b, a] = table.flipped
        return self._contingencies[a, b]

    def dependence(self, a: str, b: str) -> Dependence:
        """How well a tells b."""
        if (a, b) not in self._dependences:
            self._dependences[a, b] = dependence(self.contingency(a, b))
        return self._dependences[a, b]

    def tells(self, a: str, b: str) -> bool:
        """Whether a determines b, but for stray observations."""
        if self.n_levels(b) > self.n_levels(a):
            return False
        return self.dependence(a, b).holds

    def same(self, a: str, b: str) -> bool:
        """Whether each of two columns determines the other, but for stray observations."""
        return self.tells(a, b) and self.tells(b, a)

    @cached_property
    def stray_rate(self) -> float | None:
        """Share of mislabelled observations of a typical column; None when no column tells another.

        Where one column tells another but for strays, the strays are those of both.
        """
        told = [self.dependence(a, b) for a in self.names for b in self.names if a != b and self.tells(a, b)]
        shares = [found.share for found in told if not found.exact]
        if shares:
            return float(np.median(shares)) / 2
        return 0.0 if told else None

    def modes(self, a: str, b: str) -> Ints:
        """For each level of a the most frequent level of b, -1 where there is none."""
        return modes(self.contingency(a, b), len(self.levels(a)))


def combine(columns: Sequence[Ints]) -> Ints:
    """Number the combinations that occur of several columns of one length; -1 where a part is missing.

    Combinations are numbered in the order of the codes of the first column, then the second, ...
    """
    combined = np.zeros(len(columns[0]), dtype=np.int64)
    missing = np.zeros(len(columns[0]), dtype=bool)
    for codes in columns:
        missing |= codes < 0
        _, combined = numbered(combined * (int(codes.max(initial=0)) + 1) + np.maximum(codes, 0))
    if not missing.any():
        return combined
    return numbered(np.where(missing, 0, combined + 1))[1] - 1
