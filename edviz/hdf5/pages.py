"""Bytes of a file, fetched in rounds: all parts of a walk run until they lack some, then these are fetched at once."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from edviz.hdf5.faults import SpentError, StructureError

PAGE_BYTES = 8_192
"""Metadata lies scattered between values: larger pages save few requests and move more bytes."""
MOST_HELD_BYTES = 128 * 2**20
MOST_READ_BYTES = 64 * 2**20
READING_BYTES = 64
"""What a reading costs as much as, besides its bytes."""
LONGEST_RANGE = 2**20
LONGEST_READ = 8 * 2**20
LOOK_AHEAD = 512
"""Bytes that are asked for at once, since what is read next most often follows; saves rounds at the end of a page."""

UNDEFINED = 2**64 - 1
"""The address of something that is not in the file, such as the values of an empty dataset."""

Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]
"""A part of a walk, which yields whenever it lacks bytes."""


class Range(NamedTuple):
    """Bytes of a file from `start` up to `stop`."""

    start: int
    stop: int


class Batch(NamedTuple):
    """What is to be fetched, all of it at once, before a walk can go on.

    Attributes
    ----------
    structure
        The walk is to be sent these bytes, one answer a range.
    values
        Values that only the reader will want; the walk is not sent them.
    """

    structure: tuple[Range, ...]
    values: tuple[Range, ...] = ()


class Pages:
    """The bytes that are held, and those that are wanted next.

    Addresses count from `base`, the end of a user block; ranges count from the start of the file.
    """

    def __init__(self, file_size: int) -> None:
        self.file_size = file_size
        self.base = 0
        self._held: dict[int, bytes] = {}
        self._wanted: set[int] = set()
        self._values: list[Range] = []
        self._spent = 0

    def want(self, address: int, size: int) -> None:
        """Ask for bytes that will be read soon, as far as they are in the file."""
        start = self.base + address
        stop = min(start + min(size, LONGEST_READ), self.file_size)
        if start >= stop:
            return
        self._wanted.update(page for page in _pages_of(Range(start, stop)) if page not in self._held)

    def want_values(self, address: int, size: int) -> None:
        """Ask for values that only the reader will want."""
        self._values.append(Range(self.base + address, self.base + address + size))

    def read(self, address: int, size: int) -> Steps[bytes]:
        """Read bytes, once they are there.

        Raises
        ------
        StructureError
            If the file does not have them.
        SpentError
            If as much has been read as may be.
        """
        start = self.base + address
        first, offset = divmod(start, PAGE_BYTES)
        held = self._held.get(first, b"")
        if offset + size > len(held):
            self.check(address, size)
            if size > LONGEST_READ:
                raise StructureError("larger than is looked at", "unknown")
            self.want(address, max(size, LOOK_AHEAD))
            pages = _pages_of(Range(start, start + size))
            while not all(page in self._held for page in pages):
                yield
            held = b"".join(self._held[page] for page in pages)
        self.spend(size + READING_BYTES)
        found = held[offset : offset + size]
        if len(found) < size:
            raise StructureError("not all there: bytes are missing")
        return found

    def spend(self, n_bytes: int) -> None:
        """Count what has been looked at: work is bounded, however often a file leads to the same bytes.

        Raises
        ------
        SpentError
            If it is more than may be.
        """
        self._spent += n_bytes
        if self._spent > MOST_READ_BYTES:
            raise SpentError

    def check(self, address: int, size: int) -> None:
        """Check that bytes are in the file.

        Raises
        ------
        StructureError
            If they are not.
        """
        if self.base + address + size > self.file_size:
            raise StructureError("outside the file")

    def next_batch(self) -> Batch:
        """Return what is wanted now."""
        if (len(self._held) + len(self._wanted)) * PAGE_BYTES > MOST_HELD_BYTES:
            raise SpentError
        values, self._values = [one for one in self._values if self._lacks(one)], []
        return Batch(tuple(self._wanted_ranges()), tuple(split_ranges(values)))

    def fill(self, batch: Batch, answers: Sequence[bytes]) -> None:
        """Take the answers to a batch; where bytes are missing, reading says so."""
        for asked, answer in zip(batch.structure, answers, strict=True):
            for start in range(asked.start, asked.stop, PAGE_BYTES):
                begin = start - asked.start
                self._held[start // PAGE_BYTES] = bytes(answer[begin : begin + PAGE_BYTES])
        self._wanted.clear()

    def _lacks(self, values: Range) -> bool:
        return any(page not in self._held and page not in self._wanted for page in _pages_of(values))

    def _wanted_ranges(self) -> Iterator[Range]:
        pages = (Range(page * PAGE_BYTES, (page + 1) * PAGE_BYTES) for page in self._wanted)
        for found in split_ranges(pages):
            yield Range(found.start, min(found.stop, self.file_size))


def _pages_of(found: Range) -> range:
    return range(found.start // PAGE_BYTES, (found.stop - 1) // PAGE_BYTES + 1)


def split_ranges(ranges: Iterable[Range]) -> Iterator[Range]:
    """Merge ranges that touch, then split them where they are too long for one request.

    Examples
    --------
    >>> list(split_ranges([Range(20, 30), Range(0, 10), Range(10, 20), Range(50, 60)]))
    [Range(start=0, stop=30), Range(start=50, stop=60)]
    """
    merged: list[Range] = []
    for found in sorted(ranges):
        if merged and found.start <= merged[-1].stop:
            merged[-1] = Range(merged[-1].start, max(merged[-1].stop, found.stop))
        else:
            merged.append(found)
    for whole in merged:
        for start in range(whole.start, whole.stop, LONGEST_RANGE):
            yield Range(start, min(start + LONGEST_RANGE, whole.stop))
