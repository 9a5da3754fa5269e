"""Tools that plan a training of scVI and start it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from edviz.plain import to_plain
from mcp_server.geo.accession import require_downloaded
from mcp_server.jobs.settings import runs_folder
from mcp_server.jobs.start import start_job
from mcp_server.jobs.status import JobStatus
from mcp_server.replies import Reply
from mcp_server.replies.next_steps import after_job, after_plan
from mcp_server.settings import Settings, place_to_read
from mcp_server.tools._register import make_tool
from mcp_server.training.errors import TrainingError
from mcp_server.training.plan import Plan, plan_training
from mcp_server.training.resuming import is_job, request_to_resume
from mcp_server.training.settings import Accelerator, TrainingRequest

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)

OF_A_PLAN = ("can_train", "problems")

H5adPath = Annotated[str, Field(description="An .h5ad file.")]
Layer = Annotated[str | None, Field(description="X, raw/X or a layer.")]
BatchKey = Annotated[str, Field(description="Column, none, or auto.")]


def training_tools(settings: Settings) -> list[Tool]:
    """Return the tools about training, for a server with these settings."""
    tools = TrainingTools(settings)
    return [
        make_tool(tools.plan_training, title="Plan a training", annotations=READS, published=OF_A_PLAN),
        make_tool(tools.train_scvi, title="Train scVI", annotations=STARTS),
    ]


@dataclass(frozen=True)
class TrainingTools:
    """The tools as methods, because all of them need the settings."""

    settings: Settings

    def plan_training(self, path: H5adPath, layer: Layer = None, batch_key: BatchKey = "auto") -> Reply[Plan]:
        """Say what train_scvi would do with a file: where raw counts are, which batch_key the design allows, what
        is lost, memory, time.
        """
        plan = plan_training(self._place(path), TrainingRequest(layer=layer, batch_key=batch_key))
        return Reply(plan, after_plan(plan))

    def train_scvi(
        self,
        path: Annotated[str, Field(description="An .h5ad file, or a job to resume.")],
        layer: Layer = None,
        batch_key: BatchKey = "auto",
        n_latent: Annotated[int, Field(description="Latent dimensions.")] = 10,
        epochs: Annotated[int | None, Field(description="Most epochs.")] = None,
        batch_size: Annotated[int | None, Field(description="Of minibatches.")] = None,
        accelerator: Annotated[Accelerator, Field(description="Device.")] = "auto",
        seed: Annotated[int, Field(description="Random seed.")] = 0,
        force: Annotated[bool, Field(description="Overrule problems; ask first.")] = False,
    ) -> Reply[JobStatus]:
        """Start a job that trains scVI on raw counts, and return its id. Call plan_training first."""
        asked = TrainingRequest(
            layer=layer,
            batch_key=batch_key,
            n_latent=n_latent,
            epochs=epochs,
            batch_size=batch_size,
            accelerator=accelerator,
            seed=seed,
            force=force,
        )
        status = start_job("train_scvi", self._request(path, asked))
        return Reply(status, after_job(status))

    def _request(self, path: str, asked: TrainingRequest) -> dict[str, Any]:
        if is_job(path):
            if asked != TrainingRequest():
                raise TrainingError(
                    "a job goes on with the settings that it was begun with: call train_scvi with its id alone"
                )
            return dict(request_to_resume(path, runs_folder()))
        return {"path": str(self._place(path)), "settings": to_plain(asked)}

    def _place(self, path: str) -> Path:
        place = place_to_read(path, self.settings)
        if not isinstance(place, Path):
            raise TrainingError("training reads the counts again and again: download the file first")
        require_downloaded(path, place)
        return place
