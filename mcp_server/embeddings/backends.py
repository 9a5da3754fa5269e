"""What computes t-SNE: openTSNE here, cuML on a GPU of this machine, or a server that was named.

All have one interface: a matrix of cells and settings go in, two columns come out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.reading import Coordinates
from mcp_server.embeddings.reporting import Tell
from mcp_server.embeddings.requests import Backend, BackendChoice
from mcp_server.embeddings.tsne import TsneSettings

Tsne = Callable[[Coordinates, TsneSettings, Tell], Coordinates]

FUNCTIONS: dict[Backend, tuple[str, str]] = {
    "opentsne": ("mcp_server.embeddings.tsne", "open_tsne"),
    "cuml": ("mcp_server.embeddings.cuml", "gpu_tsne"),
    "remote": ("mcp_server.embeddings.remote", "gpu_tsne"),
}


def choose_backend(asked: BackendChoice) -> Backend:
    """Return the backend to use: if left open cuML where it can run, else openTSNE, and never a server.

    Raises
    ------
    EmbeddingError
        If cuML is asked for and cannot run.
    """
    if asked == "auto":
        return "cuml" if find_spec("cuml") is not None and has_cuda() else "opentsne"
    if asked == "cuml" and find_spec("cuml") is None:
        raise EmbeddingError("cuML is not installed; see docs.rapids.ai/install, or use the backend opentsne")
    if asked == "cuml" and not has_cuda():
        raise EmbeddingError("cuML needs a CUDA device, and there is none; use the backend opentsne")
    return asked


def tsne_of(backend: Backend) -> Tsne:
    """Import the function of a backend."""
    module, name = FUNCTIONS[backend]
    function: Tsne = getattr(import_module(module), name)
    return function


def has_cuda() -> bool:
    """Say whether the driver of this machine has a CUDA device."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
