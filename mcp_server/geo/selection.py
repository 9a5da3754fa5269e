"""Which files of a series or a sample are to be downloaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from edviz.h5ad.strings import harmless
from mcp_server.geo.accession import read_accession
from mcp_server.geo.choosing import choose_files
from mcp_server.geo.client import GeoClient
from mcp_server.geo.download.record import Source
from mcp_server.geo.errors import AskedError, GeoError
from mcp_server.geo.files import GeoFile, GeoFiles, find_geo_files, with_size
from mcp_server.geo.settings import geo_settings
from mcp_server.geo.study import find_folder

MOST_NAMED = 8


def find_sources(accession: str, patterns: Sequence[str] = ()) -> tuple[Source, ...]:
    """Find the files that are meant, with their exact sizes.

    Parameters
    ----------
    accession
        Of a series or a sample.
    patterns
        See `select_files`.

    Raises
    ------
    AccessionError
        If it is no accession.
    GeoError
        If the server does not list the files, there are none that are meant, or it does not say how large one is.
    """
    accession = read_accession(accession)
    with GeoClient(geo_settings()) as client:
        found = find_geo_files(accession, client, folder=find_folder(accession, client))
        return tuple(_source(with_size(file, client)) for file in select_files(found, patterns))


def select_files(found: GeoFiles, patterns: Sequence[str]) -> tuple[GeoFile, ...]:
    """Return the files that patterns name; without any, the .h5ad files of the series, or else of its samples.

    Parameters
    ----------
    patterns
        Names in which `*` stands for any characters and `?` for one; upper and lower case are the same.

    Raises
    ------
    AskedError
        If a pattern fits no file, or there is no .h5ad file.
    """
    if not patterns:
        return choose_files(found, None)
    for pattern in patterns:
        if not any(_fits(file, [pattern]) for file in found.files):
            raise AskedError(f"{found.accession} has no file {harmless(pattern)!r}; it has {_names(found.files)}")
    return tuple(file for file in found.files if _fits(file, patterns))


def _fits(file: GeoFile, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(file.name.lower(), pattern.lower()) for pattern in patterns)


def _names(files: Sequence[GeoFile]) -> str:
    more = len(files) - MOST_NAMED
    shown = ", ".join(harmless(file.name, longest=80) for file in files[:MOST_NAMED]) or "none"
    return f"{shown} and {more:,} more" if more > 0 else shown


def _source(file: GeoFile) -> Source:
    if file.size is None:
        raise GeoError(f"the server does not say how large {file.name} is, so nobody could tell whether it came whole")
    return Source(file.url, file.name, file.size)
