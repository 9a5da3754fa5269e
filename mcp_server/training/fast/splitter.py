"""The data splitter: the cells of each minibatch as scvi-tools would draw them, their counts sparse."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from scvi import REGISTRY_KEYS
from scvi.data import AnnDataManager
from scvi.data._utils import registry_key_to_default_dtype
from scvi.dataloaders import DataSplitter
from torch.utils.data import DataLoader, Dataset

from mcp_server.training.fast.counts import SparseCounts

Batch = dict[str, Any]


class CellsDataset(Dataset[Batch]):  # type: ignore[misc]
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

    def __init__(
        self, counts: SparseCounts | None, columns: dict[str, torch.Tensor], cells: np.ndarray[Any, Any]
    ) -> None:
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


class SparseBatches(DataSplitter):  # type: ignore[misc]
    """Hands out the cells of a data splitter, in its order, with counts that stay sparse; made by `sparse_splitter`.

    Attributes
    ----------
    counts
        Of all cells of the data.
    on_device
        Whether the counts are kept on the device that trains, and minibatches are taken there; only the numbers of
        their cells are sent.
    """

    counts: SparseCounts
    on_device: bool
    _resident: SparseCounts | None = None

    @property
    def density(self) -> float:
        """Share of the counts that are not zero."""
        return self.counts.density

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return minibatches of the training set in random order."""
        return self._sparse(super().train_dataloader(), self.train_idx)

    def val_dataloader(self) -> DataLoader[Batch] | None:
        """Return minibatches of the validation set, or None if it is empty."""
        return self._sparse(super().val_dataloader(), self.val_idx) if len(self.val_idx) else None

    def test_dataloader(self) -> DataLoader[Batch] | None:
        """Return minibatches of the test set, or None if it is empty."""
        return self._sparse(super().test_dataloader(), self.test_idx) if len(self.test_idx) else None

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Take the counts of a minibatch on the device, if that is where they are."""
        if self.on_device:
            cells = batch[REGISTRY_KEYS.X_KEY]
            if self._resident is None:
                self._resident = self.counts.to(cells.device)
            batch[REGISTRY_KEYS.X_KEY] = self._resident.rows(cells)
        return batch

    @cached_property
    def _columns(self) -> dict[str, torch.Tensor]:
        return registered_columns(self.adata_manager)

    def _sparse(self, loader: DataLoader[Any], cells: np.ndarray[Any, Any]) -> DataLoader[Batch]:
        dataset = CellsDataset(None if self.on_device else self.counts, self._columns, cells)
        # The sampler of the loader that is replaced says which cells make a minibatch, and random numbers are drawn as
        # it draws them.
        return DataLoader(
            dataset, sampler=loader.sampler, generator=loader.generator, batch_size=None, collate_fn=_as_it_is
        )


def sparse_splitter(base: type[DataSplitter], counts: SparseCounts, *, on_device: bool = False) -> type[SparseBatches]:
    """Return a data splitter that splits and orders cells as another does, and hands out sparse counts."""
    return type("SparseBatches", (SparseBatches, base), {"counts": counts, "on_device": on_device})


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
