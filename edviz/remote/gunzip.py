"""Unpacking a file compressed with gzip into a temporary one that is gone afterwards, whatever happens."""

from __future__ import annotations

import errno
import shutil
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Protocol

from edviz.errors import H5adError
from edviz.remote.settings import MOST_UNPACKED_BYTES

SIGNATURE = b"\x1f\x8b"
WITH_GZIP_HEADER = 31
"""The parameter of zlib that makes it read header and trailer, and compare checksum and length."""

READ_BYTES = 256 * 2**10
WRITE_BYTES = 2**20

MOST_EXPANSION = 200
"""Matrices of mostly zeros shrink to a thirtieth; bombs, to a thousandth."""
EXPANSION_MATTERS = 64 * 2**20
KEPT_FREE = 256 * 2**20
"""Bytes of the disk that are left to others."""
BYTES_BETWEEN_LOOKS = 64 * 2**20

DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)
OPEN_FILES = Path("/proc/self/fd")
"""Where Linux lists the open files of a process, and opens them again, names or not."""


class GunzipError(H5adError):
    """A compressed file that cannot be unpacked; the text is one complete sentence."""


@dataclass(frozen=True)
class GunzipProgress:
    """How far unpacking is.

    Attributes
    ----------
    read
        Bytes that were read, compressed.
    size
        Bytes there are to read, if known.
    unpacked
        Bytes that were written.
    """

    read: int
    size: int | None
    unpacked: int


@dataclass(frozen=True)
class Unpacked:
    """A temporary file with what was unpacked, there until the end of the `with` block.

    Attributes
    ----------
    path
        Where to open it.
    driver
        What `h5py.File(path, "r", driver=driver)` needs: the default driver of HDF5 2.0 wants to know where a path
        leads, and one to a file without a name leads nowhere.
    """

    path: Path
    driver: str | None


class Source(Protocol):
    """What compressed bytes are read from: an open file or a download."""

    def read(self, size: int, /) -> bytes | None:
        """Return up to so many bytes, none at the end."""


@contextmanager
def unpacked(
    source: Source,
    *,
    name: str,
    most_bytes: int,
    size: int | None = None,
    folder: Path | None = None,
    check_start: Callable[[bytes], None] | None = None,
    progress: Callable[[GunzipProgress], None] | None = None,
) -> Iterator[Unpacked]:
    """Unpack a gzip file, and give the temporary file that holds what was in it.

    On Linux that file has no name in any folder; its path, `/proc/self/fd/N`, leads to it in this process, and in a
    child that was given the descriptor N. Elsewhere it is a file in a folder for temporary files.

    Parameters
    ----------
    source
        Compressed bytes, read from the current position to the end.
    name
        What errors call it.
    most_bytes
        Bytes that it may unpack to.
    size
        Compressed bytes there are, if known.
    folder
        Where to write; by default where temporary files are written.
    check_start
        Called with the first bytes that were unpacked; may raise, to end what would be of no use.
    progress
        Called after every megabyte or less.

    Raises
    ------
    GunzipError
        If it is no gzip file, truncated, damaged, or larger than may be.
    """
    place = folder or Path(tempfile.gettempdir())
    counted = _Counted(source)
    chunks = _limited(_unpack(counted, name), counted, name, most_bytes)
    chunks = _leaving_room(chunks, place, name, size or 0)
    if check_start is not None:
        chunks = _starting_well(chunks, check_start)
    if progress is not None:
        chunks = _reporting(chunks, counted, size, progress)
    with _temporary_file(place, name) as temporary:
        _write(chunks, temporary.file, place, name)
        yield temporary.unpacked


@dataclass(frozen=True)
class _Temporary:
    file: IO[bytes]
    unpacked: Unpacked
    has_name: bool


class _Counted:
    """A source that counts what was read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.read_bytes = 0

    def read(self) -> bytes:
        data = self._source.read(READ_BYTES) or b""
        self.read_bytes += len(data)
        return data


def _unpack(source: _Counted, name: str) -> Iterator[bytes]:
    data = source.read()
    if not data:
        raise GunzipError(f"{name} is empty; download or write it again.")
    if not data.startswith(SIGNATURE[: len(data)]):
        if data.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
            raise GunzipError(f"{name} is a web page, perhaps a login or error page; download the file itself.")
        raise GunzipError(f"{name} is not compressed with gzip; give it its right name, or compress it with gzip.")
    # gzip files may follow one another in one file, and zeros may fill its end.
    while data:
        data = yield from _unpack_one(source, data, name)
        while not data.strip(b"\0") and (data := source.read()):
            pass
        data = data.lstrip(b"\0")


def _unpack_one(source: _Counted, data: bytes, name: str) -> Generator[bytes, None, bytes]:
    """Unpack one of the gzip files, and return the bytes behind it that were already read."""
    # zlib sees this itself, isal reads on.
    if not data.startswith(SIGNATURE[: len(data)]):
        raise _damaged(name)
    library = _library()
    unpacker = library.decompressobj(WITH_GZIP_HEADER)
    while True:
        try:
            chunk: bytes = unpacker.decompress(data, WRITE_BYTES)
        except library.error as error:
            raise _damaged(name) from error
        if chunk:
            yield chunk
        if unpacker.eof:
            rest: bytes = unpacker.unused_data
            return rest
        data = unpacker.unconsumed_tail or source.read()
        # Without more input there may still be output that was held back by its largest length.
        if not data and not chunk:
            raise GunzipError(f"{name} is truncated: its end is missing; download or copy it again.")


def _damaged(name: str) -> GunzipError:
    return GunzipError(f"{name} is damaged and cannot be unpacked; download or copy it again.")


def _library() -> ModuleType:
    # Unpacks in half the time, and is otherwise the same.
    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return zlib


def _limited(chunks: Iterable[bytes], source: _Counted, name: str, most_bytes: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > most_bytes:
            raise GunzipError(
                f"{name} unpacks to more than {most_bytes:,} bytes, which is the limit; raise {MOST_UNPACKED_BYTES}, "
                "or unpack it with gunzip and give the path of the result."
            )
        if total > EXPANSION_MATTERS and total > MOST_EXPANSION * source.read_bytes:
            raise GunzipError(
                f"{name} unpacks to more than {MOST_EXPANSION} times its size, which no .h5ad file does; "
                "if it is one, unpack it with gunzip and give the path of the result."
            )
        yield chunk


def _leaving_room(chunks: Iterable[bytes], place: Path, name: str, least: int) -> Iterator[bytes]:
    _check_room(place, name, least)
    unlooked = 0
    for chunk in chunks:
        unlooked += len(chunk)
        if unlooked >= BYTES_BETWEEN_LOOKS:
            unlooked = 0
            _check_room(place, name, 0)
        yield chunk


def _check_room(place: Path, name: str, needed: int) -> None:
    if _free_bytes(place) < needed + KEPT_FREE:
        raise _full(place, name)


def _free_bytes(place: Path) -> int:
    return shutil.disk_usage(place).free


def _full(place: Path, name: str) -> GunzipError:
    return GunzipError(
        f"{name} does not fit on the disk of {place} when unpacked; "
        "make room, or set TMPDIR to a folder on a larger disk."
    )


def _starting_well(chunks: Iterable[bytes], check_start: Callable[[bytes], None]) -> Iterator[bytes]:
    is_first = True
    for chunk in chunks:
        if is_first:
            check_start(chunk)
            is_first = False
        yield chunk


def _reporting(
    chunks: Iterable[bytes], source: _Counted, size: int | None, progress: Callable[[GunzipProgress], None]
) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        progress(GunzipProgress(source.read_bytes, size, total))
        yield chunk


def _write(chunks: Iterable[bytes], file: IO[bytes], place: Path, name: str) -> None:
    for chunk in chunks:
        with _told(place, name):
            file.write(chunk)
    with _told(place, name):
        file.flush()


@contextmanager
def _told(place: Path, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in DISK_IS_FULL:
            raise _full(place, name) from error
        raise GunzipError(
            f"{name} cannot be unpacked into {place} ({error.strerror}); set TMPDIR to a folder that can be written to."
        ) from error


@contextmanager
def _temporary_file(place: Path, name: str) -> Iterator[_Temporary]:
    with _told(place, name):
        temporary = _without_name(place) if OPEN_FILES.is_dir() else _with_name(place)
    try:
        yield temporary
    finally:
        temporary.file.close()
        if temporary.has_name:
            temporary.unpacked.path.unlink(missing_ok=True)


def _without_name(place: Path) -> _Temporary:
    # Nothing is left even when the process is killed, as there is nothing in any folder.
    file = tempfile.TemporaryFile(dir=place)  # noqa: SIM115 - closed by _temporary_file
    return _Temporary(file, Unpacked(OPEN_FILES / str(file.fileno()), "stdio"), has_name=False)


def _with_name(place: Path) -> _Temporary:
    file = tempfile.NamedTemporaryFile(dir=place, prefix="edviz-", suffix=".h5ad", delete=False)  # noqa: SIM115 - as above
    return _Temporary(file, Unpacked(Path(file.name), None), has_name=True)
