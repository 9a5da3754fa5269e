"""Whether one factor tells another, also where some observations are mislabelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edviz.counting import Ints
from edviz.counting.rows import n_distinct
from edviz.infer.relations import Contingency

MOST_STRAYS = 0.12
"""Mislabelled observations of both factors together may be up to about one in ten."""
LEAST_RECALL = 0.3
"""Of each level at least this share lies in groups where it is the most frequent one: strays are
spread over the groups, while a level that is never the most frequent one is a real subdivision."""
LEAST_GAIN = 0.5
"""Knowing the level of one factor must at least halve the errors of naming the most frequent level of the other
(the lambda of Goodman and Kruskal 1954): nearly everything tells a column that is nearly constant."""
LEAST_CLEAR_GROUPS = 0.9
GROUP_WORTH_JUDGING = 10
"""Groups of fewer observations say little about their majority, and noise is judged on larger ones only."""


@dataclass(frozen=True)
class Dependence:
    """How well the levels of one factor tell the level of another.

    Attributes
    ----------
    exact
        Whether each level occurs with one level of the other.
    holds
        Whether it does so but for stray observations. Rare levels of a column that varies within
        groups do not count as strays: they never are the most frequent level of a group.
    strays
        Observations that deviate from the most frequent level of their group.
    share
        `strays` as a share of the observations: the g3 measure of Kivinen and Mannila (1995).
    """

    exact: bool
    holds: bool
    strays: int
    share: float


def dependence(table: Contingency) -> Dependence:
    """Measure how well the level of a tells the level of b."""
    if not len(table.n):
        return Dependence(exact=False, holds=False, strays=0, share=1.0)
    total = np.bincount(table.a, table.n)
    largest = np.zeros(len(total))
    np.maximum.at(largest, table.a, table.n)
    n_obs, n_groups = table.n_obs, int(np.count_nonzero(total))
    strays = n_obs - int(largest.sum())
    n_levels = n_distinct(table.b)
    n_repeated = total[total >= 2].sum()
    possible = 1 < n_levels <= n_groups and 2 * n_repeated >= n_obs
    # Even if all groups of one were right, there would be too many strays.
    possible = possible and largest.sum() >= (1 - MOST_STRAYS) * n_repeated
    holds = bool(possible) and (strays == 0 or _holds_but_for_strays(table, _Groups.of(table)))
    return Dependence(exact=strays == 0, holds=holds, strays=strays, share=strays / n_obs)


def modes(table: Contingency, levels_a: int) -> Ints:
    """Return for each level of a the most frequent level of b, -1 where there is none; shape (levels_a,)."""
    mode = np.full(levels_a, -1, dtype=np.int64)
    if not len(table.n):
        return mode
    groups = _Groups.of(table)
    mode[groups.level] = groups.mode
    return mode


def without_strays(table: Contingency, *, stray_rate: float | None) -> Contingency:
    """Leave out combinations that a few mislabelled observations would make.

    Parameters
    ----------
    table
        Combinations as counted.
    stray_rate
        Share of mislabelled observations of a column, as seen elsewhere in the data. Combinations
        with no more observations than this rate, spread evenly over the levels, would give are
        left out. With None, when nothing tells the rate, they are left out only if a wide gap
        parts them from the combinations that occur as often as others.
    """
    if stray_rate == 0 or not len(table.n) or table.n_obs < 20 * len(table.n):
        return table
    kept = _above_gap(table) if stray_rate is None else _above_rate(table, stray_rate)
    return kept if _same_levels(kept, table) else table


def _above_rate(table: Contingency, rate: float) -> Contingency:
    levels_a, levels_b = n_distinct(table.a), n_distinct(table.b)
    in_a, in_b = np.bincount(table.a, table.n)[table.a], np.bincount(table.b, table.n)[table.b]
    # Strays of b spread the observations of a level of a over all levels of b, and the other way round.
    expected = rate * (in_a / levels_b + in_b / levels_a)
    return table.keep(table.n > expected + 3 * np.sqrt(expected))


def _above_gap(table: Contingency) -> Contingency:
    """Rank combinations by how often they occur against what independence gives, and cut at the widest gap."""
    independent = np.bincount(table.a, table.n)[table.a] * np.bincount(table.b, table.n)[table.b] / table.n_obs
    ratio = table.n / independent
    order = np.argsort(ratio, kind="stable")
    ranked, lost = ratio[order], np.cumsum(table.n[order])
    low, high = ranked[:-1], ranked[1:]
    allowed = (low <= 0.3) & (high >= 0.15) & (high >= 2 * low) & (lost[:-1] <= MOST_STRAYS * table.n_obs)
    if not allowed.any():
        return table
    cut = int(np.argmax(np.where(allowed, high / low, 0)))
    return table.keep(ratio > low[cut])


def _same_levels(kept: Contingency, table: Contingency) -> bool:
    return n_distinct(kept.a) == n_distinct(table.a) and n_distinct(kept.b) == n_distinct(table.b)


def _holds_but_for_strays(table: Contingency, groups: _Groups) -> bool:
    if table.n_obs < GROUP_WORTH_JUDGING * len(groups.total):
        return False
    if n_distinct(groups.mode) < 2 or len(table.n) <= len(groups.total):
        return False
    errors = table.n_obs - groups.largest.sum()
    errors_without = table.n_obs - np.bincount(table.b, table.n).max()
    if errors > (1 - LEAST_GAIN) * errors_without:
        return False
    accurate = groups.accuracy >= 1 - MOST_STRAYS
    return bool(accurate and groups.clear_share >= LEAST_CLEAR_GROUPS and _recall(table, groups) >= LEAST_RECALL)


def _recall(table: Contingency, groups: _Groups) -> float:
    """Smallest share, over the levels of b, of observations in groups whose mode is that level."""
    levels = int(table.b.max()) + 1
    held = np.bincount(groups.mode, groups.largest, minlength=levels)
    in_all = np.bincount(table.b, table.n, minlength=levels)
    judged = in_all >= GROUP_WORTH_JUDGING
    return float((held[judged] / in_all[judged]).min(initial=1.0))


@dataclass(frozen=True)
class _Groups:
    """For each level of a that occurs: its code, observations, and the most frequent level of b."""

    level: Ints
    total: Ints
    largest: Ints
    second: Ints
    mode: Ints

    @classmethod
    def of(cls, table: Contingency) -> _Groups:
        # Among equally frequent levels the one with the smallest code is taken, so that the result is stable.
        order = np.lexsort((-table.b, table.n, table.a))
        a, b, n = table.a[order], table.b[order], table.n[order]
        last = np.flatnonzero(np.append(a[1:] != a[:-1], True))
        first = np.append(0, last[:-1] + 1)
        second = np.where(last > first, n[np.maximum(last - 1, 0)], 0)
        return cls(a[last], np.add.reduceat(n, first), n[last], second, b[last])

    @property
    def accuracy(self) -> float:
        """Share of observations whose level is the majority among the others of their group."""
        guessed: NDArray[np.bool_] = (self.largest - 1 >= self.second) & (self.largest >= 2)
        repeated = self.total >= 2
        return float(self.largest[guessed].sum() / self.total[repeated].sum())

    @property
    def clear_share(self) -> float:
        """Share of the larger groups with no more strays than chance makes of the tolerated rate (3 sigma)."""
        total = self.total[self.total >= GROUP_WORTH_JUDGING]
        strays = total - self.largest[self.total >= GROUP_WORTH_JUDGING]
        # Strays of the other factor come from all groups and fall on all alike, small ones too.
        inflow = (self.total - self.largest).sum() / len(self.total)
        expected = MOST_STRAYS * total + inflow
        tolerated = expected + 3 * np.sqrt(expected)
        return float((strays <= tolerated).mean()) if len(total) else 1.0
