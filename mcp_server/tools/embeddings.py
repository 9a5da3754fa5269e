"""Tools that embed cells in two dimensions and show them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from edviz.errors import JobError
from mcp_server.embeddings.picture import picture_path, plot_embedding
from mcp_server.embeddings.requests import ADDRESSES, MOST_CELLS, EmbeddingRequest, Method, PlotRequest, request_for
from mcp_server.jobs.folder import ID, find_folder
from mcp_server.jobs.settings import runs_folder
from mcp_server.jobs.start import start_job
from mcp_server.jobs.status import JobStatus, status_of
from mcp_server.replies import Reply
from mcp_server.replies.next_steps import after_job
from mcp_server.replies.picture import Picture
from mcp_server.settings import Settings, place_to_read, place_to_write
from mcp_server.tools._register import make_picture_tool, make_tool

PLOT_SECONDS = 50
"""Clients give up on a call after a minute."""
# Data may be on a server; a picture of the same name is replaced.
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False)
Obsm = Annotated[str | None, Field(description="Entry of obsm.")]


def embedding_tools(settings: Settings) -> list[Tool]:
    """Return the tools about embeddings, for a server with these settings."""
    tools = EmbeddingTools(settings)
    return [
        make_tool(tools.embed, title="Embed cells", annotations=WRITES, published=("id", "state")),
        make_picture_tool(tools.plot_embedding, title="Plot cells", annotations=WRITES),
    ]


@dataclass(frozen=True)
class EmbeddingTools:
    """The tools as methods, because all of them need the settings."""

    settings: Settings

    def embed(
        self,
        source: Annotated[str, Field(description=".h5ad file or training job.")],
        method: Annotated[Method, Field(description="How.")] = "tsne",
        obsm: Obsm = None,
        sample: Annotated[int, Field(description="Most cells; 0: all.")] = MOST_CELLS,
    ) -> Reply[JobStatus]:
        """Start a job that embeds cells in two dimensions, for plot_embedding."""
        request = EmbeddingRequest(self._place(source), obsm, method, sample=sample, roots=self._roots())
        status = start_job("embed", request_for(request))
        return Reply(status, after_job(status))

    def plot_embedding(
        self,
        source: Annotated[str, Field(description=".h5ad file or embed job.")],
        color: Annotated[tuple[str, ...], Field(description="obs columns.")] = (),
        facet: Annotated[str | None, Field(description="A panel per level.")] = None,
        beside: Annotated[str | None, Field(description="Other source or obsm.")] = None,
        obsm: Obsm = None,
    ) -> Picture:
        """Show cells in two dimensions: image and caption, saved as PNG."""
        name = picture_path(source, color, facet)
        request = PlotRequest(
            source=self._place(source),
            output=str(place_to_write(name, self.settings)),
            obsm=obsm,
            color=color,
            facet=facet,
            beside=None if beside is None else self._beside(beside),
            roots=self._roots(),
        )
        plot = plot_embedding(request, seconds=PLOT_SECONDS)
        return Picture(Path(plot.path), f"plot://{name.removesuffix('.png')}", plot.alt_text, plot.caption)

    def _place(self, source: str) -> str:
        """Return where a source is: that of a job is in its folder."""
        if ID.fullmatch(source):
            folder = find_folder(runs_folder(), source)
            if status_of(folder).state != "done":
                raise JobError(f"job {source} is {status_of(folder).state}; job_status says when it is done")
            return str(folder.output)
        return str(place_to_read(source, self._with_runs()))

    def _beside(self, beside: str) -> str:
        looks_like_source = ID.fullmatch(beside) or "/" in beside or beside.endswith(".h5ad")
        return self._place(beside) if looks_like_source else beside

    def _with_runs(self) -> Settings:
        return replace(self.settings, read_roots=(*self.settings.read_roots, runs_folder().resolve()))

    def _roots(self) -> tuple[str, ...]:
        """Return what may be read, as it goes into a request."""
        settings = self._with_runs()
        roots = map(str, (*settings.read_roots, *settings.write_roots))
        return (*roots, *((ADDRESSES,) if settings.addresses else ()))
