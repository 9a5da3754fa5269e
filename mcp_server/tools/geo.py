"""Tools that find data in GEO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from mcp_server.geo.questions import H5AD
from mcp_server.geo.search import SearchResult
from mcp_server.geo.search import search_geo as search
from mcp_server.replies import Reply
from mcp_server.replies.concise import concise_search
from mcp_server.replies.next_steps import after_search
from mcp_server.settings import Settings
from mcp_server.tools._register import make_tool

# What is found is kept in the catalogue of the user, which changes nothing that the user sees.
ASKS = ToolAnnotations(read_only_hint=True, open_world_hint=True)

Detail = Literal["concise", "full"]
Organism = Annotated[str | None, Field(description="As human or Danio rerio.")]
Day = Annotated[str | None, Field(description="Made public then: 2024, 2024-01.")]
FileType = Annotated[str, Field(description="Ending of a file, or any.")]
Refresh = Annotated[bool, Field(description="Ask NCBI even if known.")]
PUBLISHED = ("total", "series", "complete", "reason")


def geo_tools(settings: Settings) -> list[Tool]:
    """Return the tools about GEO, for a server with these settings."""
    tools = GeoTools(settings)
    return [make_tool(tools.search_geo, title="Search GEO", annotations=ASKS, published=PUBLISHED)]


@dataclass(frozen=True)
class GeoTools:
    """The tools as methods, because all of them need the settings."""

    settings: Settings

    def search_geo(
        self,
        query: Annotated[str, Field(description="Words as for NCBI, or accessions.")],
        organism: Organism = None,
        since: Day = None,
        until: Day = None,
        file_type: FileType = H5AD,
        refresh: Refresh = False,
        detail: Detail = "concise",
        limit: Annotated[int, Field(ge=1, le=200)] = 10,
        offset: Annotated[int, Field(ge=0)] = 0,
    ) -> Reply[SearchResult]:
        """Find GEO series that have .h5ad files. n_samples counts libraries or cells, never donors."""
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
        )
        return Reply(found, after_search(found), None if detail == "full" else concise_search)
