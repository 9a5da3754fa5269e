"""Opening a file for reading, or saying in one sentence what it is instead of an .h5ad file."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from edviz.errors import H5adError
from edviz.h5ad.ahead import Ahead, NothingAhead
from edviz.h5ad.parts import attribute, find_group, find_part, has_part, part_names, text_attribute
from edviz.h5ad.strings import harmless

if TYPE_CHECKING:
    from edviz.hdf5 import Fault, Purpose

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SMALLEST_USER_BLOCK = 512
SMALLEST_FILE = 48
"""Bytes of the smallest superblock; a file that is shorter was cut off."""
HEAD_BYTES = 4096

FIRST_BYTES = {
    b"version https://git-lfs": (
        "is a Git LFS pointer, not the file it points to; run `git lfs pull` where it was cloned, or download the file"
    ),
    b"\x1f\x8b": "is compressed with gzip; unpack it with gunzip first",
    b"BZh": "is compressed with bzip2; unpack it with bunzip2 first",
    b"\xfd7zXZ": "is compressed with xz; unpack it with unxz first",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it with unzstd first",
    b"PK\x03\x04": "is a zip archive; unpack it and name the .h5ad file in it",
    b"\x0e\x03\x13\x01": "is an HDF4 file, not HDF5; an .h5ad file is needed",
    b"\x93NUMPY": "is a NumPy array; an .h5ad file is needed",
    b"%%MatrixMarket": "is a Matrix Market file; an .h5ad file made of it is needed",
}
HDF5_COMPLAINTS = {
    "already open for write": (
        "is being written, or its writer died; wait until it is closed, or run `h5clear -s` on a copy"
    ),
    "unable to lock file": (
        "is being written by another program, or cannot be locked; wait until that has closed it, "
        "or set HDF5_USE_FILE_LOCKING=FALSE where the file system has no locks"
    ),
    "truncated file": "is truncated: its end is missing; download or copy it again",
    "Permission denied": "may not be read by this user; ask for read permission",
}
KINDS_WITHOUT_OBS = {
    ("matrix", "col_attrs"): "is a loom file; convert it with anndata.read_loom(...).write_h5ad(...)",
    ("assays", "meta.data"): "is an h5Seurat file; convert it with SeuratDisk::Convert(..., dest = 'h5ad')",
    ("matrix/barcodes",): "is a 10x Genomics .h5 file; convert it with scanpy.read_10x_h5(...).write_h5ad(...)",
    ("mod",): "is an h5mu file of several data sets; write one of them to an .h5ad file of its own",
}


@dataclass(frozen=True)
class OpenFile:
    """An HDF5 file that is open for reading.

    Attributes
    ----------
    shown
        Where it is, without passwords and made harmless.
    size
        In bytes.
    ahead
        Is told what will be read.
    """

    root: h5py.File
    shown: str
    size: int
    ahead: Ahead


@contextmanager
def open_hdf5(path: str | PathLike[str], *, purpose: Purpose = "factors") -> Iterator[OpenFile]:
    """Open an HDF5 file that looks like .h5ad, and close it again.

    Parameters
    ----------
    path
        A path, or the address of a file on a server (http, https, s3 or gs).
    purpose
        What will be found out: from a server, what that takes is fetched in advance.

    Raises
    ------
    H5adError
        If it is anything else; the text says what it is and what would be right.
    """
    opened = _open_remote(fspath(path), purpose) if is_address(path) else _open_local(Path(path))
    # Closed here and not left to the garbage collector: HDF5 may be gone by then.
    with opened as file:
        complaint = _complaint_on_kind(file.root)
        if complaint:
            raise H5adError(f"{file.shown} {complaint}.")
        yield file


def is_address(path: str | PathLike[str]) -> bool:
    """Say whether this is the address of a file on a server, rather than a path."""
    return "://" in fspath(path)


@contextmanager
def _open_local(path: Path) -> Iterator[OpenFile]:
    name = harmless(fspath(path), longest=1000)
    complaint = _complaint_on_path(path) or _complaint_on_bytes(path) or _complaint_on_structure(path)
    if complaint:
        raise H5adError(f"{name} {complaint}.")
    try:
        file = h5py.File(path, "r")
    except (OSError, RuntimeError, ValueError) as error:
        raise H5adError(f"{name} {_complaint_of_hdf5(path, error)}.") from error
    with file:
        yield OpenFile(file, name, path.stat().st_size, NothingAhead())


@contextmanager
def _open_remote(address: str, purpose: Purpose) -> Iterator[OpenFile]:
    """Open a file on a server: its structure is fetched in a few parallel rounds before HDF5 asks for it."""
    from edviz.h5ad.ahead import FetchedAhead
    from edviz.remote import RangeFile, location_of, settings_from_environment

    location = location_of(address)
    if location is None:
        raise H5adError(f"{harmless(address, longest=1000)} is no address of a file on a server.")
    with RangeFile(location, settings_from_environment()) as remote:
        head = remote.read_range(0, min(HEAD_BYTES, remote.size))
        if SIGNATURE not in head:
            raise H5adError(f"{location.shown} {_complaint_on_head(head)}.")
        ahead = FetchedAhead(remote)
        if complaint := _complaint_on_faults(ahead.structure(purpose).faults):
            raise H5adError(f"{location.shown} {complaint}.")
        try:
            file = h5py.File(remote, "r")
        except (OSError, RuntimeError, ValueError) as error:
            raise H5adError(f"{location.shown} is a damaged HDF5 file ({harmless(str(error))}).") from error
        with file:
            yield OpenFile(file, location.shown, remote.size, ahead)
            # Trouble on the way was taken for damage of the columns that were being read.
            if remote.failure is not None:
                raise remote.failure


def _complaint_on_path(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist; give the path of an .h5ad file"
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error}); give the path of an .h5ad file"
    if stat.S_ISDIR(mode):
        is_zarr = any((path / inside).exists() for inside in (".zgroup", ".zattrs", "zarr.json"))
        return "is a Zarr store; an .h5ad file is needed" if is_zarr else "is a folder; name an .h5ad file in it"
    # Opening a pipe waits for ever, a device may not end.
    return None if stat.S_ISREG(mode) else "is no regular file; give the path of an .h5ad file"


def _complaint_on_bytes(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if not head:
                return "is empty; download or write it again"
            size = path.stat().st_size
            for start in _places_of_signature(size):
                file.seek(start)
                if file.read(len(SIGNATURE)) == SIGNATURE:
                    return HDF5_COMPLAINTS["truncated file"] if size - start < SMALLEST_FILE else None
    except OSError as error:
        return f"cannot be read ({error.strerror}); give the path of an .h5ad file that can"
    return _complaint_on_head(head)


def _complaint_on_structure(path: Path) -> str | None:
    """Look for what would hang or crash HDF5, before it sees the file."""
    from edviz.hdf5 import preflight

    return _complaint_on_faults(preflight(path))


def _complaint_on_faults(faults: Sequence[Fault]) -> str | None:
    grave = next((fault for fault in faults if fault.consequence == "refuse"), None)
    # A file that was cut off and an obs in another file are told best by those who meet them.
    if grave is None or "truncated" in grave.reason or "another file" in grave.reason:
        return None
    return f"is a damaged HDF5 file ({harmless(grave.path)}: {harmless(grave.reason)}); download or write it again"


def _places_of_signature(size: int) -> Iterator[int]:
    # A user block may stand before the signature; MuData writes one.
    yield 0
    place = SMALLEST_USER_BLOCK
    while place < size:
        yield place
        place *= 2


def _complaint_on_head(head: bytes) -> str:
    for start, complaint in FIRST_BYTES.items():
        if head.startswith(start):
            return complaint
    text = head.decode("utf-8", "ignore").lstrip("\ufeff \r\n\t").lower()
    if text.startswith(("<!doctype html", "<html")):
        return "is a web page, perhaps an error page saved as a file; download the .h5ad file again"
    if text.startswith(("<?xml", "{", "[")):
        return "is a text file (XML or JSON); an .h5ad file is needed"
    if all(byte >= 0x20 or byte in b"\t\r\n\f" for byte in head):
        return "is a text file; an .h5ad file is needed"
    return "is not an HDF5 file; an .h5ad file is needed"


def _complaint_of_hdf5(path: Path, error: Exception) -> str:
    if getattr(error, "errno", None) in (errno.EAGAIN, errno.EACCES) and _is_readable(path):
        return HDF5_COMPLAINTS["unable to lock file"]
    for words, complaint in HDF5_COMPLAINTS.items():
        if words in str(error):
            return complaint
    return f"is a damaged HDF5 file ({harmless(str(error))}); download or write it again"


def _is_readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _complaint_on_kind(file: h5py.File) -> str | None:
    if text_attribute(file, "encoding-type") == "MuData" or _has_data_sets(file):
        return KINDS_WITHOUT_OBS[("mod",)] + _names_of_data_sets(file)
    if has_part(file, "obs"):
        return None
    for parts, complaint in KINDS_WITHOUT_OBS.items():
        if all(find_part(file, part) is not None for part in parts):
            return complaint
    if attribute(file, "PYTABLES_FORMAT_VERSION") is not None:
        return "is a pandas HDFStore (PyTables), not .h5ad; read it with pandas.read_hdf and write an AnnData object"
    return f"is an HDF5 file but not .h5ad: it has no obs, only {_listing(part_names(file))}"


def _has_data_sets(file: h5py.File) -> bool:
    sets = find_group(file, "mod")
    return sets is not None and any(find_part(sets, f"{name}/obs") is not None for name in part_names(sets))


def _names_of_data_sets(file: h5py.File) -> str:
    sets = find_group(file, "mod")
    return "" if sets is None else f" (it has {_listing(part_names(sets))})"


def _listing(names: list[str], most: int = 6) -> str:
    shown = ", ".join(harmless(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "nothing"
