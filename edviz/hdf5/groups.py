"""The links of a group, in the old form of symbol tables and in the new one of messages."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from edviz.hdf5.datatypes import text_of
from edviz.hdf5.dense import read_items
from edviz.hdf5.faults import Notes, StructureError
from edviz.hdf5.messages import (
    LINK,
    LINK_INFO,
    SYMBOL_TABLE,
    Link,
    Message,
    SymbolTable,
    parse_link,
    parse_link_info,
    parse_symbol_table,
)
from edviz.hdf5.pages import Pages, Steps
from edviz.hdf5.trees import NAMES, read_entries

SYMBOL_NODE = struct.Struct("<4s2xH")
SYMBOL = struct.Struct("<QQI4xI12x")
NODE_SIGNATURE = b"SNOD"
USUAL_NODE_BYTES = SYMBOL_NODE.size + 8 * SYMBOL.size
NAME_HASH_BYTES = 4
SOFT_LINK = 2
"""What a symbol says it holds if it is a soft link: where the heap of names has its target."""
NAME_HEAP = struct.Struct("<4s4xQQQ")
HEAP_SIGNATURE = b"HEAP"


def read_links(pages: Pages, messages: Iterable[Message], notes: Notes) -> Steps[tuple[Link, ...]]:
    """Read the links of a group, as far as they can be followed."""
    links: list[Link] = []
    for message in messages:
        with notes:
            if message.kind == LINK:
                links.append(parse_link(message.body))
            elif message.kind == SYMBOL_TABLE:
                links += yield from _read_symbols(pages, parse_symbol_table(message.body), notes)
            elif message.kind == LINK_INFO and (dense := parse_link_info(message.body)):
                links += map(parse_link, (yield from read_items(pages, dense, notes, id_at=NAME_HASH_BYTES)))
    return tuple(links)


def _read_symbols(pages: Pages, table: SymbolTable, notes: Notes) -> Steps[list[Link]]:
    pages.want(table.names, NAME_HEAP.size)
    entries = yield from read_entries(pages, table.tree, notes, kind=NAMES, key_bytes=8)
    nodes = dict.fromkeys(entry.address for entry in entries)
    for node in nodes:
        pages.want(node, USUAL_NODE_BYTES)
    names = yield from _read_names(pages, table.names)
    links: list[Link] = []
    for node in nodes:
        with notes:
            links += _links((yield from _read_symbol_node(pages, node)), names)
    return links


def _read_symbol_node(pages: Pages, address: int) -> Steps[bytes]:
    signature, n = SYMBOL_NODE.unpack((yield from pages.read(address, SYMBOL_NODE.size)))
    if signature != NODE_SIGNATURE:
        raise StructureError("no list of links where there should be one")
    return (yield from pages.read(address + SYMBOL_NODE.size, n * SYMBOL.size))


def _read_names(pages: Pages, heap: int) -> Steps[bytes]:
    signature, size, _, address = NAME_HEAP.unpack((yield from pages.read(heap, NAME_HEAP.size)))
    if signature != HEAP_SIGNATURE:
        raise StructureError("no heap of names where there should be one")
    return (yield from pages.read(address, size))


def _links(symbols: bytes, names: bytes) -> Iterator[Link]:
    for name_at, address, kind, target_at in SYMBOL.iter_unpack(symbols):
        name = _name(names, name_at)
        if kind == SOFT_LINK:
            yield Link(name, "soft", target=_name(names, target_at))
        else:
            yield Link(name, "hard", address=address)


def _name(names: bytes, at: int) -> str:
    return text_of(names[at : names.index(b"\0", at)])
