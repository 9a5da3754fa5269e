"""What is asked of a training, and the settings that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal, get_args

from mcp_server.training.errors import TrainingError
from mcp_server.training.hardware import Hardware

Accelerator = Literal["auto", "cpu", "cuda", "mps"]
ACCELERATORS: tuple[Accelerator, ...] = get_args(Accelerator)

AUTO, NONE = "auto", "none"
"""Batch keys that are no columns: the one that the design advises, and none."""

N_HIDDEN, N_LAYERS, GENE_LIKELIHOOD = 128, 1, "zinb"
"""Of the network, as scvi-tools has them by default."""
TRAIN_SIZE = 0.9
CPU_BATCH_SIZE, GPU_BATCH_SIZE = 128, 512
LEARNING_RATE = 0.004
WANTED_STEPS = 4_000
"""Optimiser steps after which the held-out loss hardly falls any more; epochs are counted from them."""
FEWEST_EPOCHS, MOST_EPOCHS = 10, 400
LEAST_PATIENCE = 5
PATIENCE_SHARE = 0.1
CHECKPOINT_SECONDS = 30.0
MOST_DEVICES, MOST_THREADS_ASKED_FOR = 64, 1024


@dataclass(frozen=True)
class TrainingRequest:
    """What is asked of a training; what is None is chosen.

    Attributes
    ----------
    layer
        `X`, `raw/X` or the name of a layer; by default the matrix that holds counts.
    batch_key
        A column, `auto` for the one that the design advises, or `none`.
    covariates
        Columns that are integrated out beside the batch key, the `categorical_covariate_keys` of scvi-tools.
    check
        Whether to train once more, with the other choice of batch key, to say what integration does; if None, where
        that takes minutes and not hours.
    force
        Train despite problems that can be overruled; it is recorded.
    checkpoint_seconds
        Least time between two checkpoints.
    fast
        Whether the fast path trains what it covers, with the losses of scvi-tools in less time; if not, scvi-tools
        does as it is.
    from_disk
        Whether counts are read from the file in every epoch instead of held in memory; if None, where they would take
        more than half of the free memory.
    devices
        How many devices of the machine train together; each takes minibatches of `batch_size` from its own cells.
    threads
        Of the processor; if None, as many as are free. With another number results differ by rounding.
    """

    layer: str | None = None
    batch_key: str = AUTO
    covariates: tuple[str, ...] = ()
    n_latent: int = 10
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    accelerator: Accelerator = "auto"
    seed: int = 0
    check: bool | None = None
    force: bool = False
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    fast: bool = True
    from_disk: bool | None = None
    devices: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        _require(self.accelerator in ACCELERATORS, f"the accelerator is one of {', '.join(ACCELERATORS)}")
        _require(1 <= self.n_latent <= 1000, f"n_latent is from 1 to 1000, not {self.n_latent}")
        _require(self.epochs is None or self.epochs >= 1, f"there is at least 1 epoch, not {self.epochs}")
        _require(
            self.batch_size is None or self.batch_size >= 2, f"a minibatch has 2 cells or more, not {self.batch_size}"
        )
        _require(self.learning_rate is None or 0 < self.learning_rate < 1, "the learning rate is between 0 and 1")
        _require(0 <= self.seed < 2**32, f"the seed is from 0 to 4294967295, not {self.seed}")
        _require(1 <= self.devices <= MOST_DEVICES, f"there are from 1 to {MOST_DEVICES} devices, not {self.devices}")
        _require(
            self.threads is None or 1 <= self.threads <= MOST_THREADS_ASKED_FOR,
            f"there are from 1 to {MOST_THREADS_ASKED_FOR} threads, not {self.threads}",
        )


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of a training, all of them.

    Attributes
    ----------
    batch_size
        Cells that a device takes in a step; all devices together take `cells_per_step`.
    learning_rate
        Of Adam.
    epochs
        Most epochs; early stopping may end the training before.
    kl_warmup_epochs
        Epochs in which the weight of the KL divergence grows from 0 to 1.
    patience
        Epochs without a better held-out loss after which training ends.
    train_size
        Share of the cells that is trained on; the loss of the others is the held-out loss.
    threads
        Of the processor, for all devices together.
    devices
        How many devices of the machine train together.
    """

    n_latent: int
    n_hidden: int
    n_layers: int
    gene_likelihood: str
    batch_size: int
    learning_rate: float
    epochs: int
    kl_warmup_epochs: int
    patience: int
    train_size: float
    accelerator: Accelerator
    threads: int
    seed: int
    devices: int

    @property
    def cells_per_step(self) -> int:
        """The effective minibatch: cells of a step of the optimiser, on all devices."""
        return self.batch_size * self.devices


def settings_for(request: TrainingRequest, n_cells: int, hardware: Hardware) -> TrainingSettings:
    """Choose what a request leaves open.

    Parameters
    ----------
    n_cells
        Cells to train on, those held out included.
    """
    accelerator = accelerator_for(request.accelerator, hardware)
    batch_size = request.batch_size or (CPU_BATCH_SIZE if accelerator == "cpu" else GPU_BATCH_SIZE)
    devices = n_devices_for(request, accelerator, hardware)
    epochs = request.epochs or epochs_for(n_cells, batch_size * devices)
    return TrainingSettings(
        n_latent=request.n_latent,
        n_hidden=N_HIDDEN,
        n_layers=N_LAYERS,
        gene_likelihood=GENE_LIKELIHOOD,
        batch_size=batch_size,
        learning_rate=request.learning_rate or LEARNING_RATE,
        epochs=epochs,
        kl_warmup_epochs=epochs,
        patience=max(LEAST_PATIENCE, round(PATIENCE_SHARE * epochs)),
        train_size=TRAIN_SIZE,
        accelerator=accelerator,
        threads=request.threads or hardware.threads,
        seed=request.seed,
        devices=devices,
    )


def accelerator_for(asked: Accelerator, hardware: Hardware) -> Accelerator:
    """Choose the device that is asked for if it is there, or else the processor.

    Examples
    --------
    >>> machine = Hardware("mps", 8, 0.0, 8, None)
    >>> [accelerator_for(asked, machine) for asked in ("auto", "cpu", "cuda")]
    ['mps', 'cpu', 'cpu']
    """
    return hardware.accelerator if asked in ("auto", hardware.accelerator) else "cpu"


def n_devices_for(request: TrainingRequest, accelerator: Accelerator, hardware: Hardware) -> int:
    """Choose as many devices as are asked for, if so many can be seen; where the processor has to do, it is one."""
    if request.accelerator not in ("auto", accelerator):
        return 1
    seen = {"mps": 1, "cuda": hardware.gpus}.get(accelerator)
    return request.devices if seen is None else min(request.devices, max(seen, 1))


def epochs_for(n_cells: int, batch_size: int) -> int:
    """Count the epochs that make some thousand steps.

    Examples
    --------
    >>> epochs_for(1_000, 128), epochs_for(20_000, 128), epochs_for(1_000_000, 128)
    (400, 29, 10)
    """
    steps = ceil(TRAIN_SIZE * n_cells / batch_size)
    return min(max(ceil(WANTED_STEPS / max(steps, 1)), FEWEST_EPOCHS), MOST_EPOCHS)


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise TrainingError(otherwise)
