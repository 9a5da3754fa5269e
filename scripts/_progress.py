"""How far a run over many files is, on the last line of a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import PurePath

from edviz.diagram.width import elide, printable

ERASED = "\r\x1b[2K"
CELLS = 20
WIDEST = 100
WIDTH_UNKNOWN = 80
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

    def draw(self, locations: Sequence[str]) -> None:
        """Draw the bar, with the first of the files that are being read."""
        now = time.monotonic()
        if not self._wanted or now - self._drawn < SECONDS_BETWEEN:
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


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
