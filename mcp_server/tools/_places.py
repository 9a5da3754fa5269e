"""Where the file is that a tool is called with: a path, an address, or an accession of GEO."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edviz.collection.files import find_files
from edviz.deposit import Deposit
from mcp_server.geo.accession import goes_first, is_meant
from mcp_server.settings import ADDRESSES, PlaceError, Settings, place_to_read


@dataclass(frozen=True)
class FoundPlace:
    """A file to read.

    Attributes
    ----------
    place
        Its absolute path, or its address.
    deposit
        What GEO says of it, if it was named by its accession.
    """

    place: Path | str
    deposit: Deposit | None = None


def find_place(path: str, settings: Settings) -> FoundPlace:
    """Find the file that is meant; one of this machine goes before one of GEO with the same name.

    Raises
    ------
    PlaceError
        If it lies outside the folders that may be read, or on a server and those may not.
    RemoteError
        If it starts like an address and is none.
    AccessionError
        If it is meant as an accession, and is none.
    GeoError
        If GEO has no such file, has several, or does not answer.
    """
    if not is_meant(path):
        return FoundPlace(place_to_read(path, settings))
    if _is_here(path, settings):
        return FoundPlace(_only_file(place_to_read(path, settings), settings))
    if not settings.addresses:
        raise PlaceError(f"the server reads nothing from other servers; {ADDRESSES}=1 would allow it")
    from mcp_server.geo.choosing import require_one
    from mcp_server.geo.locating import locate_h5ad

    located = locate_h5ad(path)
    file = require_one(located.files, located.accession)
    return FoundPlace(file.url, located.deposits[0])


def _only_file(place: Path | str, settings: Settings) -> Path | str:
    """Return the one .h5ad file of a folder that an earlier download has filled, and a file as it is."""
    files = find_files([str(place)]).locations
    return place_to_read(files[0], settings) if len(files) == 1 else place


def _is_here(path: str, settings: Settings) -> bool:
    with suppress(PlaceError):
        place = place_to_read(path, settings)
        return isinstance(place, Path) and goes_first(place)
    return False
