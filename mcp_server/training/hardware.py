"""What a machine offers to a training, found out without torch."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MOST_THREADS = 8
"""The matrices of scVI are small: more threads wait for each other."""
NVIDIA = Path("/proc/driver/nvidia/version")
GPUS = Path("/proc/driver/nvidia/gpus")
MEMORY = Path("/proc/meminfo")
LIMITS_OF_GROUP = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


@dataclass(frozen=True)
class Hardware:
    """What there is for a training.

    Attributes
    ----------
    accelerator
        The best device that seems to be there.
    cores, load
        Processors that this process may use, and how many processes want one.
    threads
        Processors that are free, at most 8: with more threads than free processors, training gets slower.
    free_bytes
        Memory that can be had; None where the system does not say.
    gpus
        Devices of NVIDIA that can be seen; None where the system does not say.
    """

    accelerator: Literal["cpu", "cuda", "mps"]
    cores: int
    load: float
    threads: int
    free_bytes: int | None
    gpus: int | None = None

    @property
    def n_free(self) -> int:
        """How many processors no process wants."""
        return free_of(self.cores, self.load)


def look_at_hardware() -> Hardware:
    """Look at this machine as it is now."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return Hardware(_accelerator(), cores, round(load, 2), threads_for(cores, load), _free_bytes(), _gpus())


def threads_for(cores: int, load: float) -> int:
    """Choose how many threads to train with.

    Examples
    --------
    >>> threads_for(16, 0.1), threads_for(4, 1.2), threads_for(2, 5.0)
    (8, 3, 1)
    """
    return min(max(free_of(cores, load), 1), MOST_THREADS)


def free_of(cores: int, load: float) -> int:
    """Count the processors that are free.

    Examples
    --------
    >>> free_of(16, 0.1), free_of(2, 5.0)
    (16, 0)
    """
    return max(cores - round(load), 0)


def _gpus() -> int | None:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    with suppress(OSError):
        return len(list(GPUS.iterdir()))
    return None


def _accelerator() -> Literal["cpu", "cuda", "mps"]:
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if not hidden and (NVIDIA.exists() or shutil.which("nvidia-smi")):
        return "cuda"
    return "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else "cpu"


def _free_bytes() -> int | None:
    found = [free for free in (_free_of_machine(), *map(_free_of_group, LIMITS_OF_GROUP)) if free is not None]
    return min(found, default=None)


def _free_of_machine() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _free_of_group(files: tuple[Path, Path]) -> int | None:
    with suppress(OSError, ValueError):
        limit, used = (file.read_text().strip() for file in files)
        return None if limit == "max" else max(int(limit) - int(used), 0)
    return None
