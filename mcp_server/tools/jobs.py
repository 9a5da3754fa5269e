"""Tools that say how long work is, wait for it and end it; other tools start it."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from edviz.progress import Progress, current_watcher
from mcp_server.jobs.cancel import cancel_job
from mcp_server.jobs.settings import runs_folder
from mcp_server.jobs.status import JobList, JobStatus, list_jobs, wait_for_job
from mcp_server.replies import Reply
from mcp_server.replies.next_steps import after_job, after_jobs
from mcp_server.tools._register import make_tool

MOST_SECONDS = 50
"""Clients give up on a call after a minute."""

LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# What a job has written so far is removed.
ENDS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


def job_tools() -> list[Tool]:
    """Return the tools about jobs."""
    return [
        make_tool(job_status, title="Look at jobs", annotations=LOOKS),
        make_tool(job_cancel, title="Cancel a job", annotations=ENDS),
    ]


def job_status(
    job: Annotated[str | None, Field(description="Its id; none lists all.")] = None,
    seconds: Annotated[float, Field(description="Wait for its end.", ge=0, le=MOST_SECONDS)] = 0,
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
    offset: Annotated[int, Field(ge=0)] = 0,
) -> Reply[JobStatus | JobList]:
    """Say how a job is: state, fraction done, result, files; of one that failed or was lost (its worker died) error
    and log_tail. Without job, list jobs, the newest first.
    """
    if job is None:
        listed = list_jobs(runs_folder(), limit=limit, offset=offset)
        return Reply(listed, after_jobs(listed, offset))
    status = wait_for_job(runs_folder(), job, seconds=seconds, watch=_tell)
    return Reply(status, after_job(status))


def job_cancel(job: Annotated[str, Field(description="Its id.")]) -> Reply[JobStatus]:
    """End a job and remove what it has written; one that is over stays as it is. Ask the user first."""
    status = cancel_job(runs_folder(), job)
    return Reply(status, after_job(status))


def _tell(status: JobStatus) -> None:
    watcher = current_watcher()
    if watcher is not None:
        watcher(Progress(status.message, fraction=status.fraction))
