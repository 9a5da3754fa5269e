"""Tools that find data in GEO and bring them here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_server.geo.accession import read_accession
from mcp_server.geo.download.job import request_for
from mcp_server.geo.questions import H5AD
from mcp_server.geo.search import SearchResult
from mcp_server.geo.search import search_geo as search
from mcp_server.geo.selection import find_sources
from mcp_server.geo.settings import geo_settings
from mcp_server.jobs.start import start_job
from mcp_server.jobs.status import JobStatus
from mcp_server.replies import Reply
from mcp_server.replies.concise import concise_search, full_search
from mcp_server.replies.next_steps import after_job, after_search
from mcp_server.settings import Settings, place_to_write, require_addresses
from mcp_server.tools._register import make_tool

# What is found is kept in the catalogue of the user, which changes nothing that the user sees.
ASKS = ToolAnnotations(read_only_hint=True, open_world_hint=True)
# What is there is never replaced.
DOWNLOADS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)

Detail = Literal["concise", "full"]
Organism = Annotated[str | None, Field(description="Species.")]
Since = Annotated[str | None, Field(description="As 2024-01.")]
Until = Annotated[str | None, Field(description="Likewise.")]
FileType = Annotated[str, Field(description="Or any.")]
Refresh = Annotated[bool, Field(description="Ask anew.")]
ATTEMPTS, TIMEOUT_S = 3, 12.0
"""Clients give up on a call after a minute, and then nobody hears why."""
PUBLISHED = ("total", "series")
HANDLE = ("id",)


def geo_tools(settings: Settings) -> list[Tool]:
    """Return the tools about GEO, for a server with these settings."""
    tools = GeoTools(settings)
    return [
        make_tool(tools.search_geo, title="Search GEO", annotations=ASKS, published=PUBLISHED),
        make_tool(tools.download_geo, title="Download from GEO", annotations=DOWNLOADS, published=HANDLE),
    ]


@dataclass(frozen=True)
class GeoTools:
    """The tools as methods, because all of them need the settings."""

    settings: Settings

    def search_geo(
        self,
        query: Annotated[str, Field(description="Or accessions.")],
        organism: Organism = None,
        since: Since = None,
        until: Until = None,
        file_type: FileType = H5AD,
        refresh: Refresh = False,
        detail: Detail = "concise",
        limit: Annotated[int, Field(le=200)] = 10,
        offset: int = 0,
    ) -> Reply[SearchResult]:
        """Find GEO series with .h5ad, or files of accessions. n_samples: libraries or cells, not donors."""
        found = search(
            query,
            organism=organism,
            since=since,
            until=until,
            file_type=file_type,
            limit=limit,
            offset=offset,
            refresh=refresh,
            # A server that may read nothing from others knows what it was told earlier.
            offline=not self.settings.addresses,
            with_files=True,
            settings=replace(geo_settings(), attempts=ATTEMPTS, timeout_s=TIMEOUT_S),
        )
        return Reply(found, after_search(found), full_search if detail == "full" else concise_search)

    def download_geo(
        self,
        accession: Annotated[str, Field(description="GSE or GSM.")],
        files: Annotated[tuple[str, ...], Field(description="Names, patterns; else .h5ad.")] = (),
        output: Annotated[str | None, Field(description="Folder.")] = None,
        max_size: Annotated[int | None, Field(description="Bytes agreed to, if over 5 GB.")] = None,
    ) -> Reply[JobStatus]:
        """Start a job that downloads files of GEO, whole and checked; what was interrupted goes on."""
        require_addresses(self.settings)
        folder = place_to_write(output or read_accession(accession), self.settings)
        sources = find_sources(accession, files)
        status = start_job("download_geo", request_for(sources, folder, max_size=max_size))
        return Reply(status, after_job(status))
