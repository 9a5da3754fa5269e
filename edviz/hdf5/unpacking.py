"""Undoing the filters of a chunk, as far as the standard library can."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from edviz.hdf5.faults import StructureError
from edviz.hdf5.messages import Filter

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
CHECKSUM_BYTES = 4
MOST_BYTES = 16 * 2**20
LARGEST_ITEM = 4096


def unpack(packed: bytes, filters: Sequence[Filter], *, skipped: int, item_bytes: int, most_bytes: int) -> bytes:
    """Undo filters in the order opposite to writing.

    Parameters
    ----------
    skipped
        A bit for each filter that the bytes did not go through.
    most_bytes
        How many of the first bytes are needed.

    Raises
    ------
    StructureError
        If a filter is not known here.

    Examples
    --------
    >>> filters = [Filter(SHUFFLE, "", (2,)), Filter(DEFLATE, "", (4,))]
    >>> unpack(zlib.compress(b"aabb"), filters, skipped=0, item_bytes=2, most_bytes=4)
    b'abab'
    """
    applied = [one.number for position, one in enumerate(filters) if not skipped >> position & 1]
    # Shuffled bytes of one value are spread over the whole chunk.
    most_bytes = MOST_BYTES if SHUFFLE in applied else min(most_bytes, MOST_BYTES)
    for number in reversed(applied):
        if number == DEFLATE:
            packed = _inflate(packed, most_bytes)
        elif number == SHUFFLE:
            packed = _unshuffle(packed, item_bytes)
        elif number == FLETCHER32:
            packed = packed[:-CHECKSUM_BYTES]
        else:
            raise StructureError(f"texts packed with filter {number}", "unknown")
    return packed


def _inflate(packed: bytes, most_bytes: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, most_bytes)
    except zlib.error as error:
        raise StructureError("texts that cannot be unpacked") from error


def _unshuffle(shuffled: bytes, item_bytes: int) -> bytes:
    if not 0 < item_bytes <= LARGEST_ITEM:
        raise StructureError(f"shuffled values of {item_bytes:,} bytes each", "unknown")
    n = len(shuffled) // item_bytes
    items = bytearray(shuffled)
    for place in range(item_bytes):
        items[place : n * item_bytes : item_bytes] = shuffled[place * n : (place + 1) * n]
    return bytes(items)
