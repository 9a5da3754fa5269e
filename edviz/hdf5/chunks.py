"""Where the values of a dataset are, chunk by chunk."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import ceil, prod
from typing import NamedTuple

from edviz.hdf5.faults import Notes, StructureError
from edviz.hdf5.pages import UNDEFINED, Pages, Steps
from edviz.hdf5.records import read_records
from edviz.hdf5.structure import StoredObject
from edviz.hdf5.trees import CHUNKS, Choice, Entry, read_entries

CHUNK_SIZE = struct.Struct("<II")
ADDRESS = struct.Struct("<Q")
FIXED_ARRAY = struct.Struct("<4s2xBBQQ")
FIXED_ARRAY_SIGNATURE, FIXED_BLOCK_SIGNATURE = b"FAHD", b"FADB"
BLOCK_HEAD_BYTES = 14
CHECKSUM_BYTES = 4
MASK_BYTES = 4
MOST_CHUNKS = 1_000_000
MOST_LISTED = 10_000
"""Of an index that has to be read whole, chunks that it may have if only a few are wanted."""


class Piece(NamedTuple):
    """Consecutive bytes that hold values.

    Attributes
    ----------
    skipped
        A bit for each filter that they did not go through.
    """

    address: int
    size: int
    skipped: int = 0


def find_pieces(pages: Pages, dataset: StoredObject, notes: Notes) -> Steps[list[Piece]]:
    """Find the values of a dataset that are not part of its header, in their order.

    Raises
    ------
    StructureError
        If the index of its chunks cannot be followed, or is of a kind that is left to HDF5.
    """
    layout, shape = dataset.layout, dataset.shape
    if layout is None or layout.address is None or shape is None or dataset.datatype is None:
        return []
    item_bytes = dataset.datatype.size
    if layout.kind == "contiguous":
        return [Piece(layout.address, prod(shape) * item_bytes)]
    chunk_bytes = prod(layout.chunk) * item_bytes
    if layout.chunk_index == "B-tree 1":
        return (yield from _of_tree(pages, layout.address, len(layout.chunk), notes))
    if layout.chunk_index == "single chunk":
        return [Piece(layout.address, chunk_bytes if layout.size is None else layout.size)]
    if layout.chunk_index == "implicit":
        n_chunks = prod(ceil(length / chunk) for length, chunk in zip(shape, layout.chunk, strict=True))
        return [Piece(layout.address, n_chunks * chunk_bytes)]
    if layout.chunk_index == "B-tree 2":
        records = yield from read_records(pages, layout.address, notes)
        return list(_of_records(records, len(layout.chunk), None if dataset.filters else chunk_bytes))
    if layout.chunk_index == "fixed array":
        return (yield from _of_fixed_array(pages, layout.address, None if dataset.filters else chunk_bytes))
    raise StructureError(f"chunks in an index of the kind {layout.chunk_index}", "unknown")


def find_chunks(
    pages: Pages, dataset: StoredObject, places: Sequence[tuple[int, ...]], notes: Notes
) -> Steps[list[Piece]]:
    """Find a few chunks of a dataset by the places of their first values, which are in order.

    Raises
    ------
    StructureError
        If their index cannot be followed.
    """
    layout, shape = dataset.layout, dataset.shape
    if layout is None or layout.address is None or shape is None or len(layout.chunk) != len(shape):
        return []
    if layout.chunk_index == "B-tree 1":
        choice = _choice_of(places, len(shape))
        return (yield from _of_tree(pages, layout.address, len(shape), notes, choice))
    in_grid = [ceil(length / chunk) for length, chunk in zip(shape, layout.chunk, strict=True)]
    if prod(in_grid) > MOST_LISTED:
        return []
    pieces = yield from find_pieces(pages, dataset, notes)
    numbers = [_number_in_grid(place, layout.chunk, in_grid) for place in places]
    return [pieces[number] for number in numbers if number < len(pieces)]


def _number_in_grid(place: tuple[int, ...], chunk: tuple[int, ...], in_grid: Sequence[int]) -> int:
    number = 0
    for at, length, n in zip(place, chunk, in_grid, strict=True):
        number = number * n + at // length
    return number


def _choice_of(places: Sequence[tuple[int, ...]], rank: int) -> Choice:
    def choose(entries: list[Entry]) -> list[Entry]:
        # An entry leads to all places from its own up to that of the next.
        starts = [struct.unpack_from(f"<{rank}Q", entry.key, CHUNK_SIZE.size) for entry in entries]
        chosen = {bisect_right(starts, place) - 1 for place in places}
        return [entries[number] for number in sorted(chosen) if number >= 0]

    return choose


def _of_tree(pages: Pages, address: int, rank: int, notes: Notes, choose: Choice | None = None) -> Steps[list[Piece]]:
    # A key has the size of the chunk, its filters, and its place in one dimension more than the dataset has.
    key_bytes = CHUNK_SIZE.size + 8 * (rank + 1)
    entries = yield from read_entries(pages, address, notes, kind=CHUNKS, key_bytes=key_bytes, choose=choose)
    return [Piece(entry.address, *CHUNK_SIZE.unpack_from(entry.key)) for entry in entries]


def _of_records(records: list[bytes], rank: int, chunk_bytes: int | None) -> Iterator[Piece]:
    """Yield chunks by the places that end their records."""
    place_bytes = 8 * rank
    for record in sorted(records, key=lambda record: struct.unpack(f"<{rank}Q", record[-place_bytes:])):
        yield _piece(record[:-place_bytes], chunk_bytes)


def _of_fixed_array(pages: Pages, address: int, chunk_bytes: int | None) -> Steps[list[Piece]]:
    head = yield from pages.read(address, FIXED_ARRAY.size)
    signature, entry_bytes, page_bits, n, block = FIXED_ARRAY.unpack(head)
    if signature != FIXED_ARRAY_SIGNATURE:
        raise StructureError("no index of chunks where there should be one")
    if n > MOST_CHUNKS:
        raise StructureError("more chunks than are looked at", "unknown")
    if not (yield from pages.read(block, BLOCK_HEAD_BYTES)).startswith(FIXED_BLOCK_SIGNATURE):
        raise StructureError("no list of chunks where there should be one")
    found: list[Piece] = []
    for start, size in _pages_of_entries(n, entry_bytes, 1 << page_bits):
        found += _fixed_entries((yield from pages.read(block + start, size)), entry_bytes, chunk_bytes)
    return found


def _pages_of_entries(n: int, entry_bytes: int, page_entries: int) -> Iterator[tuple[int, int]]:
    """Yield where in its block a fixed array has entries: all together, or in pages with checksums between."""
    if n <= page_entries:
        yield BLOCK_HEAD_BYTES, n * entry_bytes
        return
    n_pages = ceil(n / page_entries)
    start = BLOCK_HEAD_BYTES + ceil(n_pages / 8) + CHECKSUM_BYTES
    for page in range(n_pages):
        size = min(page_entries, n - page * page_entries) * entry_bytes
        yield start, size
        start += size + CHECKSUM_BYTES


def _fixed_entries(block: bytes, entry_bytes: int, chunk_bytes: int | None) -> Iterator[Piece]:
    for at in range(0, len(block), entry_bytes):
        piece = _piece(block[at : at + entry_bytes], chunk_bytes)
        if piece.address != UNDEFINED:
            yield piece


def _piece(entry: bytes, chunk_bytes: int | None) -> Piece:
    """Take an entry of an index apart; that of a chunk that went through filters has its size and what it skipped."""
    address = ADDRESS.unpack_from(entry)[0]
    if chunk_bytes is not None:
        return Piece(address, chunk_bytes)
    size, skipped = entry[ADDRESS.size : -MASK_BYTES], entry[-MASK_BYTES:]
    return Piece(address, int.from_bytes(size, "little"), int.from_bytes(skipped, "little"))
