"""A process for every file: one that dies takes nothing with it, and memory is given back after each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from edviz.collection.record import Record, record_of, shown_path
from edviz.h5ad.strings import harmless

Result = TypeVar("Result")

AHEAD = 16
"""Files for each process that may be done while an earlier one takes long: their results have to be kept."""
WAIT_SECONDS = 0.2
GRACE_SECONDS = 2
"""A process that is told to stop puts away what it has begun; it is killed if it has not by then."""


def records(
    locations: Sequence[str],
    work: Callable[[str], Result],
    *,
    jobs: int = 1,
    waiting: Callable[[Sequence[str]], None] | None = None,
) -> Generator[Record[Result], None, None]:
    """Work on many files, each in a process of its own, and yield the records in the order of the files.

    No file stops the run. When the iterator is closed, or an exception such as KeyboardInterrupt leaves it,
    all processes are ended, and none leaves half a file.

    Parameters
    ----------
    locations
        Paths and addresses.
    work
        What to do with each; one that can be pickled, because not every system can fork.
    jobs
        How many processes work at once.
    waiting
        Called a few times a second with the files that are being worked on.
    """
    running: dict[int, _Worker[Result]] = {}
    done: dict[int, Record[Result]] = {}
    n_started = n_out = 0
    try:
        while n_out < len(locations):
            while n_started < len(locations) and len(running) < jobs and n_started - n_out < jobs * AHEAD:
                with _undisturbed():
                    running[n_started] = _Worker(locations[n_started], work)
                n_started += 1
            if waiting is not None:
                waiting([worker.location for worker in running.values()])
            for number in _ended(running):
                done[number] = running[number].record()
                with _undisturbed():
                    running.pop(number).end()
            while n_out in done:
                yield done.pop(n_out)
                n_out += 1
    finally:
        with _undisturbed():
            for worker in running.values():
                worker.process.terminate()
            deadline = time.monotonic() + GRACE_SECONDS
            for worker in running.values():
                worker.wait_for_end(deadline)
                worker.end()


class _Worker(Generic[Result]):
    """A process that works on one file."""

    def __init__(self, location: str, work: Callable[[str], Result]) -> None:
        context: Any = multiprocessing.get_context("fork" if _may_fork() else "spawn")
        self.location = location
        self.connection, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(theirs, location, work))
        self.process.start()
        theirs.close()

    def record(self) -> Record[Result]:
        """Return what the process found, or that it came to an end over it."""
        try:
            if self.connection.poll():
                received: Record[Result] = self.connection.recv()
                return received
        except (EOFError, OSError):
            self.wait_for_end(time.monotonic() + GRACE_SECONDS)
        return _failed(self.location, f"broke the process that worked on it ({_name_of_end(self.process.exitcode)})")

    def wait_for_end(self, deadline: float) -> None:
        """Wait until the process has ended, but not longer than until then."""
        # Asked again and again: `join` waits for all who hold its pipe, processes of the process too.
        while self.process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)

    def end(self) -> None:
        """Kill the process with all that it has started: its work is done, or not wanted any more."""
        with suppress(OSError, AttributeError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.connection.close()


def _ended(running: dict[int, _Worker[Result]]) -> list[int]:
    """Wait a moment; return the numbers of those who have something to say, or never will."""
    ready = wait([worker.connection for worker in running.values()], WAIT_SECONDS)
    # A pipe stays open while a process that the worker started holds it, so death is asked for, too.
    return [number for number, worker in running.items() if worker.connection in ready or not worker.process.is_alive()]


def _work(connection: Connection, location: str, work: Callable[[str], Result]) -> None:
    """Work on one file in a process of its own."""
    # Ctrl-C reaches every process of a terminal; whoever started this one decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    with suppress(OSError, AttributeError):
        os.setpgid(0, 0)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        record: Record[Any] = record_of(location, work)
    except Exception as error:  # the edge of the process: a mistake of the program over one file does not stop the run
        record = _failed(location, f"met a mistake of this program, {type(error).__name__}: {harmless(str(error))}")
    connection.send(record)


def _stop(number: int, frame: object) -> None:
    """End by an exception, so that files that were begun are removed."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def _failed(location: str, how: str) -> Record[Any]:
    path = shown_path(location)
    return Record(path, f"{harmless(path, longest=1000)} {how}.", None)


def _name_of_end(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"


def _may_fork() -> bool:
    # A fork beside threads may hang; without threads it spares the start of a Python for every file.
    return sys.platform == "linux" and threading.active_count() == 1


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put off Ctrl-C, so that no process is started and forgotten, or left while the others are ended."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
