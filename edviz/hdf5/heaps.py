"""Global heaps, which hold the values of variable length."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping

from edviz.hdf5.datatypes import HEAP_REFERENCE_BYTES, Datatype, heap_places
from edviz.hdf5.faults import Notes, StructureError
from edviz.hdf5.pages import UNDEFINED, Pages, Steps

SIGNATURE = b"GCOL"
COLLECTION = struct.Struct("<4s4xQ")
ITEM = struct.Struct("<H6xQ")
SMALLEST_COLLECTION = 4096
PIECE_BYTES = 65_536
MOST_AT_ONCE = 2**20
"""A larger heap holds one long text, of which only the head is looked at."""
REFERENCE = struct.Struct("<IQI")
BATCH = 1024
NOWHERE = (0, UNDEFINED)
LARGEST_NUMBER = 2**64 - 1
ENDLESS = "texts in a heap in which HDF5 would go round in circles"


def longest_items(datatype: Datatype, values: bytes) -> dict[int, int]:
    """Return each heap that values refer to, with the bytes of the longest item that is said to be in it.

    Of items so short that every heap has room for them, 0 is returned.

    Examples
    --------
    >>> text = Datatype("vlen", 16, 1, Datatype("string", 1))
    >>> longest_items(text, REFERENCE.pack(3, 800, 1) + REFERENCE.pack(90_000, 8000, 2))
    {800: 3, 8000: 90000}
    """
    longest: dict[int, int] = {}
    for lengths, addresses, item_bytes in _references(datatype, values):
        if max(lengths) * item_bytes <= SMALLEST_COLLECTION:
            longest = {**dict.fromkeys(addresses, 0), **longest}
            continue
        for length, address in zip(lengths, addresses, strict=True):
            longest[address] = max(length * item_bytes, longest.get(address, 0))
    return {address: longest[address] for address in longest if address not in NOWHERE}


def _references(datatype: Datatype, values: bytes) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], int]]:
    """Yield lengths and addresses of all references, and the size of what the lengths count."""
    places = heap_places(datatype)
    n = len(values) // datatype.size if places else 0
    for place in places:
        rest = datatype.size - place.offset - HEAP_REFERENCE_BYTES
        one = f"{place.offset}xIQ4x{rest}x"
        # One format for many values: a loop over them takes five times as long.
        for first in range(0, n, BATCH):
            fields = struct.unpack_from("<" + one * min(BATCH, n - first), values, first * datatype.size)
            yield fields[::2], fields[1::2], place.item_bytes


def merge_longest(several: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Put together what several values say of heaps."""
    longest: dict[int, int] = {}
    for found in several:
        for address, item_bytes in found.items():
            longest[address] = max(item_bytes, longest.get(address, 0))
    return longest


class Heaps:
    """The heaps of a file, each of which is walked once."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._sizes: dict[int, int] = {}

    def follow(self, longest: Mapping[int, int], notes: Notes) -> Steps[None]:
        """Walk heaps, and compare their sizes with those of the items that are said to be in them.

        Who refers to a damaged heap that another has met already is not told again.
        """
        unknown = [address for address in longest if address not in self._sizes]
        for address in unknown:
            self._sizes[address] = 0
            self._pages.want(address, SMALLEST_COLLECTION)
        for address in unknown:
            with notes:
                self._sizes[address] = yield from _read_size(self._pages, address)
        for address, item_bytes in longest.items():
            size = self._sizes[address]
            if size and item_bytes > size:
                notes.add(f"texts of {item_bytes:,} bytes in a heap of {size:,}")
        for address in unknown:
            with notes:
                yield from _walk_collection(self._pages, address, self._sizes[address])


def _read_size(pages: Pages, address: int) -> Steps[int]:
    signature, size = COLLECTION.unpack((yield from pages.read(address, COLLECTION.size)))
    if signature != SIGNATURE:
        raise StructureError("texts in a heap that is none")
    pages.check(address, size)
    pages.want(address, min(size, MOST_AT_ONCE))
    return int(size)


def _walk_collection(pages: Pages, address: int, size: int) -> Steps[None]:
    """Walk from item to item as HDF5 does, which does not ask whether it gets ahead."""
    at = COLLECTION.size
    while size - at >= ITEM.size:
        piece = yield from pages.read(address + at, min(PIECE_BYTES, size - at))
        at += _walk(piece, size - at)


def _walk(piece: bytes, room: int) -> int:
    """Return how far the items that begin in a piece reach."""
    unpack_from = ITEM.unpack_from
    at, last = 0, len(piece) - ITEM.size
    while at <= last:
        index, size = unpack_from(piece, at)
        # The first item stands for the free space, and only there is its own head counted.
        step = (size + 7 & ~7) + ITEM.size if index else size
        if at + step > room or not step:
            step = _step_of_hdf5(step)
            if at + step > room:
                raise StructureError("texts in a heap with a false size")
        at += step
    return at


def _step_of_hdf5(step: int) -> int:
    """Return how far HDF5 goes, which counts in 64 bits: a step may be a small one, none, or one back."""
    step &= LARGEST_NUMBER
    if step == 0 or step > LARGEST_NUMBER // 2:
        raise StructureError(ENDLESS, "refuse")
    return step
