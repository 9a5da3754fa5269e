"""Whether a file that has arrived is whole, as far as that can be told: GEO publishes no checksums.

One pass over the file on the disk: its SHA-256, for gzip the checksums at the end of each member, for HDF5 the
signature and the end of the file that the superblock states, of plain files and of those in gzip alike.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edviz.hdf5.faults import StructureError
from edviz.hdf5.pages import Pages
from edviz.hdf5.superblock import Superblock, read_superblock
from mcp_server.geo.download.errors import TransferError

BLOCK = 1 << 20
START = 1 << 20
"""Bytes from the start of an unpacked file in which its signature is looked for; user blocks are small."""
GZIP, HDF5 = (".gz", ".tgz", ".bgz"), (".h5ad", ".h5", ".hdf5", ".loom")

Hashed = Callable[[int], None]
"""Called with the bytes read so far."""


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes
    ----------
    sha256
        Of the whole file.
    checks
        What was checked, in words.
    """

    sha256: str
    checks: tuple[str, ...]


def verify_file(path: Path, *, name: str, size: int, hashed: Hashed) -> Verification:
    """Read a file to its end and check what can be checked.

    Parameters
    ----------
    name
        What it is called; its endings say what it should be.
    size
        Bytes it should have.

    Raises
    ------
    TransferError
        If it is not what it should be.
    """
    lowered = name.lower()
    with path.open("rb") as file:
        source = _Hashing(file, hashed)
        checks = ["size"]
        if lowered.endswith(GZIP):
            start, unpacked = _unpack(source, name)
            checks.append("gzip checksum")
            if lowered.removesuffix(".gz").endswith(HDF5):
                _check_hdf5(_read_from(io.BytesIO(start)), unpacked, name)
                checks += ["HDF5 signature", "HDF5 end of file"]
        elif lowered.endswith(HDF5):
            _check_hdf5(_read_from(file), size, name)
            file.seek(0)
            checks += ["HDF5 signature", "HDF5 end of file"]
        source.read_rest()
    if source.n_read != size:
        raise TransferError(f"{name} has {source.n_read:,} bytes here and should have {size:,}; download it again")
    return Verification(source.sha256, tuple(checks))


class _Hashing(io.RawIOBase):
    """A file that is read once from start to end, and hashed on the way."""

    def __init__(self, file: BinaryIO, hashed: Hashed) -> None:
        super().__init__()
        self._file = file
        self._digest = hashlib.sha256()
        self._hashed = hashed
        self.n_read = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._digest.update(data)
        self.n_read += len(data)
        self._hashed(self.n_read)
        return len(data)

    def read_rest(self) -> None:
        buffer = bytearray(BLOCK)
        while self.readinto(buffer):
            pass


def _unpack(source: _Hashing, name: str) -> tuple[bytes, int]:
    """Unpack to nowhere, and return how it starts and how much it is."""
    start, n_unpacked = b"", 0
    try:
        with gzip.GzipFile(fileobj=io.BufferedReader(source, BLOCK)) as unpacking:
            while block := unpacking.read(BLOCK):
                start = start or block[:START]
                n_unpacked += len(block)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TransferError(
            f"{name} has all its bytes and is no whole gzip file ({error}); it is not kept, so download it again"
        ) from error
    return start, n_unpacked


def _read_from(file: BinaryIO) -> Callable[[int, int], bytes]:
    def read(start: int, stop: int) -> bytes:
        file.seek(start)
        return file.read(stop - start)

    return read


def _check_hdf5(read: Callable[[int, int], bytes], size: int, name: str) -> None:
    try:
        _superblock(read, size)
    except StructureError as error:
        # What is unknown is not wrong.
        if error.consequence == "refuse":
            raise TransferError(
                f"{name} has all its bytes and is {error}; it is not kept, so download it again"
            ) from error


def _superblock(read: Callable[[int, int], bytes], size: int) -> Superblock:
    pages = Pages(size)
    steps = read_superblock(pages)
    while True:
        try:
            next(steps)
        except StopIteration as found:
            superblock: Superblock = found.value
            return superblock
        batch = pages.next_batch()
        pages.fill(batch, [read(start, stop) for start, stop in batch.structure])
