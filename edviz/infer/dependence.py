"""Whether one factor tells another, also where some observations are mislabelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edviz.infer.relations import Contingency, Ints

LEAST_ACCURACY = 0.88
"""Mislabelled observations of both factors together may be up to about one in ten."""
LEAST_RECALL = 0.5
"""Most observations of an average level lie where that level is the most frequent one."""
LEAST_CLEAR_GROUPS = 0.95
CLEAR_MAJORITY = 0.7
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
    groups = _Groups.of(table)
    strays = table.n_obs - int(groups.largest.sum())
    exact = strays == 0
    varied = len(np.unique(groups.mode)) > 1
    coarser = len(np.unique(table.b)) <= len(groups.total)
    repeated = groups.total >= 2
    covered = groups.total[repeated].sum() >= 0.5 * table.n_obs
    holds = varied and coarser and bool(covered)
    if holds and not exact:
        holds = len(table.n) > len(groups.total) and _holds_but_for_strays(table, groups)
    return Dependence(exact=exact, holds=holds, strays=strays, share=strays / table.n_obs)


def modes(table: Contingency, levels_a: int) -> Ints:
    """Return for each level of a the most frequent level of b, -1 where there is none; shape (levels_a,)."""
    groups = _Groups.of(table)
    mode = np.full(levels_a, -1, dtype=np.int64)
    mode[groups.level] = groups.mode
    return mode


def without_strays(table: Contingency, *, stray_share: float | None) -> Contingency:
    """Leave out combinations that a few mislabelled observations would make.

    Combinations are ranked by how often they occur against what independence would give. Strays
    are the low end of the ranking when a wide gap parts it from the rest.

    Parameters
    ----------
    table
        Combinations as counted.
    stray_share
        Share of mislabelled observations seen elsewhere in the data; None when nothing tells.
    """
    n_obs = table.n_obs
    if stray_share == 0 or not len(table.n) or n_obs < 20 * len(table.n):
        return table
    expected = np.bincount(table.a, table.n)[table.a] * np.bincount(table.b, table.n)[table.b] / n_obs
    ratio = table.n / expected
    order = np.argsort(ratio, kind="stable")
    ranked = ratio[order]
    lost = np.cumsum(table.n[order])
    most_lost = 0.12 if stray_share is None else min(0.15, 4 * stray_share)
    cuts = np.flatnonzero(
        (ranked[:-1] <= 0.3) & (ranked[1:] >= 2 * ranked[:-1]) & (ranked[1:] >= 0.15) & (lost[:-1] <= most_lost * n_obs)
    )
    for cut in cuts[np.argsort(-(ranked[cuts + 1] / ranked[cuts]), kind="stable")]:
        kept = table.keep(ratio > ranked[cut])
        if _same_levels(kept, table):
            return kept
    return table


def _same_levels(kept: Contingency, table: Contingency) -> bool:
    return len(np.unique(kept.a)) == len(np.unique(table.a)) and len(np.unique(kept.b)) == len(np.unique(table.b))


def _holds_but_for_strays(table: Contingency, groups: _Groups) -> bool:
    if table.n_obs < GROUP_WORTH_JUDGING * len(groups.total):
        return False
    judged = groups.total >= GROUP_WORTH_JUDGING
    clear = groups.largest[judged] >= CLEAR_MAJORITY * groups.total[judged]
    return bool(
        groups.accuracy >= LEAST_ACCURACY
        and clear.mean() >= LEAST_CLEAR_GROUPS
        and _recall(table, groups) >= LEAST_RECALL
    )


def _recall(table: Contingency, groups: _Groups) -> float:
    """Average over the levels of b of the share of observations in groups whose mode is that level."""
    levels = int(table.b.max()) + 1
    held = np.bincount(groups.mode, groups.largest, minlength=levels)
    all_held = np.bincount(table.b, table.n, minlength=levels)
    return float((held[all_held > 0] / all_held[all_held > 0]).mean())


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
