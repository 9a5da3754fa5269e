"""How scvi-tools runs a training, with one thing more: nothing in a checkpoint is executed."""

from __future__ import annotations

from typing import Any

from scvi.train import Trainer, TrainRunner


class CarefulTrainer(Trainer):  # type: ignore[misc]
    """Takes up checkpoints as data: one from elsewhere could otherwise run anything."""

    def fit(self, *args: Any, **kwargs: Any) -> None:
        """Fit a model."""
        super().fit(*args, **{**kwargs, "weights_only": True})


class CarefulRunner(TrainRunner):  # type: ignore[misc]
    """Trains with that."""

    _trainer_cls = CarefulTrainer
