"""Files compressed with gzip, such as GEO keeps them, unpacked to a temporary copy that is gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from edviz.errors import H5adError
from edviz.h5ad.strings import harmless

if TYPE_CHECKING:
    from edviz.remote import RemoteReport

GZIP, SUFFIX = b"\x1f\x8b", ".gz"


@dataclass(frozen=True)
class Copy:
    """An unpacked file, there until the end of the `with` block.

    Attributes
    ----------
    path
        Where to open it.
    driver
        What `h5py.File` needs to open it there, or None.
    report
        What reading the compressed file from a server took, or None if it is a local one.
    """

    path: str
    driver: str | None
    report: RemoteReport | None = None

    @property
    def descriptor(self) -> int | None:
        """The open file that the path leads to, if it has no other name: who opens the path must have it."""
        return None if self.driver is None else int(Path(self.path).name)


@contextmanager
def copy_of(location: str | PathLike[str]) -> Iterator[Copy | None]:
    """Unpack a file if it is compressed with gzip; otherwise give None.

    A local file is told by its first bytes, one on a server by its name.

    Raises
    ------
    H5adError
        If it cannot be unpacked, or does not hold an HDF5 file.
    """
    if "://" in fspath(location):
        if is_packed_address(fspath(location)):
            with _copy_of_remote(fspath(location)) as copy:
                yield copy
            return
    elif _is_packed_file(Path(location)):
        with _copy_of_local(Path(location)) as copy:
            yield copy
        return
    yield None


def is_packed_address(address: str) -> bool:
    """Say whether an address is that of a compressed file.

    Examples
    --------
    >>> is_packed_address("https://example.org/download?file=cells.h5ad.gz&format=file")
    True
    """
    return any(part.lower().endswith(SUFFIX) for part in address.partition("#")[0].replace("&", "?").split("?"))


def _is_packed_file(path: Path) -> bool:
    try:
        # Opening a pipe would wait for ever.
        if not S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return file.read(len(GZIP)) == GZIP
    except (OSError, ValueError):
        return False


@contextmanager
def _copy_of_local(path: Path) -> Iterator[Copy]:
    from edviz.remote import settings_from_environment, unpacked

    shown = harmless(fspath(path), longest=1000)
    most = settings_from_environment().most_unpacked_bytes
    with path.open("rb", buffering=0) as file:
        size = path.stat().st_size
        with unpacked(file, name=shown, most_bytes=most, size=size, check_start=_check(shown)) as found:
            yield Copy(fspath(found.path), found.driver)


@contextmanager
def _copy_of_remote(address: str) -> Iterator[Copy]:
    from edviz.remote import location_of, open_download, settings_from_environment, unpacked

    location, settings = location_of(address), settings_from_environment()
    if location is None:
        raise H5adError(f"{harmless(address, longest=1000)} is no address of a file on a server.")
    with open_download(location, settings) as download:
        packed = unpacked(
            download,
            name=location.shown,
            most_bytes=settings.most_unpacked_bytes,
            size=download.size,
            check_start=_check(location.shown),
        )
        with packed as found:
            report = download.report
            # The server need not wait for the end of the reading.
            download.close()
            yield Copy(fspath(found.path), found.driver, report)


def _check(shown: str) -> Callable[[bytes], None]:
    """Return what ends unpacking early where nothing comes of it."""

    def check_start(start: bytes) -> None:
        from edviz.h5ad.complaints import HEAD_BYTES, SIGNATURE, complaint_on_head

        # A user block may stand before the signature.
        head = start[:HEAD_BYTES]
        if SIGNATURE in head:
            return
        twice = "is compressed with gzip twice; unpack it once and give the path of the result"
        complaint = twice if head.startswith(GZIP) else f"holds something that {complaint_on_head(head)}"
        raise H5adError(f"{shown} {complaint}.")

    return check_start
