"""Memory that stays with the process between the steps of a training."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Numbers of mallopt(3).
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
USUAL, LARGE = 128 * 1024, 2**30


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let glibc keep freed memory until the end, where it would give it back and ask for it anew at every step.

    Matrices of minibatches are so large that each step otherwise waits for thousands of fresh pages. Elsewhere than on
    Linux with glibc nothing is done. The peak is the same; what is free is given back at the end.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(MMAP_THRESHOLD, LARGE)
    library.mallopt(TRIM_THRESHOLD, LARGE)
    try:
        yield
    finally:
        library.mallopt(MMAP_THRESHOLD, USUAL)
        library.mallopt(TRIM_THRESHOLD, USUAL)
        library.malloc_trim(0)


@contextmanager
def settled_objects() -> Iterator[None]:
    """Let the collector of garbage pass over what is there already: libraries and data, a third of a second each time.

    What a training makes is collected as ever.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _glibc() -> Any:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
