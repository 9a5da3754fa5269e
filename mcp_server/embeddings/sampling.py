"""Which cells to embed where there are too many: a sample in which no group is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcp_server.embeddings.reading import Codes, Levels

MOST_STRATA = 1_000
LEAST_OF_A_STRATUM = 20


@dataclass(frozen=True)
class Sample:
    """Some cells of many.

    Attributes
    ----------
    rows
        Their places among all, in order.
    n_total
        How many there are in all.
    strata
        Names of the columns whose combinations are represented; empty if all cells are there.
    """

    rows: Codes
    n_total: int
    strata: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether no cell was left out."""
        return len(self.rows) == self.n_total


def choose_cells(n_total: int, most: int, columns: Sequence[Levels], *, seed: int) -> Sample:
    """Choose cells: each combination of the columns by its share, but at least 20 of it, or all where there are fewer.

    Columns are taken in their order while there are at most 1,000 combinations.
    """
    if n_total <= most:
        return Sample(np.arange(n_total), n_total)
    strata, names = _strata(n_total, columns)
    sizes = np.bincount(strata)
    wanted = _shares(sizes, most)
    random = np.random.default_rng(seed)
    order = random.permutation(n_total)
    order = order[np.argsort(strata[order], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    rows = np.concatenate([order[start : start + n] for start, n in zip(starts, wanted, strict=True)])
    return Sample(np.sort(rows), n_total, names)


def _strata(n_total: int, columns: Sequence[Levels]) -> tuple[Codes, tuple[str, ...]]:
    strata, names = np.zeros(n_total, dtype=np.int64), list[str]()
    for column in columns:
        joined = strata * (len(column.names) + 1) + column.codes + 1
        found, finer = np.unique(joined, return_inverse=True)
        if len(found) <= MOST_STRATA and len(found) > int(strata.max(initial=0)) + 1:
            strata, names = finer, [*names, column.name]
    return strata, tuple(names)


def _shares(sizes: Codes, most: int) -> Codes:
    """Divide a number of cells among groups in proportion to their sizes, none of them getting too little."""
    least = np.minimum(sizes, min(LEAST_OF_A_STRATUM, max(most // len(sizes), 1)))
    free = sizes - least
    quota = free * ((most - least.sum()) / max(free.sum(), 1))
    given = least + np.floor(quota).astype(np.int64)
    # The largest remainders get what rounding has left over.
    left = most - int(given.sum())
    for place in np.argsort(np.floor(quota) - quota, kind="stable")[: max(left, 0)]:
        given[place] += given[place] < sizes[place]
    return np.asarray(np.minimum(given, sizes), dtype=np.int64)
