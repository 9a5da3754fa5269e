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

from mcp_server.training.ranks import ALONE, Rank

SMALLEST_MINIBATCH = 2
"""Batch normalisation has no variance of one cell."""


class EpochBatches(Sampler[list[int]]):  # type: ignore[misc]
    """Minibatches of the cells of an epoch, or of a rank's part of them.

    Parameters
    ----------
    n
        How many cells there are.
    batch_size
        Cells in a minibatch; a last one that would hold a single cell goes with the one before.
    rank
        Which of the processes that train together; every cell is in the part of one of them.
    """

    def __init__(self, n: int, batch_size: int, seed: int, rank: Rank = ALONE) -> None:
        self._n = n
        self._batch_size = batch_size
        self._seed = seed
        self._rank = rank
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes; Lightning does."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        # A generator on purpose: Lightning makes the iterator of a resumed epoch before it says which one it is.
        order = np.random.default_rng((self._seed, self._epoch)).permutation(self._n)
        for part in minibatches(order, self._batch_size, self._rank):
            yield part.tolist()

    def __len__(self) -> int:
        return len(minibatches(np.arange(self._n), self._batch_size, self._rank))


def minibatches(order: NDArray[np.int64], batch_size: int, rank: Rank = ALONE) -> list[NDArray[np.int64]]:
    """Cut an order into minibatches, none of them of a single cell unless there is only one.

    Those of several ranks are the parts of larger ones: as many for each rank, and of sizes that differ by 1 at most,
    so that the mean of the gradients of all ranks is that of the larger minibatch.

    Examples
    --------
    >>> [len(part) for part in minibatches(np.arange(9), 4)]
    [4, 5]
    >>> [[part.tolist() for part in minibatches(np.arange(9), 2, Rank(number, 2))] for number in range(2)]
    [[[0, 2], [4, 6, 8]], [[1, 3], [5, 7]]]
    """
    size = batch_size * rank.of
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    if len(parts) > 1 and len(parts[-1]) < SMALLEST_MINIBATCH * rank.of:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return [part[rank.number :: rank.of] for part in parts]


class ReproducibleSplitter(DataSplitter):  # type: ignore[misc]
    """Splits cells by the seed, and hands them out by seed and epoch."""

    seed = 0
    rank = ALONE

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
            sampler=EpochBatches(len(self.train_idx), self.data_loader_kwargs["batch_size"], self.seed, self.rank),
            batch_size=None,
            # With its own source of numbers it takes none from the one that the model draws from.
            generator=torch.Generator(),
        )

    def val_dataloader(self) -> Any:
        """Return the cells that are held out; of several ranks each looks at its part of them."""
        if self.rank == ALONE:
            return super().val_dataloader()
        order = np.arange(len(self.val_idx))
        return DataLoader(
            self.adata_manager.create_torch_dataset(indices=self.val_idx),
            sampler=[part.tolist() for part in minibatches(order, self.data_loader_kwargs["batch_size"], self.rank)],
            batch_size=None,
        )


def splitter_for(seed: int, rank: Rank = ALONE) -> type[ReproducibleSplitter]:
    """Return the splitter of a seed, in the form that scvi-tools takes: it makes the splitter itself."""
    return type("SplitterOfSeed", (ReproducibleSplitter,), {"seed": seed, "rank": rank})
