"""The process that reads: it answers questions about one file until it is told no more."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

from edviz.supervised.limits import Limits
from edviz.supervised.wire import pack, unpack

if TYPE_CHECKING:
    from edviz.hdf5 import Purpose

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
    with ExitStack() as opened:
        answering = _Answering(first["location"], opened)
        for line in iter(requests.readline, b""):
            replies.write(pack(_answer(answering, unpack(line, requests.read))))
            replies.flush()


def _answer(answering: _Answering, question: dict[str, Any]) -> dict[str, Any]:
    from edviz.errors import EdvizError

    ask: Callable[..., Any] = getattr(answering, question.pop("ask"))
    try:
        return {"answer": ask(**question)}
    except EdvizError as error:
        kind = next((name for name in KINDS_OF_ERRORS if name in _bases(error)), "EdvizError")
        return {"error": kind, "text": str(error)}
    except MemoryError:
        return {"error": "memory", "text": ""}


def _bases(error: BaseException) -> set[str]:
    return {base.__name__ for base in type(error).__mro__}


class _Answering:
    """The questions, as methods; each returns what a message can hold."""

    def __init__(self, location: str, opened: ExitStack) -> None:
        self._location = location
        self._opened = opened
        self._h5ad: Any = None
        self._counts: Any = None

    def summary(self) -> dict[str, Any]:
        from edviz.h5ad.summary import summary_of

        return asdict(summary_of(self._open("summary")))

    def factors(self, also: list[str]) -> dict[str, Any]:
        from edviz.counting.state import state_of
        from edviz.h5ad.factors import factors_of

        h5ad = self._open("factors")
        table, _ = factors_of(h5ad, also, lambda: nullcontext(h5ad.obs))
        self._counts = table.counts
        return {"listing": asdict(table.listing), "counts": state_of(self._counts)}

    def rows(self, names: list[str]) -> dict[str, Any]:
        from edviz.counting.state import state_of_rows

        return state_of_rows(self._counts.rows(*names))

    def codes(self, names: list[str]) -> dict[str, Any]:
        from edviz.counting.state import state_of_rows

        return state_of_rows(self._counts.codes(*names))

    def _open(self, purpose: Purpose) -> Any:
        """Open the file once for all questions."""
        from edviz.h5ad.reader import open_h5ad

        if self._h5ad is None:
            self._h5ad = self._opened.enter_context(open_h5ad(self._location, purpose=purpose))
        return self._h5ad


if __name__ == "__main__":
    main()
