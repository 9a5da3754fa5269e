"""Counts of cells as rows of a sparse matrix, on any device of torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.special import gammaln

from mcp_server.training.fast.compiling import compiles

ROWS_AT_ONCE = 256
"""Rows of which something is computed in double precision at the same time."""
LARGEST_IN_TABLE = 4096
"""Counts up to which log(x!) is looked up."""


@dataclass(frozen=True)
class RowSums:
    """Sums of counts, float32, and of log(count!), float64, of each cell, both made in double precision."""

    totals: np.ndarray[Any, Any]
    log_factorials: np.ndarray[Any, Any]

    @classmethod
    def of(cls, rows: sparse.csr_matrix) -> RowSums:
        """Sum the rows of a canonical matrix."""
        totals, logs = (np.concatenate(each) for each in zip(*_row_sums(rows), strict=True))
        return cls(totals.astype(np.float32), logs)

    def take(self, cells: np.ndarray[Any, Any]) -> RowSums:
        """Return those of some cells."""
        return RowSums(self.totals[cells], self.log_factorials[cells])


@dataclass(frozen=True)
class SparseCounts:
    """Counts of cells in compressed sparse rows.

    Attributes
    ----------
    starts
        Where each row begins in `genes` and `values`, and the end of the last: n_cells + 1 integers of 64 bits.
    genes
        Column of each count that is not zero, integers of 32 bits; no column occurs twice in a row.
    values
        The counts that are not zero, whole positive numbers, float32.
    totals
        Sum of each row, float32.
    log_factorials
        Sum of log(count!) of each row, float64: the part of the likelihood that no parameter changes. Where counts are
        large, nearly as much is added again, and float32 would leave nothing of the difference.
    n_genes
        Number of columns.
    """

    starts: torch.Tensor
    genes: torch.Tensor
    values: torch.Tensor
    totals: torch.Tensor
    log_factorials: torch.Tensor
    n_genes: int

    def __len__(self) -> int:
        return len(self.totals)

    @property
    def density(self) -> float:
        """Share of the counts that are not zero."""
        return len(self.values) / max(len(self) * self.n_genes, 1)

    @property
    def size(self) -> int:
        """Bytes that the counts take."""
        return sum(tensor.nbytes for tensor in (self.starts, self.genes, self.values))

    @classmethod
    def from_matrix(cls, matrix: Any, sums: RowSums | None = None) -> SparseCounts:
        """Take the counts of a scipy matrix or of an array; of canonical CSR nothing is copied.

        Parameters
        ----------
        sums
            Of its rows, where they are known.
        """
        rows = canonical(matrix)
        sums = sums or RowSums.of(rows)
        return cls(
            starts=torch.from_numpy(rows.indptr.astype(np.int64, copy=False)),
            genes=torch.from_numpy(rows.indices.astype(np.int32, copy=False)),
            values=torch.from_numpy(rows.data.astype(np.float32, copy=False)),
            totals=torch.from_numpy(sums.totals),
            log_factorials=torch.from_numpy(sums.log_factorials),
            n_genes=rows.shape[1],
        )

    def rows(self, index: torch.Tensor) -> SparseCounts:
        """Return some rows, in the order of the index, on the same device."""
        begins = self.starts[index]
        lengths = self.starts[index + 1] - begins
        starts = torch.zeros(len(index) + 1, dtype=torch.int64, device=self.starts.device)
        torch.cumsum(lengths, 0, out=starts[1:])
        genes, values = self._gathered(index, begins, starts)
        return SparseCounts(starts, genes, values, self.totals[index], self.log_factorials[index], self.n_genes)

    def _gathered(
        self, index: torch.Tensor, begins: torch.Tensor, starts: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        n_counts = int(starts[-1])
        if compiles(self.starts.device.type):
            from mcp_server.training.fast.rows import gather_rows

            genes, values = torch.empty(n_counts, dtype=torch.int32), torch.empty(n_counts)
            tensors = (index, self.starts, self.genes, self.values, starts, genes, values)
            gather_rows(*(tensor.numpy() for tensor in tensors))
            return genes, values
        places = torch.arange(n_counts, device=self.starts.device)
        places += torch.repeat_interleave(begins - starts[:-1], starts.diff())
        return self.genes[places], self.values[places]

    def followed_by(self, other: SparseCounts) -> SparseCounts:
        """Return these rows, and after them those of others with the same columns."""
        return SparseCounts(
            torch.cat((self.starts, other.starts[1:] + self.starts[-1])),
            torch.cat((self.genes, other.genes)),
            torch.cat((self.values, other.values)),
            torch.cat((self.totals, other.totals)),
            torch.cat((self.log_factorials, other.log_factorials)),
            self.n_genes,
        )

    def to(self, device: Any, non_blocking: bool = False) -> SparseCounts:
        """Return the same counts on a device."""
        moved = {
            field.name: getattr(self, field.name).to(device, non_blocking=non_blocking)
            for field in fields(self)
            if field.name != "n_genes"
        }
        return SparseCounts(**moved, n_genes=self.n_genes)

    @cached_property
    def places(self) -> torch.Tensor:
        """Where the counts lie in the flattened dense matrix, integers of 64 bits."""
        firsts = torch.arange(len(self), device=self.starts.device) * self.n_genes
        return torch.repeat_interleave(firsts, self.starts.diff()).add_(self.genes)

    def dense(self, values: torch.Tensor) -> torch.Tensor:
        """Return a dense matrix with these values instead of the counts that are not zero, and zero elsewhere."""
        if compiles(values.device.type):
            from mcp_server.training.fast.rows import scatter_rows

            matrix = torch.empty(len(self), self.n_genes)
            scatter_rows(*(tensor.numpy() for tensor in (self.starts, self.genes, values, matrix)))
            return matrix
        dense = torch.zeros(len(self) * self.n_genes, device=values.device)
        dense[self.places] = values
        return dense.view(len(self), self.n_genes)


def canonical(matrix: Any) -> sparse.csr_matrix:
    """Return CSR without stored zeros and with every column once in a row; the matrix itself is never changed."""
    rows = sparse.csr_matrix(matrix)
    if not rows.has_canonical_format or not np.all(rows.data):
        rows = rows.copy()
        rows.sum_duplicates()
        rows.eliminate_zeros()
    return rows


def are_counts(values: np.ndarray[Any, Any]) -> bool:
    """Whether all values are whole numbers that are not negative."""
    return all(
        bool(np.all(part >= 0) and np.all(part == np.floor(part)))
        for part in np.array_split(values, max(1, len(values) // 10_000_000))
    )


def _row_sums(rows: sparse.csr_matrix) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    for first in range(0, max(rows.shape[0], 1), ROWS_AT_ONCE):
        starts = rows.indptr[first : first + ROWS_AT_ONCE + 1]
        values = rows.data[starts[0] : starts[-1]]
        starts = starts - starts[0]
        yield _sums_between(starts, values), _sums_between(starts, log_factorials(values))


def _sums_between(starts: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    sums = np.zeros(len(starts) - 1)
    if len(values):
        # Empty rows have no place where their sum could begin.
        is_full = np.diff(starts) > 0
        sums[is_full] = np.add.reduceat(values, starts[:-1][is_full], dtype=np.float64)
    return sums


def log_factorials(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return log(x!) of counts x in double precision: of small ones, which most are, from a table."""
    # As 64 bits first: integers of 8 bits do not know the largest of the table.
    whole = np.minimum(values.astype(np.float64), LARGEST_IN_TABLE).astype(np.intp)
    logs: np.ndarray[Any, Any] = _table()[whole]
    if np.any(large := values > LARGEST_IN_TABLE):
        logs[large] = gammaln(values[large].astype(np.float64) + 1)
    return logs


@cache
def _table() -> np.ndarray[Any, Any]:
    table: np.ndarray[Any, Any] = gammaln(np.arange(LARGEST_IN_TABLE + 1) + 1.0)
    return table
