"""A file on a server that can be read like one that is open here: what h5py.File needs, and nothing is written."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edviz.remote.blocks import LARGEST_PIECE, BlockCache
from edviz.remote.client import Client
from edviz.remote.errors import RemoteError, StatusError
from edviz.remote.locations import Location
from edviz.remote.meter import Meter, RemoteReport
from edviz.remote.parallel import do_all
from edviz.remote.ranges import Part, Span, Version, read_part
from edviz.remote.settings import MOST_BYTES, RemoteSettings

MOVED = (401, 403, 404, 410)
"""What an address answers that was only good for a moment, such as the signed one that a redirect led to."""


@dataclass(frozen=True)
class _Wanted:
    span: Span
    keep: bool


class RangeFile(io.RawIOBase):
    """A file on a server, of which only those parts travel that are read.

    Nothing is read twice that is still held. After a failure every further reading fails with the same error at once:
    HDF5 would otherwise wait for a dead server again and again.

    Parameters
    ----------
    location
        Where it is.
    settings
        Limits.

    Attributes
    ----------
    location
        Where it is.
    size
        Its bytes.

    Raises
    ------
    NoRangesError
        If the server sends whole files only.
    RemoteError
        If it cannot be read.
    """

    def __init__(self, location: Location, settings: RemoteSettings) -> None:
        super().__init__()
        self.location = location
        self._settings = settings
        self._cache = BlockCache(block_bytes=settings.block_bytes, most_bytes=settings.most_cached_bytes)
        self._meter = Meter(location, settings=settings, most_bytes=settings.most_bytes, limit=MOST_BYTES)
        self._client = Client(settings, self._meter)
        self._target = location
        self._version: Version | None = None
        self._failure: RemoteError | None = None
        self._position = 0
        try:
            with self._reading():
                first = self._read(Span(0, settings.block_bytes))
        except BaseException:
            self.close()
            raise
        self._version = first.version
        self.size = first.version.size
        self._cache.store(first.span, first.body, keep=True)

    @property
    def report(self) -> RemoteReport:
        """What reading took so far."""
        return self._meter.report

    @property
    def failure(self) -> RemoteError | None:
        """Why reading failed, or None; a reader may have taken it for a fault of the file."""
        return self._failure

    @property
    def held_bytes(self) -> int:
        """Bytes of the file that are in memory now."""
        return self._cache.held_bytes

    def fetch(
        self,
        ranges: Iterable[tuple[int, int]],
        *,
        values: Iterable[tuple[int, int]] = (),
        in_place_of_others: bool = False,
    ) -> None:
        """Read many parts at once, so that they are here when they are asked for.

        What does not fit into the memory that is allowed is left out, and read when it is asked for. Not to be called
        while h5py waits for this file: the threads that read may then have to wait for h5py.

        Parameters
        ----------
        ranges
            Headers, which HDF5 comes back to: pairs of the first byte and the one behind the last. They stay in memory.
        values
            The same for values, which are best dropped after use.
        in_place_of_others
            Whether values that were unused for the longest time make room for these; otherwise there is room for
            no more than fit beside them, so that nothing is fetched for nothing.
        """
        self._check_open()
        self._check_sound()
        headers = self._spans(ranges)
        for span in headers:
            self._cache.keep(span)
        kept = self._cache.missing(headers, self._cache.room)
        wanted = self._spans(values)
        if in_place_of_others:
            self._cache.use(wanted)
        room = self._cache.room if in_place_of_others else self._cache.free
        passing = self._cache.missing(wanted, room - len(kept)) - kept
        pieces = [_Wanted(piece, True) for piece in self._cache.pieces(kept, self.size)]
        pieces += [_Wanted(piece, False) for piece in self._cache.pieces(passing, self.size)]
        if pieces:
            with self._reading():
                do_all(self._hold, pieces, most_threads=self._settings.connections, stop=self._client.stop)

    def read_range(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`, or as many of them as the file has."""
        self._check_open()
        stop = min(stop, self.size)
        body = bytearray(max(0, stop - start))
        self._copy(start, memoryview(body))
        return bytes(body)

    def drop(self, start: int, stop: int) -> None:
        """Let go what is held of a range of values that was used; headers stay."""
        self._cache.drop(Span(start, stop))

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Read into a buffer at the current position, all of it unless the file ends."""
        self._check_open()
        view = memoryview(buffer).cast("B")
        number = max(0, min(len(view), self.size - self._position))
        self._copy(self._position, view[:number])
        self._position += number
        return number

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position; nothing travels."""
        self._check_open()
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}
        if whence not in starts or starts[whence] + offset < 0:
            raise ValueError(f"cannot seek to {offset} (whence {whence})")
        self._position = starts[whence] + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        self._check_open()
        return self._position

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that its position can be moved."""
        return True

    def close(self) -> None:
        """Close all connections and let go what is held."""
        self._client.stop()
        self._cache.clear()
        super().close()

    def _spans(self, ranges: Iterable[tuple[int, int]]) -> list[Span]:
        spans = [Span(max(0, start), min(stop, self.size)) for start, stop in ranges]
        return [span for span in spans if span.start < span.stop]

    def _hold(self, wanted: _Wanted) -> None:
        self._cache.store(wanted.span, self._read(wanted.span).body, keep=wanted.keep)

    def _copy(self, start: int, view: memoryview) -> None:
        size = self._cache.block_bytes
        done = 0
        self._check_sound()
        while done < len(view):
            number, offset = divmod(start + done, size)
            block = self._cache.get(number)
            if block is None:
                block = self._missed(number, Span(start + done, start + min(len(view), done + LARGEST_PIECE)))
            piece = block[offset : offset + len(view) - done]
            view[done : done + len(piece)] = piece
            done += len(piece)

    def _missed(self, number: int, wanted: Span) -> bytes:
        """Read the first piece of what is wanted, in this thread: h5py may be waiting, see `fetch`."""
        stop = min(max(wanted.stop, wanted.start + self._settings.unforeseen_bytes), self.size)
        piece = self._cache.pieces(self._cache.missing([Span(wanted.start, stop)], self._cache.room), self.size)[0]
        with self._reading():
            body = self._read(piece).body
        self._cache.store(piece, body, keep=False)
        start = number * self._cache.block_bytes - piece.start
        return bytes(body[start : start + self._cache.block_bytes])

    def _read(self, span: Span) -> Part:
        target = self._target
        try:
            part = self._read_from(target, span)
        except StatusError as error:
            if target == self.location or error.status not in MOVED:
                raise
            part = self._read_from(self.location, span)
        self._target = part.location
        return part

    def _read_from(self, location: Location, span: Span) -> Part:
        return self._client.retrying(
            lambda fresh: read_part(self._client, location, span, version=self._version, fresh=fresh)
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._check_sound()
        try:
            with self._meter.timing():
                yield
        except BaseException as error:
            self._client.stop()
            interrupted = RemoteError(f"{self.location.shown} was not read to the end: interrupted; open it again.")
            self._failure = error if isinstance(error, RemoteError) else interrupted
            raise

    def _check_sound(self) -> None:
        if self._failure is not None:
            raise self._failure.with_traceback(None)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the file is closed")
