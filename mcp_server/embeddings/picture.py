"""Asking for a plot: it is drawn in a process of its own, with limits of time and memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edviz.output import refuse_to_replace, require_place
from edviz.plain import from_plain, to_plain
from edviz.progress import report_stage
from mcp_server.embeddings.errors import EmbeddingError, require_seed
from mcp_server.embeddings.requests import PlotRequest

LIBRARY = Path(__file__).resolve().parents[2]
SECONDS = 300
POLL_SECONDS = 0.25
MEBIBYTE = 1 << 20
MOST_MEMORY = 6 * 1024 * MEBIBYTE
"""Of addresses, of which libraries alone map more than one gigabyte."""
UNSUITABLE = re.compile(r"[^\w.+-]+")
LONGEST_WORD = 40
MEMORY_VARIABLE = "EDVIZ_MOST_PLOT_MEMORY_MB"


@dataclass(frozen=True)
class Plot:
    """A picture as it was written.

    Attributes
    ----------
    width, height
        In pixels.
    alt_text
        What is to be seen, in a sentence.
    caption
        What it shows, with numbers.
    """

    path: str
    width: int
    height: int
    n_bytes: int
    alt_text: str
    caption: str


def picture_path(source: str, color: Sequence[str], facet: str | None) -> str:
    """Return a name for a picture that says what is on it.

    Examples
    --------
    >>> picture_path("data/cells.h5ad", ["cell type"], None)
    'cells.cell_type.png'
    """
    place = source if "://" in source else str(Path(source).absolute())  # which says what . is called
    name = place.rstrip("/").rsplit("/", 1)[-1].removesuffix(".h5ad") or "cells"
    words = [name, *color, *([f"by_{facet}"] if facet else [])]
    return ".".join(UNSUITABLE.sub("_", word)[:LONGEST_WORD] for word in words if word) + ".png"


def plot_embedding(request: PlotRequest, *, seconds: float = SECONDS) -> Plot:
    """Draw cells in two dimensions as PNG.

    Parameters
    ----------
    seconds
        After so long it is given up.

    Raises
    ------
    EmbeddingError
        If what is asked for is not there, or it takes too long or too much.
    OutputError
        If the picture cannot be written.
    """
    sources = (request.source, *((request.beside,) if request.beside else ()))
    refuse_to_replace(Path(request.output), *sources)
    require_seed(request.seed)
    require_place(Path(request.output).absolute(), ".png")
    done = _drawn(json.dumps(to_plain(request)).encode(), seconds)
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    try:
        said = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        raise EmbeddingError(_end_of(done)) from error
    if "error" in said:
        raise EmbeddingError(said["error"])
    return from_plain(Plot, said["plot"])


def limit_memory() -> None:
    """Limit the memory of the present process, where the system can."""
    named = os.environ.get(MEMORY_VARIABLE, "")
    most = int(named) * MEBIBYTE if named.isdecimal() and int(named) else MOST_MEMORY
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, ValueError, OSError):  # Windows has none, and macOS refuses
        return


def _drawn(asked: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run the process that draws; it ends with the call that wants the picture."""
    command = [sys.executable, "-m", "mcp_server.embeddings.child"]
    deadline = time.monotonic() + seconds
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
    ) as process:
        pending: bytes | None = asked
        try:
            while True:
                report_stage("drawing")
                try:
                    said, complained = process.communicate(pending, timeout=min(POLL_SECONDS, seconds))
                    return subprocess.CompletedProcess(command, process.returncode, said, complained)
                except subprocess.TimeoutExpired as error:
                    pending = None
                    if time.monotonic() > deadline:
                        raise EmbeddingError(
                            f"the plot was not drawn within {seconds:.0f} seconds; embed a sample first"
                        ) from error
        finally:
            process.kill()


def _environment() -> dict[str, str]:
    # A folder from which scripts were copied is not installed, and the process has to find it, too.
    path = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")]))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    return {**os.environ, **threads, "PYTHONPATH": path, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}


def _end_of(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"the process that draws was ended by signal {-done.returncode}; the file is damaged, or memory ran out"
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"the process that draws failed: {last[-1][:300] if last else f'exit status {done.returncode}'}"
