"""Counts read from the .h5ad file itself while a model is trained, for files that are larger than memory.

Rows are read in blocks, in random order; the rows of some blocks make a pool, from which minibatches are drawn at
random. Memory is that of a pool, whatever the size of the file. Nothing is converted, and the file is opened for
reading only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from edviz.h5ad.strings import harmless
from mcp_server.training.fast.counts import RowSums, SparseCounts, are_counts, canonical
from mcp_server.training.fast.pools import BLOCKS_IN_POOL, ROWS_IN_BLOCK
from mcp_server.training.fast.splitter import Batch, registered_columns
from mcp_server.training.splitting import SMALLEST_MINIBATCH

FileState = tuple[int, int, int, int]
"""Device, number, size and time of the last change: another file, or other contents, have another."""


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
    state
        That of the file when it was found; None if changes are not looked for.
    sums
        Of the cells that are meant; None as long as the values have not been looked at.
    """

    path: Path
    location: str
    starts: NDArray[np.int64]
    n_columns: int
    cells: NDArray[np.int64]
    genes: NDArray[np.int64] | None = None
    state: FileState | None = None
    sums: RowSums | None = None

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

    def read(
        self, order: NDArray[np.int64], rows_in_block: int = ROWS_IN_BLOCK, blocks_at_once: int = 1
    ) -> Iterator[tuple[NDArray[np.int64], sparse.csr_matrix]]:
        """Read blocks of cells in an order, some at once, and yield the numbers of their cells with their counts.

        Raises
        ------
        H5adError
            If a value is not a count, its column is none of the file, or the file is another one by now.
        """
        self._require_unchanged()
        with self._opened() as file:
            for first in range(0, len(order), blocks_at_once):
                blocks = [
                    np.arange(block * rows_in_block, min((block + 1) * rows_in_block, len(self)))
                    for block in order[first : first + blocks_at_once]
                ]
                yield np.concatenate(blocks), self._read(file[self.location], [self.cells[each] for each in blocks])

    def _require_unchanged(self) -> None:
        if self.state is not None and _state_of(self.path) != self.state:
            raise H5adError(f"{self.path} was changed or replaced while it was trained on; train anew.")

    @contextmanager
    def _opened(self) -> Iterator[h5py.File]:
        """Open the file, and say so if what cannot be read was changed meanwhile."""
        try:
            with h5py.File(self.path, "r") as file:
                yield file
        except OSError as error:
            self._require_unchanged()
            raise H5adError(f"{self.path} cannot be read any more: {harmless(str(error))}.") from error

    def _read(self, group: h5py.Group, blocks: list[NDArray[np.int64]]) -> sparse.csr_matrix:
        """Read rows of the file: of each block all from its first to its last, and then those that are meant."""
        spans = [(int(rows[0]), int(rows[-1]) + 1) for rows in blocks]
        lengths = np.concatenate([np.diff(self.starts[first : last + 1]) for first, last in spans])
        starts = np.concatenate(([0], np.cumsum(lengths)))
        values, columns = np.empty(starts[-1], dtype=np.float32), np.empty(starts[-1], dtype=np.int32)
        place, n_rows, meant = 0, 0, []
        for rows, (first, last) in zip(blocks, spans, strict=True):
            source = slice(int(self.starts[first]), int(self.starts[last]))
            target = slice(place, place + source.stop - source.start)
            if source.stop > source.start:
                group["data"].read_direct(values, source, target)
                group["indices"].read_direct(columns, source, target)
                self._require_counts(values[target], columns[target], first, last)
            meant.append(rows - first + n_rows)
            place, n_rows = target.stop, n_rows + last - first
        matrix = sparse.csr_matrix((values, columns, starts), shape=(n_rows, self.n_columns))
        chosen = np.concatenate(meant)
        if len(chosen) < n_rows:
            matrix = matrix[chosen]
        return matrix if self.genes is None else matrix[:, self.genes]

    def _require_counts(self, values: NDArray[np.float32], columns: NDArray[np.int32], first: int, last: int) -> None:
        where = f"{self.location} of {self.path} holds values in rows {first:,} to {last - 1:,}"
        if self.sums is None and not are_counts(values):
            raise H5adError(f"{where} that are no counts; name the layer with counts.")
        if columns.min() < 0 or columns.max() >= self.n_columns:
            raise H5adError(f"{where} of columns that it does not have: the file is damaged.")


def counts_on_disk(path: str | Path, location: str = "X") -> CountsOnDisk:
    """Find a matrix of counts in a file without reading it.

    Raises
    ------
    H5adError
        If it is not there or does not lie by rows.
    """
    state = _state_of(Path(path))
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
    return CountsOnDisk(Path(path), location, starts, int(shape[1]), np.arange(shape[0]), state=state)


def _state_of(path: Path) -> FileState:
    try:
        found = path.stat()
    except OSError as error:
        raise H5adError(f"{path} cannot be read any more: {error.strerror}.") from error
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def looked_through(counts: CountsOnDisk, genes: NDArray[np.int64] | None = None) -> CountsOnDisk:
    """Read the file once, check its values, sum the rows, and leave out cells whose counts are all 0.

    Parameters
    ----------
    genes
        Columns that are meant from now on; None for all.

    Raises
    ------
    H5adError
        If a value is not a count, or its column is none of the file.
    """
    has_counts, sums = [], []
    for _, matrix in counts.read(np.arange(ceil(len(counts) / ROWS_IN_BLOCK))):
        has_counts.append(np.asarray(matrix.sum(axis=1)).ravel() > 0)
        sums.append(RowSums.of(canonical(matrix if genes is None else matrix[:, genes])))
    meant = np.flatnonzero(np.concatenate(has_counts))
    totals, logs = (np.concatenate([getattr(each, name) for each in sums]) for name in ("totals", "log_factorials"))
    return replace(counts, cells=counts.cells[meant], genes=genes, sums=RowSums(totals, logs).take(meant))


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
        blocks = np.arange(ceil(len(self.counts) / self.rows_in_block))
        if random is not None:
            blocks = random.permutation(blocks)
        left: Drawn | None = None
        for cells, matrix in self.counts.read(blocks, self.rows_in_block, self.blocks_in_pool):
            order = np.flatnonzero(self._is_meant[cells])
            if random is not None:
                order = random.permutation(order)
            sums = self.counts.sums and self.counts.sums.take(cells)
            pool = Drawn(cells, SparseCounts.from_matrix(matrix, sums))
            n_left = 0 if left is None else len(left.cells)
            # What is left is never a single cell, of which batch normalisation has no variance.
            whole = max(n_left + len(order) - SMALLEST_MINIBATCH, 0) // self.batch_size * self.batch_size
            for first in range(0, whole, self.batch_size):
                yield self._batch(_between(left, pool, order, first, first + self.batch_size))
            left = _between(left, pool, order, whole, n_left + len(order))
        if left is not None and len(left.cells):
            yield self._batch(left)

    def _batch(self, drawn: Drawn) -> Batch:
        batch: Batch = {key: values[drawn.cells] for key, values in self.columns.items()}
        batch[REGISTRY_KEYS.X_KEY] = drawn.counts
        return batch


@dataclass(frozen=True)
class Drawn:
    """Numbers of some cells, and their counts."""

    cells: NDArray[np.int64]
    counts: SparseCounts

    def take(self, order: NDArray[np.int64]) -> Drawn:
        """Return some of them, in an order."""
        return Drawn(self.cells[order], self.counts.rows(torch.from_numpy(order)))


def _between(left: Drawn | None, pool: Drawn, order: NDArray[np.int64], first: int, last: int) -> Drawn:
    """Return cells by their places in a row of those that were left, and after them those of a pool in an order."""
    n_left = 0 if left is None else len(left.cells)
    of_pool = pool.take(order[max(first - n_left, 0) : max(last - n_left, 0)])
    if left is None or first >= n_left:
        return of_pool
    of_left = left.take(np.arange(first, min(last, n_left)))
    return Drawn(np.concatenate((of_left.cells, of_pool.cells)), of_left.counts.followed_by(of_pool.counts))


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
