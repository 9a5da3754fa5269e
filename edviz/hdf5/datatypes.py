"""Data types as they are stored."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from math import prod
from typing import Literal, NamedTuple, get_args

from edviz.hdf5.faults import StructureError

TypeKind = Literal[
    "integer",
    "float",
    "time",
    "string",
    "bitfield",
    "opaque",
    "compound",
    "reference",
    "enum",
    "vlen",
    "array",
    "complex",
]
KINDS: tuple[TypeKind, ...] = get_args(TypeKind)
PROPERTY_BYTES = {"integer": 4, "float": 12, "time": 2, "bitfield": 4}
MOST_NESTED = 32
MOST_DIMENSIONS = 32
MOST_HEAP_PLACES = 4096
LONGEST_CACHED = 256
HEAP_REFERENCE_BYTES = 16
SEQUENCE, TEXT = 0, 1
"""The kinds of variable length."""
INVALID_KIND = "of a data type that HDF5 does not survive: an invalid kind of variable length"


class Datatype(NamedTuple):
    """A data type.

    Attributes
    ----------
    size
        Bytes of one value in the file.
    bits
        The flags of its class: byte order, sign, padding, character set.
    base
        What a vlen, an array or an enum consists of.
    members
        Fields of a compound.
    names
        Names of an enum, in stored order.
    shape
        Dimensions of an array.
    """

    kind: TypeKind
    size: int
    bits: int = 0
    base: Datatype | None = None
    members: tuple[Member, ...] = ()
    names: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()


class Member(NamedTuple):
    """A field of a compound."""

    name: str
    offset: int
    datatype: Datatype


class HeapPlace(NamedTuple):
    """Where in a value a reference to a heap of variable-length data is, and how large one item is there."""

    offset: int
    item_bytes: int


def parse_datatype(block: bytes) -> Datatype:
    """Take a stored data type apart.

    Raises
    ------
    StructureError
        If HDF5 would not survive it, or if it is unknown.
    """
    return _parse_cached(block) if len(block) <= LONGEST_CACHED else _parse(block, 0, 0)[0]


def heap_places(datatype: Datatype) -> tuple[HeapPlace, ...]:
    """Find what in a value refers to a heap.

    Examples
    --------
    >>> text = Datatype("vlen", 16, TEXT, Datatype("string", 1))
    >>> row = Datatype("compound", 24, members=(Member("n", 0, Datatype("integer", 8)), Member("name", 8, text)))
    >>> heap_places(row)
    (HeapPlace(offset=8, item_bytes=1),)
    """
    return tuple(islice(_heap_places(datatype), MOST_HEAP_PLACES))


def _heap_places(datatype: Datatype) -> Iterator[HeapPlace]:
    for member in datatype.members:
        for place in _heap_places(member.datatype):
            yield HeapPlace(member.offset + place.offset, place.item_bytes)
    if datatype.base is None:
        return
    if datatype.kind == "vlen":
        yield HeapPlace(0, datatype.base.size)
    elif datatype.kind == "array" and (inner := heap_places(datatype.base)):
        for position in range(prod(datatype.shape)):
            for place in inner:
                yield HeapPlace(position * datatype.base.size + place.offset, place.item_bytes)


# Most attributes of a file are of one or two types.
@lru_cache(maxsize=256)
def _parse_cached(block: bytes) -> Datatype:
    return _parse(block, 0, 0)[0]


def _parse(block: bytes, at: int, depth: int) -> tuple[Datatype, int]:
    """Return a data type and where it ends."""
    if depth > MOST_NESTED:
        raise StructureError(f"a data type nested more than {MOST_NESTED} deep", "refuse")
    head, size = struct.unpack_from("<II", block, at)
    number, version, bits = head & 0xF, head >> 4 & 0xF, head >> 8
    at += 8
    if number >= len(KINDS):
        raise StructureError(f"a data type of class {number}, which is not known", "unknown")
    kind = KINDS[number]
    if kind == "compound":
        members, at = _members(block, at, depth, version=version, n=bits & 0xFFFF, size=size)
        return Datatype(kind, size, bits, members=members), at
    if kind == "array":
        shape, at = _array_shape(block, at, version)
        base, at = _parse(block, at, depth + 1)
        return Datatype(kind, size, bits, base, shape=shape), at
    if kind in ("enum", "vlen", "complex"):
        base, at = _parse(block, at, depth + 1)
        if kind == "vlen" and bits & 0xF not in (SEQUENCE, TEXT):
            raise StructureError(INVALID_KIND, "refuse")
        names, at = _enum_names(block, at, base, version=version, n=bits & 0xFFFF) if kind == "enum" else ((), at)
        return Datatype(kind, size, bits, base, names=names), at
    length = bits & 0xFF if kind == "opaque" else PROPERTY_BYTES.get(kind, 0)
    return Datatype(kind, size, bits), at + length


def _members(block: bytes, at: int, depth: int, *, version: int, n: int, size: int) -> tuple[tuple[Member, ...], int]:
    members = []
    # From version 3 on an offset has only as many bytes as the size of the whole needs.
    offset_bytes = 4 if version < 3 else max(1, (size.bit_length() + 7) // 8)
    for _ in range(n):
        name, at = _name(block, at, padded=version < 3)
        offset = int.from_bytes(block[at : at + offset_bytes], "little")
        at += offset_bytes
        # Version 1 has dimensions in each member; libraries since 1.2 write array types instead.
        shape = _old_shape(block, at) if version == 1 else ()
        at += 28 if version == 1 else 0
        datatype, at = _parse(block, at, depth + 1)
        if shape:
            datatype = Datatype("array", datatype.size * prod(shape), base=datatype, shape=shape)
        members.append(Member(name, offset, datatype))
    return tuple(members), at


def _old_shape(block: bytes, at: int) -> tuple[int, ...]:
    rank = block[at]
    return struct.unpack_from("<4I", block, at + 12)[:rank]


def _array_shape(block: bytes, at: int, version: int) -> tuple[tuple[int, ...], int]:
    rank = block[at]
    if rank > MOST_DIMENSIONS:
        raise StructureError(f"an array type of {rank} dimensions")
    at += 4 if version < 3 else 1
    shape = struct.unpack_from(f"<{rank}I", block, at)
    # Before version 3 a permutation follows, which was never used.
    return shape, at + 4 * rank * (2 if version < 3 else 1)


def _enum_names(block: bytes, at: int, base: Datatype, *, version: int, n: int) -> tuple[tuple[str, ...], int]:
    names = []
    for _ in range(n):
        name, at = _name(block, at, padded=version < 3)
        names.append(name)
    return tuple(names), at + n * base.size


def _name(block: bytes, at: int, *, padded: bool) -> tuple[str, int]:
    end = block.index(b"\0", at)
    length = end + 1 - at
    return text_of(block[at:end]), at + (length + 7 & ~7 if padded else length)


def text_of(name: bytes) -> str:
    """Decode a name so that it can be encoded again, whatever bytes it consists of."""
    return name.decode("utf-8", "surrogateescape")
