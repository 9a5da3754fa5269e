"""Tools that plan a training of scVI and start it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from edviz.plain import to_plain
from mcp_server.jobs.settings import runs_folder
from mcp_server.jobs.start import start_job
from mcp_server.jobs.status import JobStatus
from mcp_server.replies import Reply
from mcp_server.replies.next_steps import after_plan, after_start_of_training
from mcp_server.settings import Settings, place_to_read
from mcp_server.tools._register import make_tool
from mcp_server.training.errors import TrainingError
from mcp_server.training.plan import Plan, plan_training
from mcp_server.training.resuming import is_job, request_to_resume
from mcp_server.training.settings import Accelerator, TrainingRequest

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)

OF_A_PLAN = ("can_train", "problems", "batch_key")
HANDLE = ("id", "state")

H5adPath = Annotated[str, Field(description="An .h5ad file.")]
Layer = Annotated[str | None, Field(description="X, raw or a layer; default: where the counts are.")]
BatchKey = Annotated[str, Field(description="Column to integrate out, none, or auto: as the design advises.")]
Force = Annotated[bool, Field(description="Overrule problems. Ask the user first.")]


def training_tools(settings: Settings) -> list[Tool]:
    """Return the tools about training, for a server with these settings."""
    tools = TrainingTools(settings)
    return [
        make_tool(tools.plan_training, title="Plan a training of scVI", annotations=READS, published=OF_A_PLAN),
        make_tool(tools.train_scvi, title="Train scVI in the background", annotations=STARTS, published=HANDLE),
    ]


@dataclass(frozen=True)
class TrainingTools:
    """The tools as methods, because all of them need the settings."""

    settings: Settings

    def plan_training(
        self, path: H5adPath, layer: Layer = None, batch_key: BatchKey = "auto", force: Force = False
    ) -> Reply[Plan]:
        """Say what train_scvi would do with a file, or why it is refused: where the counts are (all are looked at),
        which batch_key the design allows and what would be lost, settings, memory, time.
        """
        asked = TrainingRequest(layer=layer, batch_key=batch_key, force=force)
        plan = plan_training(place_to_read(path, self.settings), asked)
        return Reply(plan, after_plan(plan))

    def train_scvi(
        self,
        path: Annotated[str | None, Field(description="An .h5ad file.")] = None,
        layer: Layer = None,
        batch_key: BatchKey = "auto",
        n_latent: Annotated[int, Field(description="Latent dimensions.")] = 10,
        epochs: Annotated[int | None, Field(description="Default: from the cells.")] = None,
        batch_size: Annotated[int | None, Field(description="Cells in a minibatch.")] = None,
        accelerator: Annotated[Accelerator, Field(description="Device.")] = "auto",
        seed: Annotated[int, Field(description="Of all random numbers.")] = 0,
        force: Force = False,
        resume: Annotated[str | None, Field(description="Or a job that was lost, to go on with.")] = None,
    ) -> Reply[JobStatus]:
        """Start a job that trains scVI on raw counts, and return its id at once. Call plan_training first. The result
        names a folder: model for SCVI.load, latents, losses, report.
        """
        if resume is not None and path is None:
            if not is_job(resume):
                raise TrainingError("resume takes the id of a job; job_status lists them")
            return Reply(start_job("train_scvi", request_to_resume(resume, runs_folder())), after_start_of_training())
        if path is None or resume is not None:
            raise TrainingError("give either path, or resume, a job that knows its file and its settings")
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
        place = place_to_read(path, self.settings)
        if not isinstance(place, Path):
            raise TrainingError("training reads the counts again and again: download the file first")
        status = start_job("train_scvi", {"path": str(place), "settings": to_plain(asked)})
        return Reply(status, after_start_of_training())
