"""Training in a process of its own: it can be ended, and whoever asks never imports scvi-tools.

The request is a line of JSON on standard input, which then stays open as long as the process is to live; progress and
result are lines of JSON on standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

from edviz.errors import EdvizError
from edviz.h5ad.strings import harmless
from edviz.plain import from_plain, to_plain
from mcp_server.training.errors import TrainingError
from mcp_server.training.resuming import unfinished, way_on
from mcp_server.training.settings import TrainingRequest

LIBRARY = Path(__file__).resolve().parents[2]
Report = Callable[[float, str], None]


def run_in_child(request: Mapping[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    """Carry out a request as a job does, but here and now.

    Parameters
    ----------
    request
        `path` and `settings`, or `resume`, as for `mcp_server.training.train.work`; or `model`, `path` and `layer`,
        to embed cells.
    folder
        Where the result is to be; of cells that are embedded, the file.

    Raises
    ------
    TrainingError
        If the file or the request does not allow it, or the process was killed.
    """
    path = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "mcp_server.training.child", str(folder)]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    ) as child:
        try:
            return _followed(child, request, folder, report)
        finally:
            child.kill()


def _followed(child: subprocess.Popen[str], request: Mapping[str, Any], folder: Path, report: Report) -> dict[str, Any]:
    if child.stdin is None or child.stdout is None:
        raise TrainingError("the training process has no pipes")
    child.stdin.write(json.dumps(request) + "\n")
    child.stdin.flush()
    for line in child.stdout:
        said = json.loads(line)
        if "error" in said:
            raise TrainingError(said["error"])
        if "result" in said:
            result: dict[str, Any] = said["result"]
            return result
        report(said["fraction"], said["message"])
    number = child.wait()
    how = "it was killed, or memory ran out" if number < 0 else f"it ended with {number}"
    remedy = f"; {way_on(folder)}" if unfinished(folder).exists() else ""
    raise TrainingError(f"the process ended without a word ({how}){remedy}")


def main() -> None:
    """Read a request, train, and say how it went."""
    with words_to_parent() as words:
        request, folder = json.loads(sys.stdin.readline()), Path(sys.argv[1])
        end_with_parent()
        answer(words, lambda report: _result(request, folder, report))


def words_to_parent() -> TextIO:
    """Return standard output, which from now on only has what is said on purpose."""
    words = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What libraries print must not get between the lines.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return words


def end_with_parent() -> None:
    """From now on, end when the process that waits has ended, however it did: a training must not stay behind."""
    Thread(target=_end_when_input_ends, daemon=True).start()


def _end_when_input_ends() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


def answer(words: TextIO, work: Callable[[Report], object]) -> None:
    """Do work, and say how far it is, and at the end its result or why there is none."""

    def report(fraction: float, message: str) -> None:
        _say(words, {"fraction": fraction, "message": message})

    try:
        _say(words, {"result": to_plain(work(report))})
    except (EdvizError, OSError) as error:
        _say(words, {"error": str(error)})
        sys.exit(1)
    except MemoryError:
        _say(words, {"error": "the training needs more memory than there is; train with fewer genes or elsewhere"})
        sys.exit(1)
    except Exception as error:  # the edge of the process: whoever waits is told, whatever it was
        text = f"{type(error).__name__}: {harmless(str(error), longest=500)}"
        _say(words, {"error": f"the training met a mistake of this program, {text}"})
        raise


def _result(request: dict[str, Any], folder: Path, report: Report) -> object:
    from mcp_server.training.resuming import take_over
    from mcp_server.training.train import require_scvi, resume, train

    require_scvi()
    if "model" in request:
        from mcp_server.training.embedding import embed_cells

        return embed_cells(Path(request["model"]), request["path"], folder, layer=request["layer"], report=report)
    if request.get("resume"):
        take_over(Path(request["resume"]), folder)
        return resume(folder, report)
    return train(request["path"], from_plain(TrainingRequest, request["settings"]), folder, report)


def _say(words: TextIO, message: dict[str, Any]) -> None:
    words.write(json.dumps(message, allow_nan=False) + "\n")
    words.flush()


if __name__ == "__main__":
    main()
