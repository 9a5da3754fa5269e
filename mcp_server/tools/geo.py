"""Tools that bring files of GEO here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_server.geo.accession import read_accession
from mcp_server.geo.client import GeoClient
from mcp_server.geo.download.job import request_for
from mcp_server.geo.selection import find_sources
from mcp_server.geo.settings import geo_settings
from mcp_server.jobs.start import start_job
from mcp_server.jobs.status import JobStatus
from mcp_server.replies import Reply
from mcp_server.replies.next_steps import after_job
from mcp_server.settings import Settings, place_to_write, require_addresses
from mcp_server.tools._register import make_tool

# What is there is never replaced.
DOWNLOADS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
HANDLE = ("id",)


def geo_tools(settings: Settings) -> list[Tool]:
    """Return the tools about GEO, for a server with these settings."""
    tools = GeoTools(settings)
    return [make_tool(tools.download_geo, title="Download from GEO", annotations=DOWNLOADS, published=HANDLE)]


@dataclass(frozen=True)
class GeoTools:
    """The tools as methods, because all of them need the settings."""

    settings: Settings

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
        with GeoClient(geo_settings()) as client:
            sources = find_sources(accession, files, client)
        status = start_job("download_geo", request_for(sources, folder, max_size=max_size))
        return Reply(status, after_job(status))
