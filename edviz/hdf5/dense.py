"""Fractal heaps, in which the newest format keeps the links and attributes of objects that have many."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edviz.hdf5.faults import Notes, StructureError
from edviz.hdf5.pages import UNDEFINED, Pages, Steps
from edviz.hdf5.records import read_records

SIGNATURE, TABLE_SIGNATURE = b"FRHP", b"FHIB"
HEAD = struct.Struct("<4s3xHBI")
SHAPE_AT = 110
SHAPE = struct.Struct("<HQQH2xQH")
HEAD_BYTES = SHAPE_AT + SHAPE.size
TABLE_HEAD_BYTES = 13
ADDRESS = struct.Struct("<Q")
KIND_OF_ITEM = 0x30


class Dense(NamedTuple):
    """Addresses of a fractal heap and of the index that names what is in it."""

    heap: int
    names: int


class _Shape(NamedTuple):
    """How a heap is made up of blocks: rows of equally many, in which they double in size."""

    offset_bytes: int
    width: int
    first_bytes: int
    largest_bytes: int
    root: int
    n_rows: int


class _Block(NamedTuple):
    """A block and the place of its first byte in the heap."""

    offset: int
    address: int


def read_items(pages: Pages, dense: Dense, notes: Notes, *, id_at: int) -> Steps[list[bytes]]:
    """Read all items of a heap that its index knows.

    Parameters
    ----------
    id_at
        Where in a record of the index the id of the item is.

    Raises
    ------
    StructureError
        If the heap or its index cannot be followed.
    """
    pages.want(dense.names, SHAPE_AT)
    shape, id_bytes = yield from _read_shape(pages, dense.heap)
    records = yield from read_records(pages, dense.names, notes)
    blocks = yield from _read_blocks(pages, shape)
    items = []
    for record in records:
        with notes:
            items.append((yield from _read_item(pages, record[id_at : id_at + id_bytes], shape, blocks)))
    return items


def _read_shape(pages: Pages, address: int) -> Steps[tuple[_Shape, int]]:
    head = yield from pages.read(address, HEAD_BYTES)
    signature, filter_bytes, _, _ = HEAD.unpack_from(head)
    if signature != SIGNATURE:
        raise StructureError("no heap where there should be one")
    if filter_bytes:
        raise StructureError("a packed heap", "unknown")
    width, first_bytes, largest_bytes, bits, root, n_rows = SHAPE.unpack_from(head, SHAPE_AT)
    id_bytes = struct.unpack_from("<H", head, 5)[0]
    return _Shape((bits + 7) // 8, width, first_bytes, largest_bytes, root, n_rows), id_bytes


def _read_blocks(pages: Pages, shape: _Shape) -> Steps[list[_Block]]:
    if not shape.n_rows:
        return [_Block(0, shape.root)]
    head_bytes = TABLE_HEAD_BYTES + shape.offset_bytes
    # Rows beyond hold tables of tables, which only a group of many thousands needs.
    n_rows = min(shape.n_rows, shape.largest_bytes.bit_length() - shape.first_bytes.bit_length() + 2)
    table = yield from pages.read(shape.root, head_bytes + n_rows * shape.width * ADDRESS.size)
    if not table.startswith(TABLE_SIGNATURE):
        raise StructureError("no table of blocks where there should be one")
    return list(_blocks(table[head_bytes:], shape))


def _blocks(table: bytes, shape: _Shape) -> Iterator[_Block]:
    offset = 0
    for place, (address,) in enumerate(ADDRESS.iter_unpack(table)):
        yield _Block(offset, address)
        offset += shape.first_bytes << max(0, place // shape.width - 1)
    yield _Block(offset, UNDEFINED)


def _read_item(pages: Pages, identifier: bytes, shape: _Shape, blocks: Sequence[_Block]) -> Steps[bytes]:
    if identifier[0] & KIND_OF_ITEM:
        raise StructureError("an item of a heap that is not in its blocks", "unknown")
    offset = int.from_bytes(identifier[1 : 1 + shape.offset_bytes], "little")
    length = int.from_bytes(identifier[1 + shape.offset_bytes :], "little")
    block = blocks[bisect_right(blocks, offset, key=lambda block: block.offset) - 1]
    if block.address == UNDEFINED:
        raise StructureError("an item of a heap in a block that is not known", "unknown")
    return (yield from pages.read(block.address + offset - block.offset, length))
