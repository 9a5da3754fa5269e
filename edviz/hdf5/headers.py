"""Object headers of both versions, with the blocks in which they go on."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from edviz.hdf5.faults import StructureError
from edviz.hdf5.messages import CONTINUATION, Continuation, Message, parse_continuation
from edviz.hdf5.pages import LONGEST_READ, Pages, Steps

SIGNATURE, BLOCK_SIGNATURE = b"OHDR", b"OCHK"
CHECKSUM_BYTES = 4
SMALLEST_HEADER = 16
OLD_MESSAGE = struct.Struct("<HHB3x")
NEW_MESSAGE, NEW_MESSAGE_WITH_ORDER = struct.Struct("<BHB"), struct.Struct("<BHB2x")
HAS_TIMES, HAS_LIMITS, HAS_ORDER = 0x20, 0x10, 0x04


class _Form(NamedTuple):
    """How messages follow each other in a block."""

    prefix: struct.Struct
    signature: bytes = b""
    checksum_bytes: int = 0


def read_messages(pages: Pages, address: int) -> Steps[list[Message]]:
    """Read all messages of an object.

    Raises
    ------
    StructureError
        If there is no object header, or one that goes round in circles.
    """
    start = yield from pages.read(address, SMALLEST_HEADER)
    if start[:4] == SIGNATURE:
        flags = start[5]
        form = _Form(NEW_MESSAGE_WITH_ORDER if flags & HAS_ORDER else NEW_MESSAGE, BLOCK_SIGNATURE, CHECKSUM_BYTES)
        size_at = 6 + (16 if flags & HAS_TIMES else 0) + (4 if flags & HAS_LIMITS else 0)
        body_at = size_at + (1 << (flags & 0x03))
        size = int.from_bytes((yield from pages.read(address, body_at))[size_at:], "little")
    elif start[0] == 1:
        form, body_at = _Form(OLD_MESSAGE), SMALLEST_HEADER
        size = struct.unpack_from("<I", start, 8)[0]
    else:
        raise StructureError("no object where there should be one")
    messages = list(_split((yield from pages.read(address + body_at, size)), form.prefix))
    yield from _read_on(pages, messages, form)
    return messages


def _read_on(pages: Pages, messages: list[Message], form: _Form) -> Steps[None]:
    """Add the messages of all blocks in which a header goes on."""
    seen: set[int] = set()
    total = 0
    places = _continuations(messages)
    while places:
        found: list[Message] = []
        for place in places:
            pages.want(place.address, place.size)
        for place in places:
            total += place.size
            if place.address in seen:
                raise StructureError("an object header that goes round in circles", "refuse")
            if total > LONGEST_READ:
                raise StructureError("an object header larger than is looked at", "unknown")
            seen.add(place.address)
            block = yield from pages.read(place.address, place.size)
            found += _split(_inside(block, form), form.prefix)
        messages += found
        places = _continuations(found)


def _continuations(messages: Iterable[Message]) -> list[Continuation]:
    return [parse_continuation(message.body) for message in messages if message.kind == CONTINUATION]


def _inside(block: bytes, form: _Form) -> bytes:
    if not block.startswith(form.signature):
        raise StructureError("an object header that does not go on where it should")
    return block[len(form.signature) : len(block) - form.checksum_bytes]


def _split(block: bytes, prefix: struct.Struct) -> Iterator[Message]:
    at = 0
    # What is left at the end may be too short for a message.
    while at + prefix.size <= len(block):
        kind, size, flags = prefix.unpack_from(block, at)
        at += prefix.size
        if at + size > len(block):
            raise StructureError("an object header with a message longer than itself")
        yield Message(kind, flags, block[at : at + size])
        at += size
