"""What happens at the end of every epoch: losses are written down, progress is told, a checkpoint is kept."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import Callback
from scvi import REGISTRY_KEYS

from edviz.output import writing

LOSSES = (
    "elbo_train",
    "elbo_validation",
    "reconstruction_loss_train",
    "reconstruction_loss_validation",
    "kl_local_train",
    "kl_local_validation",
)
COLUMNS = ("epoch", "kl_weight", *LOSSES, "seconds")
FIRST_BATCH = 0
MOST_SEEDS = 2**32

Row = dict[str, float]
Report = Callable[[float, str], None]


class Reseeding(Callback):  # type: ignore[misc]
    """Starts all random numbers anew in every epoch, from the seed and its number: no state has to be kept of them."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_train_batch_start(self, trainer: Trainer, plan: LightningModule, batch: Any, batch_idx: int) -> None:
        """Begin an epoch; what loading the first cells has drawn does not count."""
        if batch_idx == FIRST_BATCH:
            self._seed_for(2 * trainer.current_epoch, trainer.global_rank)

    def on_validation_start(self, trainer: Trainer, plan: LightningModule) -> None:
        """Begin to look at the cells that are held out."""
        self._seed_for(2 * trainer.current_epoch + 1, trainer.global_rank)

    def _seed_for(self, number: int, rank: int) -> None:
        # Cells of different ranks get different noise.
        seed_everything((self._seed * 1_000_003 + rank * 1_000_000_007 + number) % MOST_SEEDS, verbose=False)


class Counting(Callback):  # type: ignore[misc]
    """Counts the cells that this process has trained on in an epoch."""

    n_cells = 0

    def on_train_epoch_start(self, trainer: Trainer, plan: LightningModule) -> None:
        """Begin to count."""
        self.n_cells = 0

    def on_train_batch_start(self, trainer: Trainer, plan: LightningModule, batch: Any, batch_idx: int) -> None:
        """Count the cells of a step."""
        self.n_cells += len(batch[REGISTRY_KEYS.BATCH_KEY])


class Following(Callback):  # type: ignore[misc]
    """Keeps the losses of all epochs, tells progress, and keeps a checkpoint.

    Where several processes train together, all of them keep the losses, which are those over all of them, and the first
    writes and tells.

    Parameters
    ----------
    folder
        Where `losses.csv` and `checkpoint.ckpt` are written.
    checkpoint_seconds
        Least time between two checkpoints.
    """

    def __init__(self, folder: Path, report: Report, checkpoint_seconds: float) -> None:
        self.rows: list[Row] = []
        self._folder = folder
        self._report = report
        self._checkpoint_seconds = checkpoint_seconds
        self._kept = self._began = time.monotonic()
        self._first = 0
        self._is_over = False

    def state_dict(self) -> dict[str, Any]:
        """Return what goes into a checkpoint."""
        return {"rows": self.rows, "is_over": self._is_over}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what a checkpoint holds."""
        self.rows = list(state_dict["rows"])
        self._is_over = state_dict["is_over"]
        self._first = len(self.rows)

    def on_train_start(self, trainer: Trainer, plan: LightningModule) -> None:
        """End at once what had ended before it was resumed."""
        if self._is_over:
            trainer.should_stop = True

    def on_train_epoch_start(self, trainer: Trainer, plan: LightningModule) -> None:
        """Look at the clock."""
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, plan: LightningModule) -> None:
        """Write down an epoch."""
        measured = {name: float(trainer.callback_metrics[name]) for name in LOSSES if name in trainer.callback_metrics}
        seconds = round(time.monotonic() - self._began, 3)
        weight = float(plan.kl_weight)
        self.rows.append({"epoch": trainer.current_epoch, "kl_weight": weight, **measured, "seconds": seconds})
        if trainer.is_global_zero:
            write_losses(self._folder / "losses.csv", self.rows)
            self._tell(trainer)
        self._is_over = bool(trainer.should_stop) or len(self.rows) == trainer.max_epochs
        is_time = self._is_over or time.monotonic() - self._kept >= self._checkpoint_seconds
        # All make a checkpoint, or none does: clocks may not agree.
        if trainer.strategy.broadcast(is_time):
            self._keep(trainer)

    def _tell(self, trainer: Trainer) -> None:
        row, n = self.rows[-1], len(self.rows)
        lasted = [each["seconds"] for each in self.rows[self._first :]]
        left = sum(lasted) / len(lasted) * (trainer.max_epochs - n)
        losses = ", ".join(f"{words} {row[name]:.1f}" for name, words in SAID.items() if name in row)
        self._report(
            n / trainer.max_epochs, f"epoch {n} of {trainer.max_epochs}, {losses}, {_minutes(left)} left at most"
        )

    def _keep(self, trainer: Trainer) -> None:
        part = self._folder / "checkpoint.part"
        trainer.save_checkpoint(part)
        self._kept = time.monotonic()
        if not trainer.is_global_zero:
            return
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(self._folder / "checkpoint.ckpt")


SAID = {"elbo_train": "loss", "elbo_validation": "held-out"}


def write_losses(path: Path, rows: list[Row]) -> None:
    """Write the losses as CSV, an epoch a row.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    with writing(path) as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n", restval="")
        table.writeheader()
        table.writerows(rows)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
