"""The data splitter: the cells of each minibatch as scvi-tools would draw them, their counts sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from scvi import REGISTRY_KEYS
from scvi.data import AnnDataManager
from scvi.data._utils import registry_key_to_default_dtype
from scvi.dataloaders import DataSplitter
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from mcp_server.training.fast.counts import SparseCounts

Batch = dict[str, Any]
DEFAULT_BATCH_SIZE = 128


class CellsDataset(Dataset[Batch]):
    """What the model takes of some cells, taken a minibatch at a time.

    Parameters
    ----------
    counts
        Of all cells of the data; None if they are added later, on the device.
    columns
        Everything else that was registered, n_cells x n_columns each.
    cells
        Which cells of the data are meant.
    """

    def __init__(self, counts: SparseCounts | None, columns: dict[str, torch.Tensor], cells: np.ndarray[Any, Any]) -> None:
        self.counts = counts
        self.columns = columns
        self.cells = torch.as_tensor(np.asarray(cells), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, index: list[int]) -> Batch:
        cells = self.cells[index]
        batch: Batch = {key: values[cells] for key, values in self.columns.items()}
        batch[REGISTRY_KEYS.X_KEY] = cells if self.counts is None else self.counts.rows(cells)
        return batch


class SparseDataSplitter(DataSplitter):
    """Split and draw cells as `scvi.dataloaders.DataSplitter` does, from counts that stay sparse.

    Parameters
    ----------
    counts
        Of all cells of the data.
    on_device
        Whether the counts are kept on the device that trains, and minibatches are taken there; only the numbers of their cells are sent.
    """

    def __init__(self, adata_manager: AnnDataManager, *, counts: SparseCounts, on_device: bool = False, **settings: Any) -> None:
        super().__init__(adata_manager, **settings)
        self.counts = counts
        self.on_device = on_device
        self.columns = registered_columns(adata_manager)
        self._resident: SparseCounts | None = None

    @property
    def density(self) -> float:
        """Share of the counts that are not zero."""
        return self.counts.density

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return minibatches of the training set in random order."""
        return self._loader(self.train_idx, shuffle=True, drop_last=self.drop_last)

    def val_dataloader(self) -> DataLoader[Batch] | None:
        """Return minibatches of the validation set, or None if it is empty."""
        return self._loader(self.val_idx) if len(self.val_idx) else None

    def test_dataloader(self) -> DataLoader[Batch] | None:
        """Return minibatches of the test set, or None if it is empty."""
        return self._loader(self.test_idx) if len(self.test_idx) else None

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Take the counts of a minibatch on the device, if that is where they are."""
        if self.on_device:
            cells = batch[REGISTRY_KEYS.X_KEY]
            if self._resident is None:
                self._resident = self.counts.to(cells.device)
            batch[REGISTRY_KEYS.X_KEY] = self._resident.rows(cells)
        return batch

    def _loader(self, cells: np.ndarray[Any, Any], *, shuffle: bool = False, drop_last: bool | int = False) -> DataLoader[Batch]:
        dataset = CellsDataset(None if self.on_device else self.counts, self.columns, cells)
        sampler = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
        batches = BatchSampler(sampler, self.data_loader_kwargs.get("batch_size") or DEFAULT_BATCH_SIZE, bool(drop_last))
        # DataLoader draws from the random numbers of torch as it does for scvi-tools, so that the order of cells is the same.
        return DataLoader(dataset, sampler=batches, batch_size=None, collate_fn=_as_it_is)


def _as_it_is(batch: Batch) -> Batch:
    return batch


def registered_columns(manager: AnnDataManager) -> dict[str, torch.Tensor]:
    """Return all that was registered beside the counts, as the tensors that the model takes."""
    return {
        key: _column(manager.get_from_registry(key), registry_key_to_default_dtype(key))
        for key in manager.data_registry
        if key != REGISTRY_KEYS.X_KEY
    }


def _column(values: Any, kind: Any) -> torch.Tensor:
    table = values.to_numpy() if isinstance(values, pd.DataFrame) else np.asarray(values)
    return torch.from_numpy(np.ascontiguousarray(table.astype(kind)))
