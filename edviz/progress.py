"""Long work that is watched: the watcher hears how far it is, and ends it by raising an exception."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far the work is.

    Attributes
    ----------
    stage
        What is being done.
    bytes
        Bytes that a server has sent so far.
    fraction
        How much is done, from 0 to 1; None where nobody knows.
    """

    stage: str
    bytes: int = 0
    fraction: float | None = None


Watcher = Callable[[Progress], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Have all work in the block watched: it calls the watcher at every step, and while it waits.

    Examples
    --------
    >>> with watched_by(print):
    ...     report_stage("counting")
    Progress(stage='counting', bytes=0, fraction=None)
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def current_watcher() -> Watcher | None:
    """Return who watches the work of this thread, or None."""
    return _watcher.get()


def report_stage(stage: str) -> None:
    """Tell the watcher, if there is one, what is done from now on; what it raises ends the work."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(Progress(stage))
