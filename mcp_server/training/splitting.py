"""The order in which cells are trained on: told by the seed and the number of the epoch alone.

So a training that goes on after a kill meets the same cells in the same order as one that was never ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scvi.dataloaders import DataSplitter
from torch.utils.data import DataLoader, Sampler

SMALLEST_MINIBATCH = 2
"""Batch normalisation has no variance of one cell."""


class EpochBatches(Sampler[list[int]]):  # type: ignore[misc]
    """Minibatches of the cells of an epoch.

    Parameters
    ----------
    n
        How many cells there are.
    batch_size
        Cells in a minibatch; a last one that would hold a single cell goes with the one before.
    """

    def __init__(self, n: int, batch_size: int, seed: int) -> None:
        self._n = n
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes; Lightning does."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        # A generator on purpose: Lightning makes the iterator of a resumed epoch before it says which one it is.
        order = np.random.default_rng((self._seed, self._epoch)).permutation(self._n)
        for part in minibatches(order, self._batch_size):
            yield part.tolist()

    def __len__(self) -> int:
        return len(minibatches(np.arange(self._n), self._batch_size))


def minibatches(order: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Cut an order into minibatches, none of them of a single cell unless there is only one.

    Examples
    --------
    >>> [len(part) for part in minibatches(np.arange(9), 4)]
    [4, 5]
    """
    parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if len(parts) > 1 and len(parts[-1]) < SMALLEST_MINIBATCH:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return parts


class ReproducibleSplitter(DataSplitter):  # type: ignore[misc]
    """Splits cells by the seed, and hands them out by seed and epoch."""

    seed = 0

    def setup(self, stage: str | None = None) -> None:
        """Choose the cells that are held out."""
        order = np.random.default_rng(self.seed).permutation(self.adata_manager.adata.n_obs)
        self.val_idx = np.sort(order[: self.n_val])
        self.train_idx = np.sort(order[self.n_val : self.n_val + self.n_train])
        self.test_idx = order[self.n_val + self.n_train :]

    def train_dataloader(self) -> Any:
        """Return the cells to train on."""
        return DataLoader(
            self.adata_manager.create_torch_dataset(indices=self.train_idx),
            sampler=EpochBatches(len(self.train_idx), self.data_loader_kwargs["batch_size"], self.seed),
            batch_size=None,
            # With its own source of numbers it takes none from the one that the model draws from.
            generator=torch.Generator(),
        )


def splitter_for(seed: int) -> type[ReproducibleSplitter]:
    """Return the splitter of a seed, in the form that scvi-tools takes: it makes the splitter itself."""
    return type("SplitterOfSeed", (ReproducibleSplitter,), {"seed": seed})
