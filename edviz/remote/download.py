"""All of a file on a server, in order: for what cannot be read in parts, such as compressed files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from edviz.remote.answers import GZIP, PLAIN, Answer, check_encoding, check_status
from edviz.remote.client import Client
from edviz.remote.errors import RemoteError
from edviz.remote.locations import Location
from edviz.remote.meter import Meter, RemoteReport
from edviz.remote.settings import MOST_DOWNLOAD_BYTES, RemoteSettings

WHOLE = 200


class Download(io.RawIOBase):
    """The bytes of a file while they arrive; see `open_download`.

    Attributes
    ----------
    location
        Where they come from.
    size
        How many there will be, or None if the server does not say.
    """

    def __init__(self, location: Location, answer: Answer, meter: Meter) -> None:
        super().__init__()
        self.location = location
        self.size = answer.length
        self._answer = answer
        self._meter = meter
        self._received = 0

    @property
    def report(self) -> RemoteReport:
        """What reading took so far."""
        return self._meter.report

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Read the next bytes into a buffer.

        Raises
        ------
        RemoteError
            If they do not come, or the file ends before its size.
        """
        if self.closed:
            raise ValueError("the download is closed")
        view = memoryview(buffer).cast("B")
        with self._meter.timing():
            number = self._answer.readinto(view)
        self._received += number
        if number == 0 and len(view) > 0 and self.size is not None and self._received < self.size:
            raise RemoteError(
                f"{self.location.shown} ended after {self._received:,} of {self.size:,} bytes; try again later."
            )
        return number


@contextmanager
def open_download(location: Location, settings: RemoteSettings) -> Iterator[Download]:
    """Ask for a whole file and read it while it arrives; the connection is closed at the end, wherever that is.

    Parameters
    ----------
    location
        Where it is.
    settings
        Limits.

    Raises
    ------
    RemoteError
        If it cannot be read, or is larger than may be.
    """
    meter = Meter(location, settings=settings, most_bytes=settings.most_download_bytes, limit=MOST_DOWNLOAD_BYTES)
    client = Client(settings, meter)
    try:
        with meter.timing():
            answer = client.retrying(lambda fresh: _answer(client, location, fresh))
        try:
            with Download(location, answer, meter) as download:
                yield download
        finally:
            client.release(answer)
    finally:
        client.stop()


def _answer(client: Client, location: Location, fresh: bool) -> Answer:
    answer = client.open(location, {}, fresh=fresh)
    try:
        check_status(answer, wanted=(WHOLE,))
        # Some servers name the compression of a .gz file this way, though it is the file's own.
        check_encoding(answer, wanted=(*PLAIN, *GZIP))
        _check_size(answer, location, client.meter.most_bytes)
    except BaseException:
        client.release(answer)
        raise
    return answer


def _check_size(answer: Answer, location: Location, most_bytes: int) -> None:
    if answer.length is not None and answer.length > most_bytes:
        raise RemoteError(
            f"{location.shown} has to be downloaded whole, and its {answer.length:,} bytes are more than the limit of "
            f"{most_bytes:,}; raise {MOST_DOWNLOAD_BYTES}, or download it and give the path of the copy."
        )
