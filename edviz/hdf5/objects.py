"""One object of a file: its header put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from edviz.hdf5.datatypes import Datatype, parse_datatype
from edviz.hdf5.dense import read_items
from edviz.hdf5.faults import Notes, StructureError
from edviz.hdf5.groups import read_links
from edviz.hdf5.headers import read_messages
from edviz.hdf5.messages import (
    ATTRIBUTE,
    ATTRIBUTE_INFO,
    DATASPACE,
    DATATYPE,
    EXTERNAL_FILES,
    FILTERS,
    LAYOUT,
    LINK,
    LINK_INFO,
    SYMBOL_TABLE,
    Attribute,
    AttributeParts,
    Message,
    parse_attribute,
    parse_attribute_info,
    parse_committed,
    parse_dataspace,
    parse_filters,
    parse_layout,
)
from edviz.hdf5.pages import Pages, Steps
from edviz.hdf5.structure import ObjectKind, StoredObject


def read_object(pages: Pages, address: int, notes: Notes) -> Steps[StoredObject]:
    """Read the header of an object, with its attributes and links as far as they can be followed.

    Raises
    ------
    StructureError
        If it has no header that can be followed.
    """
    messages = yield from read_messages(pages, address)
    by_kind = {message.kind: message for message in messages}
    attributes = yield from _attributes(pages, messages, notes)
    kind = _kind(by_kind)
    if kind == "group":
        links = yield from read_links(pages, messages, notes)
        return StoredObject(address, kind, attributes, links)
    found = StoredObject(address, kind, attributes)
    with notes:
        found = yield from _dataset(pages, found, by_kind)
    return found


def _kind(by_kind: Mapping[int, Message]) -> ObjectKind:
    if LAYOUT in by_kind:
        return "dataset"
    if not by_kind.keys().isdisjoint((SYMBOL_TABLE, LINK_INFO, LINK)):
        return "group"
    return "data type" if DATATYPE in by_kind else "unknown"


def _dataset(pages: Pages, found: StoredObject, by_kind: Mapping[int, Message]) -> Steps[StoredObject]:
    if DATATYPE not in by_kind:
        return found
    datatype = yield from _read_datatype(pages, by_kind[DATATYPE])
    if DATASPACE not in by_kind or LAYOUT not in by_kind:
        return found._replace(datatype=datatype)
    return found._replace(
        datatype=datatype,
        shape=parse_dataspace(_body(by_kind[DATASPACE])),
        layout=parse_layout(_body(by_kind[LAYOUT])),
        filters=parse_filters(_body(by_kind[FILTERS])) if FILTERS in by_kind else (),
        is_outside=EXTERNAL_FILES in by_kind,
    )


def _attributes(pages: Pages, messages: Sequence[Message], notes: Notes) -> Steps[tuple[Attribute, ...]]:
    bodies: list[bytes] = []
    for message in messages:
        with notes:
            if message.kind == ATTRIBUTE:
                bodies.append(_body(message))
            elif message.kind == ATTRIBUTE_INFO and (dense := parse_attribute_info(message.body)):
                bodies += yield from read_items(pages, dense, notes, id_at=0)
    found = []
    for body in bodies:
        with notes:
            parts = parse_attribute(body)
            with notes.below(f"@{parts.name}"):
                found.append((yield from _attribute(pages, parts)))
    return tuple(found)


def _attribute(pages: Pages, parts: AttributeParts) -> Steps[Attribute]:
    datatype = yield from _read_datatype(pages, parts.datatype)
    shape = parse_dataspace(_body(parts.dataspace))
    n_bytes = 0 if shape is None else prod(shape) * datatype.size
    if len(parts.value) < n_bytes:
        raise StructureError(f"declared to have {n_bytes:,} bytes, of which {len(parts.value):,} are there")
    return Attribute(parts.name, datatype, shape, parts.value[:n_bytes])


def _read_datatype(pages: Pages, message: Message) -> Steps[Datatype]:
    if not message.is_shared:
        return parse_datatype(message.body)
    committed = yield from read_messages(pages, parse_committed(message.body))
    for found in committed:
        if found.kind == DATATYPE and not found.is_shared:
            return parse_datatype(found.body)
    raise StructureError("a shared data type that is none")


def _body(message: Message) -> bytes:
    if message.is_shared:
        raise StructureError("a shared message that is no data type", "unknown")
    return message.body
