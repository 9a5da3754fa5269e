"""What is wrong with a file, in words, as far as that can be told before HDF5 sees it."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from edviz.h5ad.copies import GZIP
from edviz.h5ad.strings import harmless
from edviz.hdf5 import Fault, preflight

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SMALLEST_USER_BLOCK = 512
SMALLEST_FILE = 48
"""Bytes of the smallest superblock; a file that is shorter was cut off."""
HEAD_BYTES = 4096

FIRST_BYTES = {
    b"version https://git-lfs": (
        "is a Git LFS pointer, not the file it points to; run `git lfs pull` where it was cloned, or download the file"
    ),
    GZIP: "is compressed with gzip, which its address does not say; download it and give the path of the copy",
    b"BZh": "is compressed with bzip2; unpack it with bunzip2 first",
    b"\xfd7zXZ": "is compressed with xz; unpack it with unxz first",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it with unzstd first",
    b"PK\x03\x04": "is a zip archive; unpack it and name the .h5ad file in it",
    b"\x0e\x03\x13\x01": "is an HDF4 file, not HDF5; an .h5ad file is needed",
    b"\x93NUMPY": "is a NumPy array; an .h5ad file is needed",
    b"%%MatrixMarket": "is a Matrix Market file; an .h5ad file made of it is needed",
}
TRUNCATED = "is truncated: its end is missing; download or copy it again"


def complaint_on_path(path: Path) -> str | None:
    """Say what stands at a path instead of a file, or return None."""
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


def complaint_on_bytes(path: Path) -> str | None:
    """Say what a file is instead of HDF5, or return None."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if not head:
                return "is empty; download or write it again"
            size = path.stat().st_size
            for start in _places_of_signature(size):
                file.seek(start)
                if file.read(len(SIGNATURE)) == SIGNATURE:
                    return TRUNCATED if size - start < SMALLEST_FILE else None
    except OSError as error:
        return f"cannot be read ({error.strerror}); give the path of an .h5ad file that can"
    return complaint_on_head(head)


def complaint_on_structure(path: Path) -> str | None:
    """Look for what would hang or crash HDF5, before it sees the file."""
    return complaint_on_faults(preflight(path))


def complaint_on_faults(faults: Sequence[Fault]) -> str | None:
    """Say which fault of the structure is a reason not to open a file, or return None."""
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


def complaint_on_head(head: bytes) -> str:
    """Say what begins with these bytes, which are not those of HDF5."""
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
