"""How much memory and time a training takes, before it is begun."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from mcp_server.training.hardware import Hardware
from mcp_server.training.settings import TrainingSettings

PROGRAM_BYTES = 700 << 20
"""What scvi-tools, torch and lightning take by themselves."""
BYTES_PER_COUNT = 8
"""A value of four bytes and its column."""
FLOAT_BYTES = 4
ARRAYS_PER_STEP = 40
"""Arrays of cells by genes that the likelihood and its gradients need at once; measured on 36,000 genes."""
HEADS = 3
"""Matrices of hidden units by genes that the decoder ends in, beside one that the encoder begins with."""
COPIES_OF_PARAMETERS = 4
"""Value, gradient and two moments of Adam."""

SECONDS_PER_VALUE = 1.2e-7
"""For a gene of a cell in an epoch, by one thread: measured on 2,000 and 10,000 genes, zero-inflated likelihood."""
SHARE_OF_FAST = 0.75
"""What the fast path takes of it at most: 0.28 on 10,000 genes alone, up to 0.7 on real files where others compute."""
SECONDS_PER_STEP = 0.007
GAIN_OF_THREADS = 0.6
"""Twice the threads are 1.5 times as fast."""
HELD_OUT_SHARE = 0.35
"""The forward pass alone, for the cells that are held out."""
START_SECONDS = 20
IS_MUCH = 0.9


@dataclass(frozen=True)
class Estimate:
    """What a training is thought to take.

    Attributes
    ----------
    memory_mb, free_mb
        Memory that it needs, and that there is; None where the system does not say.
    seconds
        Until the last epoch if nothing stops it before; None on a GPU, where it was not measured.
    basis
        What that rests on, in words.
    """

    memory_mb: int
    free_mb: int | None
    seconds: int | None
    basis: str

    @property
    def fits(self) -> bool:
        """Whether there is enough memory."""
        return self.free_mb is None or self.memory_mb < IS_MUCH * self.free_mb


def estimate(
    settings: TrainingSettings, hardware: Hardware, *, n_cells: int, n_genes: int, n_counts: int, fast: bool = False
) -> Estimate:
    """Estimate memory and time of a training.

    Parameters
    ----------
    n_counts
        Counts other than 0.
    fast
        Whether the fast path trains where it covers the training.
    """
    parameters = (HEADS + 1) * settings.n_hidden * n_genes * FLOAT_BYTES
    # Where several devices train, one process waits for them, and each process has read the counts.
    processes = 1 if settings.devices == 1 else settings.devices + 1
    needed = processes * (PROGRAM_BYTES + BYTES_PER_COUNT * n_counts)
    needed += settings.devices * COPIES_OF_PARAMETERS * parameters
    needed += ARRAYS_PER_STEP * settings.cells_per_step * n_genes * FLOAT_BYTES
    free = None if hardware.free_bytes is None else hardware.free_bytes >> 20
    if settings.accelerator != "cpu":
        return Estimate(needed >> 20, free, None, "not measured on a GPU; the first epoch tells")
    share = SHARE_OF_FAST if fast and settings.devices == 1 else 1.0
    seconds = settings.epochs * share * _seconds_of_epoch(settings, n_cells, n_genes) + START_SECONDS
    basis = f"{settings.epochs} epochs of {n_cells:,} cells by {n_genes:,} genes, {_threads(settings.threads)}"
    return Estimate(needed >> 20, free, round(seconds), f"{basis}; the first epoch tells more")


def _seconds_of_epoch(settings: TrainingSettings, n_cells: int, n_genes: int) -> float:
    held_out = n_cells * (1 - settings.train_size)
    worked = n_cells * settings.train_size + HELD_OUT_SHARE * held_out
    steps = ceil(n_cells / settings.batch_size)
    # Devices share the threads, and each has its own part of the work.
    busy = min(settings.devices, settings.threads)
    gain: float = busy * (settings.threads / busy) ** GAIN_OF_THREADS
    return (worked * n_genes * SECONDS_PER_VALUE + steps * SECONDS_PER_STEP) / gain


def _threads(n: int) -> str:
    return "1 thread" if n == 1 else f"{n} threads"
