"""A call that a client waits for: it hears how far the work is, and the work ends when it has gone."""

from __future__ import annotations

import threading
import time

from anyio import from_thread
from mcp.server.mcpserver import Context

from edviz.progress import Progress

REPORT_SECONDS = 0.5
MEGABYTE = 1e6


class Watch:
    """Watches the work of one call, in the thread that does it."""

    def __init__(self, context: Context[None, None]) -> None:
        self._context = context
        self._thread = threading.get_ident()
        self._started = time.monotonic()
        self._told = 0.0

    def __call__(self, progress: Progress) -> None:
        """End the work if the call was cancelled, and otherwise report progress.

        What is done of a whole is reported as a fraction. Of reading nobody knows the whole; what grows for certain,
        as the protocol wants it, and keeps a client from giving up, are the seconds.
        """
        if threading.get_ident() != self._thread:
            return
        from_thread.check_cancelled()
        if progress.fraction is not None:
            if progress.fraction > self._told:
                self._tell(progress.fraction, 1.0, progress.stage)
            return
        seconds = round(time.monotonic() - self._started, 1)
        if seconds - self._told >= REPORT_SECONDS:
            read = f", {progress.bytes / MEGABYTE:,.1f} MB so far" if progress.bytes else ""
            self._tell(seconds, None, f"{progress.stage}{read}")

    def _tell(self, done: float, total: float | None, message: str) -> None:
        self._told = done
        from_thread.run(self._context.report_progress, done, total, message)
