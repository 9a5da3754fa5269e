"""Where the bytes of an .h5ad file come from: a file, a server, or what a compressed file was unpacked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from edviz.errors import H5adError
from edviz.h5ad.ahead import Ahead, FetchedAhead, NothingAhead
from edviz.h5ad.complaints import (
    HEAD_BYTES,
    SIGNATURE,
    complaint_on_bytes,
    complaint_on_faults,
    complaint_on_head,
    complaint_on_path,
    complaint_on_structure,
)
from edviz.h5ad.copies import Copy, copy_of
from edviz.h5ad.strings import harmless

if TYPE_CHECKING:
    from edviz.hdf5 import Purpose
    from edviz.remote import RangeFile, RemoteReport


@dataclass(frozen=True)
class Source:
    """A file that looks sound and is ready to be opened by h5py.

    Attributes
    ----------
    shown
        Where it is, without passwords and made harmless.
    size
        In bytes.
    file
        What `h5py.File` is given.
    driver
        The driver that it needs for this, or None.
    ahead
        Is told what will be read.
    remote
        The file on a server, if it is read there in parts.
    """

    shown: str
    size: int
    file: Path | RangeFile
    driver: str | None
    ahead: Ahead
    remote: RangeFile | None = None

    @property
    def report(self) -> RemoteReport | None:
        """What reading from a server took so far, or None if nothing was read from one."""
        return None if self.remote is None else self.remote.report


def is_address(location: str | PathLike[str]) -> bool:
    """Say whether this is the address of a file on a server, rather than a path."""
    return "://" in fspath(location)


@contextmanager
def source_of(location: str | PathLike[str], purpose: Purpose, *, copy: Copy | None = None) -> Iterator[Source]:
    """Make a file ready to be opened, as far as that goes without HDF5.

    Parameters
    ----------
    location
        A path, or the address of a file on a server (http, https, s3 or gs); a file compressed with gzip is unpacked.
    purpose
        What will be found out: from a server, what that takes is fetched in advance.
    copy
        What the file was unpacked to, if it was already.

    Raises
    ------
    H5adError
        If it is no HDF5 file; the text says what it is and what would be right.
    """
    if copy is not None:
        yield _of_path(Path(copy.path), _shown(location), copy.driver)
        return
    with copy_of(location) as unpacked:
        if unpacked is not None:
            yield _of_path(Path(unpacked.path), _shown(location), unpacked.driver)
        elif is_address(location):
            with _of_server(fspath(location), purpose) as source:
                yield source
        else:
            yield _of_path(Path(location), _shown(location), None)


def _shown(location: str | PathLike[str]) -> str:
    if is_address(location):
        from edviz.remote import location_of

        found = location_of(fspath(location))
        if found is not None:
            return found.shown
    return harmless(fspath(location), longest=1000)


def _of_path(path: Path, shown: str, driver: str | None) -> Source:
    complaint = complaint_on_path(path) or complaint_on_bytes(path) or complaint_on_structure(path)
    if complaint:
        raise H5adError(f"{shown} {complaint}.")
    return Source(shown, path.stat().st_size, path, driver, NothingAhead())


@contextmanager
def _of_server(address: str, purpose: Purpose) -> Iterator[Source]:
    """Fetch the structure in a few parallel rounds, before HDF5 asks for it."""
    from edviz.remote import RangeFile, location_of, settings_from_environment

    location = location_of(address)
    if location is None:
        raise H5adError(f"{harmless(address, longest=1000)} is no address of a file on a server.")
    with RangeFile(location, settings_from_environment()) as remote:
        head = remote.read_range(0, min(HEAD_BYTES, remote.size))
        if SIGNATURE not in head:
            raise H5adError(f"{location.shown} {complaint_on_head(head)}.")
        ahead = FetchedAhead(remote)
        if complaint := complaint_on_faults(ahead.structure(purpose).faults):
            raise H5adError(f"{location.shown} {complaint}.")
        yield Source(location.shown, remote.size, remote, None, ahead, remote)
