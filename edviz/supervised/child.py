"""The process that reads: it answers questions about one file until it is told no more."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import asdict
from importlib import import_module
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO

from edviz.progress import Progress, watched_by
from edviz.supervised.limits import Limits
from edviz.supervised.wire import pack, unpack

if TYPE_CHECKING:
    from threading import Thread

    from edviz.hdf5 import Purpose

STACK_BYTES = 8 << 20
"""Imports go deep."""
SILENT_SECONDS = 0.5
"""Between two messages of how far the reading is."""
KINDS_OF_ERRORS = ("H5adError", "DesignError")


def main() -> None:
    """Answer on standard output what is asked on standard input."""
    # What a library prints must not get between the answers.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with os.fdopen(answers, "wb") as replies:
        serve(sys.stdin.buffer, replies)


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Read the limits and the location, then answer one question after the other."""
    first = unpack(requests.readline(), requests.read)
    Limits(first["address_space"], first["seconds"]).apply()
    # Plug-ins of HDF5 are programs that a file can ask for: none is looked for.
    os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
    # A file that cannot be opened sends HDF5 to their folders nevertheless, for another way to open it.
    os.environ["HDF5_PLUGIN_PATH"] = ""
    sender = _Sender(replies)
    with ExitStack() as opened, watched_by(sender.tell):
        answering = _Answering(first["location"], first["copy"], opened)
        for line in iter(requests.readline, b""):
            sender.send(_answer(answering, unpack(line, requests.read)))


class _Sender:
    """Sends answers, and between them how far the reading is; several threads may tell that."""

    def __init__(self, replies: BinaryIO) -> None:
        self._replies = replies
        self._lock = Lock()
        self._told = monotonic()

    def send(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._replies.writelines(pack(message))
            self._replies.flush()

    def tell(self, progress: Progress) -> None:
        if monotonic() - self._told >= SILENT_SECONDS:
            self._told = monotonic()
            self.send({"progress": asdict(progress)})


def _answer(answering: _Answering, question: dict[str, Any]) -> dict[str, Any]:
    from edviz.errors import EdvizError

    ask: Callable[..., Any] = getattr(answering, question.pop("ask"))
    try:
        return {"answer": ask(**question)}
    except EdvizError as error:
        kind = next((name for name in KINDS_OF_ERRORS if name in _bases(error)), "EdvizError")
        return {"error": kind, "text": str(error)}
    except ModuleNotFoundError as error:
        return {"error": "EdvizError", "text": f"the Python package {error.name} is missing; pip install {error.name}"}
    except MemoryError:
        return {"error": "memory", "text": ""}


def _bases(error: BaseException) -> set[str]:
    return {base.__name__ for base in type(error).__mro__}


class _Answering:
    """The questions, as methods; each returns what a message can hold."""

    def __init__(self, location: str, copy: tuple[str, str | None] | None, opened: ExitStack) -> None:
        self._location = location
        self._copy = copy
        self._opened = opened
        self._source: Any = None
        self._h5ad: Any = None
        self._counts: Any = None

    def summary(self) -> dict[str, Any]:
        h5ad = self._open("summary")
        from edviz.h5ad.summary import summary_of

        return asdict(summary_of(h5ad))

    def scan(self, location: str) -> dict[str, Any]:
        h5ad = self._open("summary")
        from edviz.h5ad.scanning import scan_counts

        return asdict(scan_counts(h5ad, location))

    def factors(self, also: list[str]) -> dict[str, Any]:
        h5ad = self._open("factors")
        from edviz.counting.state import state_of
        from edviz.h5ad.factors import factors_of

        table, _ = factors_of(h5ad, also, lambda: nullcontext(h5ad.obs))
        self._counts = table.counts
        return {"listing": asdict(table.listing), "counts": state_of(self._counts)}

    def rows(self, names: list[str]) -> dict[str, Any]:
        from edviz.counting.state import state_of_rows

        return state_of_rows(self._counts.rows(*names))

    def codes(self, names: list[str]) -> dict[str, Any]:
        from edviz.counting.state import state_of_rows

        return state_of_rows(self._counts.codes(*names))

    def report(self) -> dict[str, Any] | None:
        report = None if self._source is None else self._source.report
        return None if report is None else asdict(report)

    def _open(self, purpose: Purpose) -> Any:
        """Open the file once for all questions."""
        if self._h5ad is None:
            from edviz.h5ad.copies import Copy
            from edviz.h5ad.sources import is_address, source_of

            copy = None if self._copy is None else Copy(*self._copy)
            # While a server is waited for, h5py is imported: that takes as long as two of its answers.
            waiting = is_address(self._location) and copy is None
            importing = _import_meanwhile() if waiting else []
            self._source = self._opened.enter_context(source_of(self._location, purpose, copy=copy))
            for thread in importing:
                thread.join()
            from edviz.h5ad.reader import open_h5ad

            self._h5ad = self._opened.enter_context(open_h5ad(self._source))
        return self._h5ad


def _import_meanwhile() -> list[Thread]:
    from edviz.remote.parallel import start_threads

    return start_threads(_import_reader, 1, stack_bytes=STACK_BYTES)


def _import_reader() -> None:
    # An error of the import is met again, and told, by who needs it.
    with suppress(ImportError):
        import_module("edviz.h5ad.reader")


if __name__ == "__main__":
    main()
