"""What was asked for and received, and the limits of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from edviz.progress import Progress, current_watcher
from edviz.remote.errors import RemoteError
from edviz.remote.locations import Location
from edviz.remote.settings import MOST_REQUESTS, RemoteSettings


@dataclass(frozen=True)
class RemoteReport:
    """What reading a file from a server took.

    Attributes
    ----------
    requests
        Requests that were sent, redirects and repetitions included.
    bytes
        Bytes that were received, headers included.
    seconds
        Time spent waiting for them.
    """

    requests: int
    bytes: int
    seconds: float


class Meter:
    """Counts requests and bytes of all connections to one file, and stops them at the limits.

    Attributes
    ----------
    most_bytes
        Bytes that may be received.
    """

    def __init__(self, location: Location, *, settings: RemoteSettings, most_bytes: int, limit: str) -> None:
        self._location = location
        self._most_requests = settings.most_requests
        self.most_bytes = most_bytes
        self._limit = limit
        self._requests = 0
        self._bytes = 0
        self._seconds = 0.0
        self._lock = Lock()
        # Asked now, because the threads of parallel requests have no watcher of their own.
        self._watcher = current_watcher()

    @property
    def report(self) -> RemoteReport:
        """What was counted so far."""
        with self._lock:
            return RemoteReport(self._requests, self._bytes, self._seconds)

    def count_request(self) -> None:
        """Count a request that is about to be sent.

        Raises
        ------
        RemoteError
            If it would be one too many.
        """
        with self._lock:
            if self._requests >= self._most_requests:
                raise RemoteError(
                    f"{self._location.shown} takes more than {self._most_requests:,} requests, which is the limit; "
                    f"raise {MOST_REQUESTS}, or download the file and give the path of the copy."
                )
            self._requests += 1

    def count_bytes(self, number: int) -> None:
        """Count bytes that were received.

        Raises
        ------
        RemoteError
            If they are too many.
        """
        with self._lock:
            self._bytes += number
        self.check_bytes(0)
        if self._watcher is not None:
            self._watcher(Progress("reading from the server", self._bytes))

    def check_bytes(self, number: int) -> None:
        """Check that so many bytes more may be received.

        Raises
        ------
        RemoteError
            If they would be too many.
        """
        if self._bytes + number > self.most_bytes:
            raise RemoteError(
                f"{self._location.shown} takes more than {self.most_bytes:,} bytes, which is the limit; "
                f"raise {self._limit}, or download the file and give the path of the copy."
            )

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Add the time that passes to that spent waiting."""
        start = monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._seconds += monotonic() - start
