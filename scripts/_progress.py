"""How far a run over many files, or a download, is, on the last lines of a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING

from edviz.diagram.width import elide, printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from mcp_server.geo.download.record import Source

ERASED = "\r\x1b[2K"
CELLS = 20
WIDEST = 100
WIDTH_UNKNOWN = 80
LONGEST_NAME = 40
SECONDS_BETWEEN = 0.1
SURE_AFTER = 3
"""Seconds after which the speed so far tells how long the rest takes."""


class ProgressBar:
    """A bar on standard error; nothing where that is no terminal.

    Attributes
    ----------
    n_done
        How many files are done.
    """

    def __init__(self, n: int, *, ascii: bool) -> None:
        self.n_done = 0
        self._n = n
        self._ascii = ascii
        self._started = time.monotonic()
        self._drawn = 0.0
        self._is_there = False
        self._wanted = n > 1 and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def draw(self, locations: Sequence[str], *, at_once: bool = False) -> None:
        """Draw the bar, with the first of the files that are being read; not too often, or at once."""
        now = time.monotonic()
        if not self._wanted or (now - self._drawn < SECONDS_BETWEEN and not at_once):
            return
        self._drawn, self._is_there = now, True
        # A terminal that does not tell its size says that it has no columns.
        columns = min(os.get_terminal_size(sys.stderr.fileno()).columns or WIDTH_UNKNOWN, WIDEST) - 1
        _write(ERASED + elide(self._text(locations), columns, "..."))

    def clear(self) -> None:
        """Take the bar away, so that something can be printed in its place."""
        if self._is_there:
            _write(ERASED)
            self._is_there = False

    def _text(self, locations: Sequence[str]) -> str:
        n_full = CELLS * self.n_done // self._n
        full, empty = ("#", "-") if self._ascii else ("━", "─")
        name = printable(PurePath(locations[0]).name, ascii=self._ascii) if locations else ""
        return f"   {full * n_full}{empty * (CELLS - n_full)} {self.n_done} of {self._n}{self._left()}  {name}"

    def _left(self) -> str:
        seconds = time.monotonic() - self._started
        if not self.n_done or seconds < SURE_AFTER:
            return ""
        left = round(seconds / self.n_done * (self._n - self.n_done))
        return f", {left // 60}:{left % 60:02} left"


class DownloadBars:
    """A bar on standard error for each file that arrives; nothing where that is no terminal.

    In use it is called with a file, what is being done to it, and the bytes for which it is done.
    """

    def __init__(self, *, ascii: bool) -> None:
        self._ascii = ascii
        self._bars = _bars(ascii=ascii)
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, source: Source, step: str, n_bytes: int) -> None:
        """Draw the bar of a file."""
        if source.name not in self._tasks:
            name = elide(printable(source.name, ascii=self._ascii), LONGEST_NAME, "...")
            self._tasks[source.name] = self._bars.add_task(name, total=source.size, step="")
        self._bars.update(self._tasks[source.name], completed=n_bytes, step=printable(step, ascii=self._ascii))

    def __enter__(self) -> DownloadBars:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the bars as they are, for people who look later."""
        self._bars.stop()


def _bars(*, ascii: bool) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        # The bar of rich has no signs of ASCII for terminals that know others.
        TaskProgressColumn() if ascii else BarColumn(bar_width=CELLS),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[step]}", markup=False),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty() or os.environ.get("TERM") == "dumb",
    )


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
