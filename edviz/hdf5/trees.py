"""B-trees of version 1, which lead to the names of old groups and to chunks."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from edviz.hdf5.faults import Notes, StructureError
from edviz.hdf5.pages import UNDEFINED, Pages, Steps

SIGNATURE = b"TREE"
HEAD = struct.Struct("<4sBBHQQ")
ADDRESS = struct.Struct("<Q")
NAMES, CHUNKS = 0, 1
USUAL_NODE_BYTES = 4096
"""HDF5 reads nodes whole, however few entries are in use; those of chunks in one dimension have about 2,600 bytes."""
MOST_NODES = 20_000
CIRCLE = "a tree that goes round in circles"


class Entry(NamedTuple):
    """Where an entry of a tree leads, and the key before it."""

    key: bytes
    address: int


Choice: TypeAlias = Callable[[list[Entry]], list[Entry]]
"""Says which of the entries of one level, in their order, are of interest."""


def read_entries(
    pages: Pages, address: int, notes: Notes, *, kind: int, key_bytes: int, choose: Choice | None = None
) -> Steps[list[Entry]]:
    """Read the entries of all leaves, one level of the tree after the other.

    Parameters
    ----------
    choose
        Which entries to follow and to return; all by default.

    Raises
    ------
    StructureError
        If there is no tree of this kind, or one that goes round in circles.
    """
    pages.want(address, USUAL_NODE_BYTES)
    level, entries = yield from _read_node(pages, address, kind=kind, key_bytes=key_bytes)
    seen = {address}
    while level > 0:
        level -= 1
        nodes = [entry.address for entry in (choose(entries) if choose else entries)]
        if len(seen) + len(nodes) > MOST_NODES:
            raise StructureError("an index larger than is looked at", "unknown")
        if not seen.isdisjoint(nodes) or len(set(nodes)) < len(nodes):
            raise StructureError(CIRCLE, "refuse")
        seen.update(nodes)
        entries = []
        for node in nodes:
            pages.want(node, USUAL_NODE_BYTES)
        for node in nodes:
            # A damaged branch hides no other: HDF5 may go there without passing it.
            with notes:
                found_level, found = yield from _read_node(pages, node, kind=kind, key_bytes=key_bytes)
                if found_level != level:
                    raise StructureError(CIRCLE, "refuse")
                entries += found
    return choose(entries) if choose else entries


def _read_node(pages: Pages, address: int, *, kind: int, key_bytes: int) -> Steps[tuple[int, list[Entry]]]:
    signature, found_kind, level, n, _, _ = HEAD.unpack((yield from pages.read(address, HEAD.size)))
    if signature != SIGNATURE or found_kind != kind:
        raise StructureError("no tree where there should be one")
    body = yield from pages.read(address + HEAD.size, n * (key_bytes + ADDRESS.size))
    return level, list(_entries(body, key_bytes))


def _entries(body: bytes, key_bytes: int) -> Iterator[Entry]:
    step = key_bytes + ADDRESS.size
    for at in range(0, len(body), step):
        address = ADDRESS.unpack_from(body, at + key_bytes)[0]
        if address != UNDEFINED:
            yield Entry(body[at : at + key_bytes], address)
