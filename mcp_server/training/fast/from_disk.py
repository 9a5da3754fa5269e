"""Counts read from the .h5ad file itself while a model is trained, for files that are larger than memory.

Rows are read in blocks, in random order; the rows of some blocks make a pool, from which minibatches are drawn at
random. Memory is that of a pool, whatever the size of the file. Nothing is converted, and the file is opened for
reading only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
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
from mcp_server.training.fast.splitter import Batch, registered_columns

ROWS_IN_BLOCK = 256
BLOCKS_IN_POOL = 16
SHARE_OF_MEMORY = 0.5
"""Share of the memory that counts may take before they are read from the file."""


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
        Where each row begins, and the end of the last: n_cells + 1 integers of 64 bits; the only part that is in
        memory.
    n_genes
        Number of columns.
    """

    path: Path
    location: str
    starts: NDArray[np.int64]
    n_genes: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def density(self) -> float:
        """Share of the counts that are not zero."""
        return float(self.starts[-1]) / max(len(self) * self.n_genes, 1)

    @property
    def size(self) -> int:
        """Bytes that the counts take in memory, as numbers of 4 bytes with columns of 4 bytes."""
        return 8 * int(self.starts[-1])

    def blocks(
        self, order: NDArray[np.int64], rows_in_block: int = ROWS_IN_BLOCK
    ) -> Iterator[tuple[NDArray[np.int64], sparse.csr_matrix]]:
        """Read blocks in an order, and yield the numbers of their rows with their counts.

        Raises
        ------
        H5adError
            If a value is not a count.
        """
        with h5py.File(self.path, "r") as file:
            group = file[self.location]
            for block in order:
                rows = np.arange(block * rows_in_block, min((block + 1) * rows_in_block, len(self)))
                first, last = int(self.starts[rows[0]]), int(self.starts[rows[-1] + 1])
                values = group["data"][first:last].astype(np.float32)
                if not are_counts(values):
                    raise H5adError(
                        f"{self.location} of {self.path} holds values in rows {rows[0]:,} to {rows[-1]:,} that are "
                        "no counts; name the layer with counts."
                    )
                starts = self.starts[rows[0] : rows[-1] + 2] - first
                yield (
                    rows,
                    sparse.csr_matrix((values, group["indices"][first:last], starts), shape=(len(rows), self.n_genes)),
                )


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
    return CountsOnDisk(Path(path), location, starts, int(shape[1]))


def cells_on_disk(counts: CountsOnDisk, obs: DataFrame, var: DataFrame) -> AnnData:
    """Return cells for `SCVI.setup_anndata` and `speed_up(on_disk=)` that have no counts in memory.

    For training only: what else asks such a model for its counts finds zeros. Cells are embedded by chunks of the file.
    """
    nothing = sparse.csr_matrix((len(counts), counts.n_genes), dtype=np.float32)
    return AnnData(nothing, obs=obs, var=var)


def is_too_large(counts: CountsOnDisk, memory: int, share: float = SHARE_OF_MEMORY) -> bool:
    """Whether counts take more than a share of so many bytes of memory, so that they are to be read from the file."""
    return counts.size > share * memory


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
    seed
        Tells the order of blocks and of cells, together with the number of the epoch; None for the order of the file.
    """

    def __init__(
        self,
        counts: CountsOnDisk,
        columns: dict[str, torch.Tensor],
        cells: NDArray[np.int64],
        *,
        batch_size: int,
        seed: int | None = None,
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
        self.epoch = 0
        self._is_meant = np.zeros(len(counts), dtype=bool)
        self._is_meant[np.asarray(cells, dtype=np.int64)] = True

    def __len__(self) -> int:
        return -(-self.n_cells // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        random = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        self.epoch += 1
        rest: tuple[NDArray[np.int64], sparse.csr_matrix] | None = None
        for cells, matrix in self._pools(random):
            if rest is not None:
                cells, matrix = np.concatenate((rest[0], cells)), sparse.vstack((rest[1], matrix), format="csr")
            if random is not None:
                order = random.permutation(len(cells))
                cells, matrix = cells[order], matrix[order]
            whole = len(cells) // self.batch_size * self.batch_size
            yield from self._batches(cells[:whole], matrix[:whole])
            rest = cells[whole:], matrix[whole:]
        if rest is not None and len(rest[0]):
            yield from self._batches(*rest)

    def _pools(self, random: np.random.Generator | None) -> Iterator[tuple[NDArray[np.int64], sparse.csr_matrix]]:
        order = np.arange(-(-len(self.counts) // self.rows_in_block))
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

    def _batches(self, cells: NDArray[np.int64], matrix: sparse.csr_matrix) -> Iterator[Batch]:
        counts = SparseCounts.from_matrix(matrix)
        for places in torch.arange(len(cells)).split(self.batch_size):
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

    def _reading(self, cells: NDArray[np.int64], seed: int | None = None) -> DataLoader[Batch]:
        batch_size = self.data_loader_kwargs.get("batch_size") or 128
        pools = Pools(self.counts, self._columns, cells, batch_size=batch_size, seed=seed)
        return DataLoader(pools, batch_size=None, generator=torch.Generator())


def disk_splitter(base: type[DataSplitter], counts: CountsOnDisk, *, seed: int = 0) -> type[DiskBatches]:
    """Return a data splitter that splits cells as another does, and reads the counts of minibatches from a file."""
    return type("DiskBatches", (DiskBatches, base), {"counts": counts, "seed": seed})
