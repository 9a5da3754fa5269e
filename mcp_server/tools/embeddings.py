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
from mcp_server.embeddings.requests import (
    ADDRESSES,
    MOST_CELLS,
    UNINTEGRATED,
    EmbeddingRequest,
    Method,
    PlotRequest,
    request_for,
)
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
        place = self._place(source)
        # Of a training, what is to stand beside it is made at once.
        beside = UNINTEGRATED if obsm is None and _has_batch_key(source) else None
        request = EmbeddingRequest(place, obsm, method, sample=sample, beside=beside, roots=self._roots())
        status = start_job("embed", request_for(request))
        return Reply(status, after_job(status))

    def plot_embedding(
        self,
        source: Annotated[str, Field(description=".h5ad file or job.")],
        color: Annotated[tuple[str, ...], Field(description="obs columns or genes.")] = (),
        facet: Annotated[str | None, Field(description="A panel per level.")] = None,
        beside: Annotated[str | None, Field(description="Other source or obsm; unintegrated.")] = None,
        obsm: Obsm = None,
    ) -> Picture:
        """Show cells in two dimensions: image and caption, saved as PNG."""
        name = picture_path(source, color, facet)
        place = self._place(source)
        request = PlotRequest(
            source=place,
            output=str(place_to_write(name, self.settings)),
            obsm=obsm,
            color=color,
            facet=facet,
            beside=None if beside is None else self._beside(beside),
            roots=self._roots(),
            embeds=self._may_embed(place),
        )
        plot = plot_embedding(request, seconds=PLOT_SECONDS)
        return Picture(Path(plot.path), f"plot://{name.removesuffix('.png')}", plot.alt_text, plot.caption)

    def _place(self, source: str) -> str:
        """Return where a source is: that of a job is in its folder."""
        if ID.fullmatch(source):
            folder = find_folder(runs_folder(), source)
            _require_done(source, status_of(folder).state)
            return str(folder.output)
        return str(place_to_read(source, self._with_runs()))

    def _beside(self, beside: str) -> str:
        looks_like_source = ID.fullmatch(beside) or "/" in beside or beside.endswith(".h5ad")
        return self._place(beside) if looks_like_source else beside

    def _may_embed(self, place: str) -> bool:
        """Say whether an embedding may be written there: where jobs write, or where the server may."""
        folders = (runs_folder().resolve(), *self.settings.write_roots)
        return any(Path(place).resolve().is_relative_to(folder) for folder in folders)

    def _with_runs(self) -> Settings:
        return replace(self.settings, read_roots=(*self.settings.read_roots, runs_folder().resolve()))

    def _roots(self) -> tuple[str, ...]:
        """Return what may be read, as it goes into a request."""
        settings = self._with_runs()
        roots = map(str, (*settings.read_roots, *settings.write_roots))
        return (*roots, *((ADDRESSES,) if settings.addresses else ()))


def _has_batch_key(source: str) -> bool:
    """Say whether a source is a training that integrated something out."""
    if not ID.fullmatch(source):
        return False
    status = status_of(find_folder(runs_folder(), source))
    return status.kind == "train_scvi" and bool((status.result or {}).get("batch_key"))


def _require_done(job: str, state: str) -> None:
    if state in ("queued", "running"):
        raise JobError(f"job {job} is {state}; job_status says when it is done")
    if state != "done":
        raise JobError(f"job {job} is {state} and has no result; job_status says why")
