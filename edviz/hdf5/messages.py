"""The messages of an object header: what an object says of itself."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

from edviz.hdf5.datatypes import MOST_DIMENSIONS, Datatype, text_of
from edviz.hdf5.dense import Dense
from edviz.hdf5.faults import StructureError
from edviz.hdf5.pages import UNDEFINED

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL_FILES = 0x01, 0x02, 0x03, 0x06, 0x07
LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0x08, 0x0B, 0x0C, 0x10, 0x11, 0x15

SHARED = 0x02
"""Flag of a message that is kept elsewhere."""
COMMITTED = 2
"""Kind of sharing with a named data type, from version 3 on; earlier ones know no other that is in use."""
SMALLEST_NAMED_FILTER = 256

LinkKind = Literal["hard", "soft", "external", "unknown"]
LINK_KINDS: dict[int, LinkKind] = {0: "hard", 1: "soft", 64: "external"}
LayoutKind = Literal["compact", "contiguous", "chunked", "virtual"]
LAYOUT_KINDS: tuple[LayoutKind, ...] = ("compact", "contiguous", "chunked", "virtual")
IndexKind = Literal["B-tree 1", "single chunk", "implicit", "fixed array", "extensible array", "B-tree 2"]
INDEX_KINDS: dict[int, IndexKind] = {
    1: "single chunk",
    2: "implicit",
    3: "fixed array",
    4: "extensible array",
    5: "B-tree 2",
}
INDEX_PARAMETER_BYTES = {"implicit": 0, "fixed array": 1, "extensible array": 5, "B-tree 2": 6}
SINGLE_CHUNK_FILTERED = 0x02


class Message(NamedTuple):
    """A message as it is stored."""

    kind: int
    flags: int
    body: bytes

    @property
    def is_shared(self) -> bool:
        """Whether the body only says where the message is."""
        return bool(self.flags & SHARED)


class Link(NamedTuple):
    """A name in a group.

    Attributes
    ----------
    address
        Of the object that a hard link leads to.
    target
        The path that a soft or external link names.
    file
        The file that an external link names.
    """

    name: str
    kind: LinkKind
    address: int | None = None
    target: str | None = None
    file: str | None = None


class Filter(NamedTuple):
    """A filter that chunks went through, by its registered number."""

    number: int
    name: str
    parameters: tuple[int, ...]


class Layout(NamedTuple):
    """Where the values of a dataset are.

    Attributes
    ----------
    address
        Of the values or of the index of their chunks; None if there are none.
    size
        Bytes of the values, or of the only chunk, as far as it is written down.
    chunk
        Shape of a chunk.
    values
        The values themselves, where they are part of the header.
    """

    kind: LayoutKind
    address: int | None = None
    size: int | None = None
    chunk: tuple[int, ...] = ()
    chunk_index: IndexKind | None = None
    values: bytes = b""


class Attribute(NamedTuple):
    """An attribute with its value as it is stored; variable-length values are references to a heap.

    Attributes
    ----------
    shape
        None for a null dataspace.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...] | None
    value: bytes


class SymbolTable(NamedTuple):
    """Addresses of the tree and of the heap of names that an old group consists of."""

    tree: int
    names: int


class Continuation(NamedTuple):
    """Where an object header goes on."""

    address: int
    size: int


class AttributeParts(NamedTuple):
    """An attribute of which the data type has not been looked up."""

    name: str
    datatype: Message
    dataspace: Message
    value: bytes


def parse_dataspace(body: bytes) -> tuple[int, ...] | None:
    """Return the shape, or None for a null dataspace."""
    version, rank = body[0], body[1]
    if version not in (1, 2):
        raise StructureError(f"a dataspace of version {version}, which is not known", "unknown")
    if rank > MOST_DIMENSIONS:
        raise StructureError(f"declared to have {rank} dimensions")
    if version == 2 and body[3] == 2:
        return None
    return struct.unpack_from(f"<{rank}Q", body, 8 if version == 1 else 4)


def parse_committed(body: bytes) -> int:
    """Return the address of the object that a shared data type is kept in."""
    version, kind = body[0], body[1]
    if version == 3 and kind != COMMITTED:
        raise StructureError("a shared message in a heap", "unknown")
    return _address(body, 8 if version == 1 else 2) or 0


def parse_symbol_table(body: bytes) -> SymbolTable:
    """Take the symbol table of an old group apart."""
    return SymbolTable(*struct.unpack_from("<QQ", body))


def parse_continuation(body: bytes) -> Continuation:
    """Take the message apart that says where a header goes on."""
    return Continuation(*struct.unpack_from("<QQ", body))


def parse_link_info(body: bytes) -> Dense | None:
    """Return where the links of a group are, or None if they are part of its header."""
    return _dense(body, 2 + (8 if body[1] & 0x01 else 0))


def parse_attribute_info(body: bytes) -> Dense | None:
    """Return where the attributes of an object are, or None if they are part of its header."""
    return _dense(body, 2 + (2 if body[1] & 0x01 else 0))


def parse_link(body: bytes) -> Link:
    """Take a link message apart."""
    flags, at = body[1], 2
    kind = LINK_KINDS.get(body[at], "unknown") if flags & 0x08 else "hard"
    at += (1 if flags & 0x08 else 0) + (8 if flags & 0x04 else 0) + (1 if flags & 0x10 else 0)
    length_bytes = 1 << (flags & 0x03)
    length = int.from_bytes(body[at : at + length_bytes], "little")
    at += length_bytes
    name = text_of(body[at : at + length])
    at += length
    if kind == "hard":
        return Link(name, kind, address=struct.unpack_from("<Q", body, at)[0])
    length = struct.unpack_from("<H", body, at)[0]
    value = body[at + 2 : at + 2 + length]
    if kind == "soft":
        return Link(name, kind, target=text_of(value))
    if kind == "external":
        file, target, *_ = value[1:].split(b"\0")
        return Link(name, kind, target=text_of(target), file=text_of(file))
    return Link(name, kind)


def parse_attribute(body: bytes) -> AttributeParts:
    """Take an attribute apart, up to its data type, which may be kept elsewhere."""
    version, flags = body[0], body[1] if body[0] > 1 else 0
    if version not in (1, 2, 3):
        raise StructureError(f"an attribute of version {version}, which is not known", "unknown")
    name_size, type_size, space_size = struct.unpack_from("<3H", body, 2)
    at = 9 if version == 3 else 8
    sizes = [size + 7 & ~7 if version == 1 else size for size in (name_size, type_size, space_size)]
    starts = [at, at + sizes[0], at + sizes[0] + sizes[1], at + sum(sizes)]
    if starts[-1] > len(body):
        raise StructureError("longer than the message it is in")
    return AttributeParts(
        text_of(body[at : at + name_size].split(b"\0")[0]),
        Message(DATATYPE, flags << 1 & SHARED, body[starts[1] : starts[1] + type_size]),
        Message(DATASPACE, flags & SHARED, body[starts[2] : starts[2] + space_size]),
        body[starts[3] :],
    )


def parse_filters(body: bytes) -> tuple[Filter, ...]:
    """Take a filter pipeline apart."""
    return tuple(_filters(body))


def parse_layout(body: bytes) -> Layout:
    """Take a layout apart; its version says how."""
    version = body[0]
    # Earlier versions are older than AnnData by far.
    if version not in (3, 4, 5):
        raise StructureError(f"a layout of version {version}, which is not known", "unknown")
    if body[1] >= len(LAYOUT_KINDS):
        raise StructureError(f"a layout of class {body[1]}, which is not known")
    kind = LAYOUT_KINDS[body[1]]
    if kind == "compact":
        size = struct.unpack_from("<H", body, 2)[0]
        return Layout(kind, size=size, values=body[4 : 4 + size])
    if kind == "contiguous":
        return Layout(kind, _address(body, 2), struct.unpack_from("<Q", body, 10)[0])
    if kind == "virtual":
        return Layout(kind)
    return _chunks_of_btree(body) if version == 3 else _chunks_of_index(body)


def _chunks_of_btree(body: bytes) -> Layout:
    sizes = struct.unpack_from(f"<{_chunk_rank(body[2])}I", body, 11)
    return Layout("chunked", _address(body, 3), chunk=sizes[:-1], chunk_index="B-tree 1")


def _chunks_of_index(body: bytes) -> Layout:
    flags, rank, width = body[2], _chunk_rank(body[3]), body[4]
    sizes = tuple(int.from_bytes(body[at : at + width], "little") for at in range(5, 5 + rank * width, width))
    at = 5 + rank * width
    index = INDEX_KINDS.get(body[at])
    at += 1
    if index is None:
        raise StructureError("an index of chunks that is not known", "unknown")
    size = None
    if index == "single chunk" and flags & SINGLE_CHUNK_FILTERED:
        size = struct.unpack_from("<Q", body, at)[0]
        at += 12
    return Layout("chunked", _address(body, at + INDEX_PARAMETER_BYTES.get(index, 0)), size, sizes[:-1], index)


def _chunk_rank(rank: int) -> int:
    # The size of a value counts as one more dimension.
    if rank > MOST_DIMENSIONS + 1:
        raise StructureError(f"chunks of {rank - 1} dimensions")
    return rank


def _filters(body: bytes) -> Iterator[Filter]:
    version, n = body[0], body[1]
    at = 8 if version == 1 else 2
    for _ in range(n):
        number = struct.unpack_from("<H", body, at)[0]
        # Version 2 leaves the name out for filters that HDF5 itself defines.
        is_named = version == 1 or number >= SMALLEST_NAMED_FILTER
        name_bytes = struct.unpack_from("<H", body, at + 2)[0] if is_named else 0
        at += 4 if is_named else 2
        n_parameters = struct.unpack_from("<2xH", body, at)[0]
        at += 4
        name = text_of(body[at : at + name_bytes].split(b"\0")[0])
        at += name_bytes + 7 & ~7 if version == 1 else name_bytes
        yield Filter(number, name, struct.unpack_from(f"<{n_parameters}I", body, at))
        at += 4 * (n_parameters + (n_parameters % 2 if version == 1 else 0))


def _dense(body: bytes, at: int) -> Dense | None:
    heap, index = struct.unpack_from("<QQ", body, at)
    return None if heap == UNDEFINED else Dense(heap, index)


def _address(body: bytes, at: int) -> int | None:
    address: int = struct.unpack_from("<Q", body, at)[0]
    return None if address == UNDEFINED else address
