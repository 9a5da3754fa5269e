"""B-trees of version 2, which lead to the links and attributes of new objects and to chunks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from edviz.hdf5.faults import Notes, StructureError
from edviz.hdf5.pages import Pages, Steps
from edviz.hdf5.trees import CIRCLE, MOST_NODES

SIGNATURE, LEAF_SIGNATURE, BRANCH_SIGNATURE = b"BTHD", b"BTLF", b"BTIN"
HEAD = struct.Struct("<4sxxIHH2xQH")
MOST_LEVELS = 16
NODE_HEAD_BYTES, CHECKSUM_BYTES, ADDRESS_BYTES = 6, 4, 8


class _Node(NamedTuple):
    address: int
    n: int


class _Pointer(NamedTuple):
    """How many bytes a branch has for the address of a node, for its number of records, and for what is below it."""

    records: int
    total: int

    @property
    def size(self) -> int:
        return ADDRESS_BYTES + self.records + self.total


def read_records(pages: Pages, address: int, notes: Notes) -> Steps[list[bytes]]:
    """Read all records of a tree, in no certain order.

    Raises
    ------
    StructureError
        If there is no tree, or one that goes round in circles.
    """
    signature, node_bytes, size, depth, root, n = HEAD.unpack((yield from pages.read(address, HEAD.size)))
    if signature != SIGNATURE or depth > MOST_LEVELS:
        raise StructureError("no tree where there should be one")
    pointers = list(_pointers(node_bytes, size, depth))
    nodes, seen = [_Node(root, n)], {root}
    records: list[bytes] = []
    for pointer in reversed([None, *pointers]):
        below: list[_Node] = []
        for node in nodes:
            pages.want(node.address, node_bytes)
        for node in nodes:
            with notes:
                body = yield from _read_node(pages, node, size, pointer)
                records += (body[at : at + size] for at in range(0, node.n * size, size))
                if pointer is not None:
                    below += _nodes(body[node.n * size :], pointer)
        nodes = below
        if not seen.isdisjoint(node.address for node in nodes):
            raise StructureError(CIRCLE, "refuse")
        seen.update(node.address for node in nodes)
        if len(seen) > MOST_NODES:
            raise StructureError("an index larger than is looked at", "unknown")
    return records


def _read_node(pages: Pages, node: _Node, record_bytes: int, pointer: _Pointer | None) -> Steps[bytes]:
    pointer_bytes = 0 if pointer is None else (node.n + 1) * pointer.size
    block = yield from pages.read(node.address, NODE_HEAD_BYTES + node.n * record_bytes + pointer_bytes)
    if not block.startswith(LEAF_SIGNATURE if pointer is None else BRANCH_SIGNATURE):
        raise StructureError("a tree that does not go on where it should")
    return block[NODE_HEAD_BYTES:]


def _nodes(block: bytes, pointer: _Pointer) -> Iterator[_Node]:
    for at in range(0, len(block), pointer.size):
        address = int.from_bytes(block[at : at + ADDRESS_BYTES], "little")
        n = int.from_bytes(block[at + ADDRESS_BYTES : at + ADDRESS_BYTES + pointer.records], "little")
        yield _Node(address, n)


def _pointers(node_bytes: int, record_bytes: int, depth: int) -> Iterator[_Pointer]:
    """Yield the form of pointers from the lowest branches up; it follows from how much fits into a node."""
    room = node_bytes - NODE_HEAD_BYTES - CHECKSUM_BYTES
    most = below = room // record_bytes
    pointer = _Pointer(_bytes_for(most), 0)
    for _ in range(depth):
        yield pointer
        most = (room - pointer.size) // (record_bytes + pointer.size)
        below = (most + 1) * below + most
        pointer = _Pointer(pointer.records, _bytes_for(below))


def _bytes_for(number: int) -> int:
    return (number.bit_length() + 7) // 8
