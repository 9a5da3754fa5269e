"""Which files of a series are to be downloaded, where they are, and how much they are exactly."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.geo.accession import read_accession
from mcp_server.geo.client import GeoClient
from mcp_server.geo.download.errors import DownloadError
from mcp_server.geo.download.record import Source
from mcp_server.geo.download.selection import select_files
from mcp_server.geo.files import GeoFile, find_geo_files, with_size
from mcp_server.geo.settings import geo_settings
from mcp_server.geo.study import find_folder


def find_sources(accession: str, patterns: Sequence[str]) -> tuple[Source, ...]:
    """Find the files of a series or a sample that patterns name, or its .h5ad files if there are no patterns.

    Raises
    ------
    AccessionError
        If it is no accession.
    GeoError
        If GEO has no such accession that is public, or does not answer.
    DownloadError
        If a pattern fits no file, or the server does not say how much a file is.
    """
    with GeoClient(geo_settings()) as client:
        accession = read_accession(accession)
        found = find_geo_files(accession, client, folder=find_folder(accession, client))
        files = {file.url: file for file in found.files}
        named = [Source(file.url, file.name, file.size or 0) for file in found.files]
        wanted = select_files(named, patterns, found.accession)
        return tuple(_source(with_size(files[source.url], client)) for source in wanted)


def _source(file: GeoFile) -> Source:
    if file.size is None:
        raise DownloadError(f"the server does not say how much {file.name} is, or no longer has it; try again later")
    return Source(file.url, file.name, file.size)
