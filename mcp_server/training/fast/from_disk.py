"""Counts read from the .h5ad file itself while a model is trained, for files that are larger than memory.

Rows are read in blocks, in random order; the rows of some blocks make a pool, from which minibatches are drawn at
random. Memory is that of a pool, whatever the size of the file. Nothing is converted, and the file is opened for
reading only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from math import ceil
from pathlib import Path

import h5py
import numpy as np
import torch
from anndata import AnnData
from numpy.typing import NDArray
from pandas import DataFrame
from scipy import sparse
from scvi import REGISTRY_KEYS
from scvi.dataloaders import DataSplitter
from torch.utils.data import DataLoader, IterableDataset

from edviz.errors import H5adError
from mcp_server.training.fast.counts import SparseCounts, are_counts
from mcp_server.training.fast.pools import BLOCKS_IN_POOL, ROWS_IN_BLOCK
from mcp_server.training.fast.splitter import Batch, registered_columns
from mcp_server.training.splitting import SMALLEST_MINIBATCH


@dataclass(frozen=True)
class CountsOnDisk:
    """A matrix of counts in a file, by rows.

    Attributes
    ----------
    path
        The .h5ad file.
    location
        Where the matrix is: `X`, `raw/X` or `layers/<name>`.
    starts
        Where each row of the file begins, and the end of the last, integers of 64 bits.
    n_columns
        Columns of the file.
    cells
        Rows that are meant, in the order of the file.
    genes
        Columns that are meant; None for all.
    """

    path: Path
    location: str
    starts: NDArray[np.int64]
    n_columns: int
    cells: NDArray[np.int64]
    genes: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def n_genes(self) -> int:
        """Number of columns that are meant."""
        return self.n_columns if self.genes is None else len(self.genes)

    @property
    def density(self) -> float:
        """Share of the counts that are not zero."""
        return float(self.starts[-1]) / max(len(self) * self.n_columns, 1)

    def blocks(
        self, order: NDArray[np.int64], rows_in_block: int = ROWS_IN_BLOCK
    ) -> Iterator[tuple[NDArray[np.int64], sparse.csr_matrix]]:
        """Read blocks of cells in an order, and yield the numbers of their cells with their counts.

        Raises
        ------
        H5adError
            If a value is not a count.
        """
        with h5py.File(self.path, "r") as file:
            group = file[self.location]
            for block in order:
                cells = np.arange(block * rows_in_block, min((block + 1) * rows_in_block, len(self)))
                rows = self.cells[cells]
                first, last = int(self.starts[rows[0]]), int(self.starts[rows[-1] + 1])
                values = group["data"][first:last].astype(np.float32)
                if not are_counts(values):
                    raise H5adError(
                        f"{self.location} of {self.path} holds values in rows {rows[0]:,} to {rows[-1]:,} that are "
                        "no counts; name the layer with counts."
                    )
                starts = self.starts[rows[0] : rows[-1] + 2] - first
                shape = (len(starts) - 1, self.n_columns)
                matrix = sparse.csr_matrix((values, group["indices"][first:last], starts), shape=shape)
                yield cells, self._meant(matrix, rows - rows[0])

    def _meant(self, matrix: sparse.csr_matrix, rows: NDArray[np.int64]) -> sparse.csr_matrix:
        if len(rows) < matrix.shape[0]:
            matrix = matrix[rows]
        return matrix if self.genes is None else matrix[:, self.genes]


def counts_on_disk(path: str | Path, location: str = "X") -> CountsOnDisk:
    """Find a matrix of counts in a file without reading it.

    Raises
    ------
    H5adError
        If it is not there or does not lie by rows.
    """
    with h5py.File(path, "r") as file:
        group = file.get(location)
        encoding = "" if group is None else group.attrs.get("encoding-type", group.attrs.get("h5sparse_format", ""))
        if not isinstance(group, h5py.Group) or not str(encoding).startswith("csr"):
            found = "is not there" if group is None else f"is {encoding or 'dense'}"
            raise H5adError(
                f"{location} of {path} {found}; only counts that lie by rows (csr_matrix) are trained on from the file."
            )
        shape = group.attrs["shape"] if "shape" in group.attrs else group.attrs["h5sparse_shape"]
        starts = group["indptr"][:].astype(np.int64)
    if len(starts) != shape[0] + 1 or np.any(np.diff(starts) < 0):
        raise H5adError(f"{location} of {path} is damaged: indptr does not say where {shape[0]:,} rows begin.")
    return CountsOnDisk(Path(path), location, starts, int(shape[1]), np.arange(shape[0]))


def without_empty_cells(counts: CountsOnDisk) -> CountsOnDisk:
    """Leave out cells whose counts are all 0, for which the file is read once."""
    has_counts = np.zeros(len(counts), dtype=bool)
    for cells, matrix in counts.blocks(np.arange(ceil(len(counts) / ROWS_IN_BLOCK))):
        has_counts[cells] = np.asarray(matrix.sum(axis=1)).ravel() > 0
    return counts if has_counts.all() else replace(counts, cells=counts.cells[has_counts])


def cells_on_disk(counts: CountsOnDisk, obs: DataFrame, var: DataFrame, layer: str | None = None) -> AnnData:
    """Return cells for `SCVI.setup_anndata` and `speed_up(on_disk=)` that have no counts in memory.

    For training only: what else asks such a model for its counts finds zeros. Cells are embedded by chunks of the file.
    """
    nothing = sparse.csr_matrix((len(counts), counts.n_genes), dtype=np.float32)
    return AnnData(
        nothing if layer is None else None, obs=obs, var=var, layers={} if layer is None else {layer: nothing}
    )


class Pools(IterableDataset[Batch]):  # type: ignore[misc]
    """Minibatches drawn from pools of blocks.

    Parameters
    ----------
    counts
        Of all cells.
    columns
        Everything else that the model takes, n_cells x n_columns each.
    cells
        Which cells are meant; the others are passed over.
    batch_size
        Cells in a minibatch; a last one that would hold a single cell goes with the one before.
    seed
        Tells the order of blocks and of cells, together with the number of the epoch; None for the order of the file.
    epoch
        Tells the number of the epoch; by default, they are counted.
    """

    def __init__(
        self,
        counts: CountsOnDisk,
        columns: dict[str, torch.Tensor],
        cells: NDArray[np.int64],
        *,
        batch_size: int,
        seed: int | None = None,
        epoch: Callable[[], int] | None = None,
        rows_in_block: int = ROWS_IN_BLOCK,
        blocks_in_pool: int = BLOCKS_IN_POOL,
    ) -> None:
        self.counts = counts
        self.columns = columns
        self.n_cells = len(cells)
        self.batch_size = batch_size
        self.seed = seed
        self.rows_in_block = rows_in_block
        self.blocks_in_pool = blocks_in_pool
        self._epoch = epoch or count().__next__
        self._is_meant = np.zeros(len(counts), dtype=bool)
        self._is_meant[np.asarray(cells, dtype=np.int64)] = True

    def __len__(self) -> int:
        return max(ceil((self.n_cells - 1) / self.batch_size), min(self.n_cells, 1))

    def __iter__(self) -> Iterator[Batch]:
        random = None if self.seed is None else np.random.default_rng((self.seed, self._epoch()))
        rest: tuple[NDArray[np.int64], sparse.csr_matrix] | None = None
        for cells, matrix in self._pools(random):
            if rest is not None:
                cells, matrix = np.concatenate((rest[0], cells)), sparse.vstack((rest[1], matrix), format="csr")
            if random is not None:
                order = random.permutation(len(cells))
                cells, matrix = cells[order], matrix[order]
            # What is left is never a single cell, of which batch normalisation has no variance.
            whole = max(len(cells) - SMALLEST_MINIBATCH, 0) // self.batch_size * self.batch_size
            if whole:
                yield from self._batches(cells[:whole], matrix[:whole], self.batch_size)
            rest = cells[whole:], matrix[whole:]
        if rest is not None and len(rest[0]):
            yield from self._batches(*rest, len(rest[0]))

    def _pools(self, random: np.random.Generator | None) -> Iterator[tuple[NDArray[np.int64], sparse.csr_matrix]]:
        order = np.arange(ceil(len(self.counts) / self.rows_in_block))
        if random is not None:
            order = random.permutation(order)
        pool: list[tuple[NDArray[np.int64], sparse.csr_matrix]] = []
        for rows, matrix in self.counts.blocks(order, self.rows_in_block):
            meant = self._is_meant[rows]
            pool.append((rows[meant], matrix[meant]))
            if len(pool) == self.blocks_in_pool:
                yield _joined(pool)
                pool = []
        if pool:
            yield _joined(pool)

    def _batches(self, cells: NDArray[np.int64], matrix: sparse.csr_matrix, size: int) -> Iterator[Batch]:
        counts = SparseCounts.from_matrix(matrix)
        for places in torch.arange(len(cells)).split(size):
            batch: Batch = {key: values[cells[places]] for key, values in self.columns.items()}
            batch[REGISTRY_KEYS.X_KEY] = counts.rows(places)
            yield batch


def _joined(pool: list[tuple[NDArray[np.int64], sparse.csr_matrix]]) -> tuple[NDArray[np.int64], sparse.csr_matrix]:
    return np.concatenate([rows for rows, _ in pool]), sparse.vstack([matrix for _, matrix in pool], format="csr")


class DiskBatches(DataSplitter):  # type: ignore[misc]
    """Splits cells as another data splitter does, and reads their counts from the file; made by `disk_splitter`."""

    counts: CountsOnDisk
    seed: int

    @property
    def density(self) -> float:
        """Share of the counts that are not zero."""
        return self.counts.density

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return minibatches of the training set."""
        return self._reading(self.train_idx, seed=self.seed)

    def val_dataloader(self) -> DataLoader[Batch] | None:
        """Return minibatches of the validation set, or None if it is empty."""
        return self._reading(self.val_idx) if len(self.val_idx) else None

    def test_dataloader(self) -> DataLoader[Batch] | None:
        """Return minibatches of the test set, or None if it is empty."""
        return self._reading(self.test_idx) if len(self.test_idx) else None

    @cached_property
    def _columns(self) -> dict[str, torch.Tensor]:
        return registered_columns(self.adata_manager)

    def _epoch(self) -> int:
        return int(self.trainer.current_epoch)

    def _reading(self, cells: NDArray[np.int64], seed: int | None = None) -> DataLoader[Batch]:
        batch_size = self.data_loader_kwargs.get("batch_size") or 128
        pools = Pools(self.counts, self._columns, cells, batch_size=batch_size, seed=seed, epoch=self._epoch)
        return DataLoader(pools, batch_size=None, generator=torch.Generator())


def disk_splitter(base: type[DataSplitter], counts: CountsOnDisk, *, seed: int = 0) -> type[DiskBatches]:
    """Return a data splitter that splits cells as another does, and reads the counts of minibatches from a file."""
    return type("DiskBatches", (DiskBatches, base), {"counts": counts, "seed": seed})
