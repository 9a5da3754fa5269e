"""The superblock: where an HDF5 file begins, where it ends, and where its root is."""

from __future__ import annotations

import struct
from typing import NamedTuple

from edviz.hdf5.faults import StructureError
from edviz.hdf5.pages import UNDEFINED, Pages, Steps

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SMALLEST_USER_BLOCK = 512
LONGEST_SUPERBLOCK = 128
SIZES = (8, 8)
"""Bytes of an address and of a length: HDF5 can be told to use others, and nobody does."""


class Superblock(NamedTuple):
    """What the superblock says.

    Attributes
    ----------
    base
        Where addresses count from.
    end
        End of the file, from its start; None if not written down.
    root
        Address of the root group.
    """

    version: int
    base: int
    end: int | None
    root: int


def read_superblock(pages: Pages) -> Steps[Superblock]:
    """Find and read the superblock, and let addresses count from it.

    Raises
    ------
    StructureError
        If there is none, or if the file ends before it should.
    """
    pages.base = yield from _find_signature(pages)
    if pages.base + LONGEST_SUPERBLOCK > pages.file_size:
        raise StructureError("truncated: its end is missing", "refuse")
    found = _parse(pages.base, (yield from pages.read(0, LONGEST_SUPERBLOCK)))
    if found.end is not None and found.end > pages.file_size:
        raise StructureError(f"truncated: {pages.file_size:,} of {found.end:,} bytes are there", "refuse")
    return found


def _find_signature(pages: Pages) -> Steps[int]:
    # A user block may stand before the signature; its length is a power of two.
    start = 0
    while start + len(SIGNATURE) <= pages.file_size:
        if (yield from pages.read(start, len(SIGNATURE))) == SIGNATURE:
            return start
        start = max(SMALLEST_USER_BLOCK, 2 * start)
    raise StructureError("not an HDF5 file", "refuse")


def _parse(base: int, block: bytes) -> Superblock:
    version = block[8]
    if version > 3:
        raise StructureError(f"a superblock of version {version}, which is not known", "unknown")
    sizes, fields = ((13, 14), 24) if version < 2 else ((9, 10), 12)
    if (block[sizes[0]], block[sizes[1]]) != SIZES:
        raise StructureError("addresses of an uncommon size", "unknown")
    # The base that is written down is not used, nor is it by HDF5: a user block may have been put before the file.
    if version < 2:
        fields += 4 if version == 1 else 0
        stated_base, _, end, _, _, root = struct.unpack_from("<6Q", block, fields)
    else:
        stated_base, _, end, root = struct.unpack_from("<4Q", block, fields)
    return Superblock(version, base, None if end == UNDEFINED else end - stated_base + base, root)
