"""Starting a reading process, asking it, and ending it whatever it does."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edviz.errors import DesignError, EdvizError, H5adError
from edviz.progress import Progress, current_watcher
from edviz.supervised.limits import Limits
from edviz.supervised.wire import LONGEST_LINE, pack, unpack

if TYPE_CHECKING:
    from edviz.h5ad.copies import Copy

LIBRARY = Path(__file__).resolve().parents[2]
READ_AT_ONCE = 1 << 20
LAST_STANDARD_DESCRIPTOR = 2
SMALL_BYTES = 256 << 20
"""Of a process that may be forked; with h5py and numpy it has half of that, with torch more than twice."""
WATCH_SECONDS = 0.2
"""Between two looks of who watches."""
GRACE_SECONDS = 2
"""The process stops itself when its time is up; it is killed if it has not by then."""


class ReadingProcess:
    """A process that reads one file.

    Parameters
    ----------
    location
        The file.
    limits
        What the process may use.
    copy
        What the file was unpacked to, if it was compressed.
    """

    def __init__(self, location: str, limits: Limits, copy: Copy | None = None) -> None:
        self._location = location
        self._limits = limits
        self._received = bytearray()
        self._status: int | None = None
        self._asked = 0
        self._answers: list[Any] = []
        self._watcher = current_watcher()
        self._progress = Progress("reading the file")
        down, up = _pipe(), _pipe()
        self._to_child, self._from_child = down[1], up[0]
        try:
            self._pid = _start(down[0], up[1], close=(down[1], up[0]), keep=None if copy is None else copy.descriptor)
        finally:
            os.close(down[0])
            os.close(up[1])
        first = {
            "location": location,
            "copy": None if copy is None else [copy.path, copy.driver],
            "address_space": limits.address_space,
            "seconds": limits.seconds,
        }
        self._send(first)

    def ask(self, question: str, **arguments: object) -> int:
        """Send a question without waiting; return the number by which to fetch the answer."""
        self._send({"ask": question, **arguments})
        self._asked += 1
        return self._asked - 1

    def fetch(self, number: int) -> Any:
        """Wait for the answer to a question.

        Raises
        ------
        H5adError
            If the file cannot be read, or the process came to an end over it.
        DesignError
            If the question does not fit the file.
        """
        while len(self._answers) <= number:
            self._answers.append(self._receive())
        answer = self._answers[number]
        if "error" not in answer:
            return answer["answer"]
        if answer["error"] == "memory":
            raise H5adError(f"{self._shown()} {self._needs_memory()}.")
        kinds = {"H5adError": H5adError, "DesignError": DesignError}
        raise kinds.get(answer["error"], EdvizError)(answer["text"])

    def close(self) -> None:
        """End the process."""
        for descriptor in (self._to_child, self._from_child):
            if descriptor >= 0:
                os.close(descriptor)
        self._to_child = self._from_child = -1
        if self._status is None:
            os.kill(self._pid, signal.SIGKILL)
            self._status = os.waitpid(self._pid, 0)[1]

    def _send(self, message: object) -> None:
        data = memoryview(b"".join(pack(message)))
        try:
            while data:
                data = data[os.write(self._to_child, data) :]
        except BrokenPipeError:
            return  # the answer that does not come will say why

    def _receive(self) -> Any:
        deadline = time.monotonic() + self._limits.seconds + GRACE_SECONDS
        try:
            while True:
                message = self._message(deadline)
                if "progress" not in message:
                    return message
                self._progress = Progress(**message["progress"])
        except H5adError:
            raise
        except (ValueError, TypeError, KeyError) as error:
            raise H5adError(f"{self._shown()} {self._end_of_process()}.") from error

    def _message(self, deadline: float) -> Any:
        while b"\n" not in self._received and len(self._received) < LONGEST_LINE:
            self._read_more(deadline)
        line = self._take(self._received.index(b"\n") + 1)
        return unpack(line, lambda n: self._read_exactly(n, deadline))

    def _read_exactly(self, n: int, deadline: float) -> bytearray:
        whole = bytearray(self._take(min(n, len(self._received))))
        n_read = len(whole)
        whole.extend(bytes(n - n_read))
        with memoryview(whole) as view:
            while n_read < n:
                self._wait(deadline)
                more = os.readv(self._from_child, [view[n_read:]])
                if not more:
                    raise H5adError(f"{self._shown()} {self._end_of_process()}.")
                n_read += more
        return whole

    def _take(self, n: int) -> bytes:
        taken = bytes(self._received[:n])
        del self._received[:n]
        return taken

    def _wait(self, deadline: float) -> None:
        ready: list[int] = []
        while not ready and (left := deadline - time.monotonic()) > 0:
            if self._watcher is not None:
                self._watcher(self._progress)
                left = min(left, WATCH_SECONDS)
            ready, _, _ = select.select([self._from_child], [], [], left)
        if not ready:
            self.close()
            raise H5adError(f"{self._shown()} {self._took_too_long()}.")

    def _read_more(self, deadline: float) -> None:
        self._wait(deadline)
        more = os.read(self._from_child, READ_AT_ONCE)
        if not more:
            raise H5adError(f"{self._shown()} {self._end_of_process()}.")
        self._received += more

    def _end_of_process(self) -> str:
        if self._status is None:
            self._status = os.waitpid(self._pid, 0)[1]
        number = -os.waitstatus_to_exitcode(self._status)
        if number == getattr(signal, "SIGXCPU", None):
            return self._took_too_long()
        if number in (signal.SIGKILL, signal.SIGABRT):
            return self._needs_memory()
        what = f" ({signal.Signals(number).name})" if number > 0 else ""
        return f"is damaged so that HDF5 itself breaks down over it{what}; download or write it again"

    def _took_too_long(self) -> str:
        return (
            f"was still being read after {self._limits.seconds} seconds, so it is damaged or very large; "
            "EDVIZ_MOST_SECONDS allows more"
        )

    def _needs_memory(self) -> str:
        return (
            f"needs more than the {self._limits.address_space >> 20} MB of memory that reading it may take; "
            "EDVIZ_MOST_MEMORY_MB allows more"
        )

    def _shown(self) -> str:
        from edviz.h5ad.strings import harmless

        return harmless(self._location, longest=1000)


def _pipe() -> tuple[int, int]:
    """Make a pipe whose ends are beyond the standard descriptors, which may be closed and are replaced in the child."""
    ends = os.pipe()
    if min(ends) > LAST_STANDARD_DESCRIPTOR:
        return ends
    import fcntl

    first, second = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, LAST_STANDARD_DESCRIPTOR + 1) for end in ends)
    for end in ends:
        os.close(end)
    return first, second


def _start(requests: int, replies: int, *, close: tuple[int, ...], keep: int | None) -> int:
    # Both processes will need it: imported before the fork it is imported once.
    import numpy  # noqa: F401

    return _fork(requests, replies, close) if _may_fork() else _spawn(requests, replies, keep)


def _may_fork() -> bool:
    # A fork beside threads may hang, and Windows has none; elsewhere it spares the start of a second Python. What a
    # large process has mapped would count against the memory of the reader.
    return sys.platform == "linux" and threading.active_count() == 1 and _n_threads() == 1 and _n_mapped() < SMALL_BYTES


def _n_threads() -> int:
    """Count the threads of this process, those of libraries among them."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 0  # nothing can be said, so nothing is assumed


def _n_mapped() -> int:
    """Count the bytes of the address space of this process."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return SMALL_BYTES  # nothing can be said, so nothing is assumed
    return pages * os.sysconf("SC_PAGE_SIZE")


def _fork(requests: int, replies: int, close: tuple[int, ...]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        for descriptor in close:
            os.close(descriptor)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        from edviz.supervised.child import serve

        with os.fdopen(requests, "rb") as questions, os.fdopen(replies, "wb") as answers:
            serve(questions, answers)
        status = 0
    finally:
        # Nothing of the parent may happen twice: no buffers flushed, no exit handlers run.
        os._exit(status)


def _spawn(requests: int, replies: int, keep: int | None) -> int:
    arguments = [sys.executable, "-m", "edviz.supervised.child"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(LIBRARY), *filter(None, sys.path)])}
    actions = [
        (os.POSIX_SPAWN_DUP2, requests, 0),
        (os.POSIX_SPAWN_DUP2, replies, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    if keep is not None:
        # To its own number: it stays open there, where a path such as /proc/self/fd/7 expects it.
        actions.insert(0, (os.POSIX_SPAWN_DUP2, keep, keep))
    return os.posix_spawn(sys.executable, arguments, environment, file_actions=actions)
