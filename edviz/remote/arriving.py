"""What arrives on a socket: counted, and only as long as enough of it arrives."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from http.client import HTTPResponse
from time import monotonic
from typing import cast

SLOWEST_BYTES_PER_S = 4096
"""A server that sends a byte now and then keeps every time limit on silence, and never ends."""


class Arriving(io.RawIOBase):
    """The bytes of one answer, in the place where http.client expects a socket.

    Parameters
    ----------
    source
        The socket; it stays open.
    timeout_s
        Seconds of silence that are borne, and seconds that the answer may lag behind the slowest speed.
    count
        Called with the number of bytes whenever some arrived.
    """

    def __init__(self, source: socket.socket, timeout_s: float, count: Callable[[int], None] | None = None) -> None:
        self._source = source
        self._timeout_s = timeout_s
        self._count = count
        self._start = monotonic()
        self._received = 0

    @property
    def received(self) -> int:
        """Bytes that arrived so far."""
        return self._received

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file to read from, as sockets do."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Wait for bytes and put them into the buffer.

        Raises
        ------
        TimeoutError
            If none came in time, or too few.
        """
        allowed = self._timeout_s + self._received / SLOWEST_BYTES_PER_S
        left = self._start + allowed - monotonic()
        if left <= 0:
            raise TimeoutError
        self._source.settimeout(min(self._timeout_s, left))
        number = self._source.recv_into(buffer)
        self._received += number
        if self._count is not None:
            self._count(number)
        return number


def answer_on(arriving: Arriving, method: str) -> HTTPResponse:
    """Read an answer as far as its body.

    Raises
    ------
    OSError, http.client.HTTPException
        If it does not come, or is none.
    """
    response = HTTPResponse(cast(socket.socket, arriving), method=method)
    try:
        response.begin()
    except BaseException:
        response.close()
        raise
    return response
