"""Opening a file for reading, or saying in one sentence what it is instead of an .h5ad file."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from edviz.errors import H5adError
from edviz.h5ad.ahead import Ahead
from edviz.h5ad.complaints import TRUNCATED
from edviz.h5ad.parts import attribute, find_group, find_part, has_part, part_names, text_attribute
from edviz.h5ad.sources import Source, source_of
from edviz.h5ad.strings import harmless

if TYPE_CHECKING:
    from edviz.hdf5 import Purpose

HDF5_COMPLAINTS = {
    "already open for write": (
        "is being written, or its writer died; wait until it is closed, or run `h5clear -s` on a copy"
    ),
    "unable to lock file": (
        "is being written by another program, or cannot be locked; wait until that has closed it, "
        "or set HDF5_USE_FILE_LOCKING=FALSE where the file system has no locks"
    ),
    "truncated file": TRUNCATED,
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
def open_hdf5(location: str | PathLike[str] | Source, *, purpose: Purpose = "factors") -> Iterator[OpenFile]:
    """Open an HDF5 file that looks like .h5ad, and close it again.

    Parameters
    ----------
    location
        A path, the address of a file on a server (http, https, s3 or gs), or a source that is ready.
    purpose
        What will be found out: from a server, what that takes is fetched in advance.

    Raises
    ------
    H5adError
        If it is anything else; the text says what it is and what would be right.
    """
    if isinstance(location, Source):
        with _opened(location) as file:
            yield file
    else:
        with source_of(location, purpose) as source, _opened(source) as file:
            yield file


@contextmanager
def _opened(source: Source) -> Iterator[OpenFile]:
    try:
        # Whole chunks are read, and each once: a cache of unpacked ones would be 8 MB for every column.
        root = h5py.File(source.file, "r", driver=source.driver, rdcc_nbytes=0)
    except (OSError, RuntimeError, ValueError) as error:
        raise H5adError(f"{source.shown} {_complaint_of_hdf5(source, error)}.") from error
    # Closed here and not left to the garbage collector: HDF5 may be gone by then.
    with root:
        complaint = _complaint_on_kind(root)
        if complaint:
            raise H5adError(f"{source.shown} {complaint}.")
        yield OpenFile(root, source.shown, source.size, source.ahead)
        # Trouble on the way was taken for damage of the columns that were being read.
        if source.remote is not None and source.remote.failure is not None:
            raise source.remote.failure


def _complaint_of_hdf5(source: Source, error: Exception) -> str:
    if getattr(error, "errno", None) == errno.ENOENT:
        return "does not exist any more; give the path of an .h5ad file"
    is_locked = getattr(error, "errno", None) in (errno.EAGAIN, errno.EACCES)
    if is_locked and isinstance(source.file, Path) and _is_readable(source.file):
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
