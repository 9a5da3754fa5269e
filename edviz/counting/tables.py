"""Tables of two numbers that occur together, filled block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edviz.counting.rows import Ints

SMALL_TABLE = 1 << 17
"""Cells up to which a whole table is added for every block; above, only the cells that the block reaches."""
DENSE_TABLE = 1 << 21
"""Cells up to which a table has a place for every combination."""
PENDING_KEYS = 1 << 18


class Table:
    """How often two numbers occur together.

    Parameters
    ----------
    n_rows, n_columns
        Numbers that the first and the second one stay below.
    """

    def __init__(self, n_rows: int, n_columns: int) -> None:
        self.n_columns = n_columns
        self._n_cells = n_rows * n_columns
        dense = self._n_cells <= DENSE_TABLE
        self._dense = np.zeros(self._n_cells if dense else 0, dtype=np.int64)
        self._keys = np.empty(0, dtype=np.int64)
        self._counts = np.empty(0, dtype=np.int64)
        self._pending: list[Ints] = []
        self._n_pending = 0

    def add(self, rows: Ints, columns: NDArray[np.integer]) -> None:
        """Count one block of observations."""
        keys = rows * self.n_columns + columns
        if not len(self._dense):
            self._add_sparse(keys)
        elif self._n_cells <= SMALL_TABLE:
            self._dense += np.bincount(keys, minlength=self._n_cells)
        else:
            np.add.at(self._dense, keys, 1)

    def occupied(self) -> tuple[Ints, Ints, Ints]:
        """Return the cells that are not empty: first number, second number, how often."""
        if len(self._dense):
            keys = np.flatnonzero(self._dense)
            return keys // self.n_columns, keys % self.n_columns, self._dense[keys]
        self._merge()
        return self._keys // self.n_columns, self._keys % self.n_columns, self._counts

    def _add_sparse(self, keys: Ints) -> None:
        self._pending.append(keys)
        self._n_pending += len(keys)
        if self._n_pending >= max(PENDING_KEYS, len(self._keys)):
            self._merge()

    def _merge(self) -> None:
        if not self._pending:
            return
        keys, counts = np.unique(np.concatenate(self._pending), return_counts=True)
        every, place = np.unique(np.concatenate([self._keys, keys]), return_inverse=True)
        self._counts = np.bincount(place, weights=np.concatenate([self._counts, counts])).astype(np.int64)
        self._keys, self._pending, self._n_pending = every, [], 0


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
