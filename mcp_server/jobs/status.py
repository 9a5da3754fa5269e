"""How a job is: read from its folder, whoever started it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from edviz.errors import JobError
from edviz.h5ad.strings import harmless
from mcp_server.jobs.files import JobFile, files_of
from mcp_server.jobs.folder import (
    JobFolder,
    JobRecord,
    Launch,
    ShareStatus,
    find_folder,
    job_folders,
    read_launch,
    read_record,
    read_result,
    read_share,
)
from mcp_server.jobs.log import log_lines
from mcp_server.jobs.process import is_here, lives
from mcp_server.jobs.slurm import is_queued

State = Literal["queued", "running", "done", "failed", "cancelled", "lost"]

NEXT_STEPS: dict[State, str] = {
    "queued": "call job_status with this id and seconds=50; the job goes on by itself",
    "running": "call job_status with this id and seconds=50; the job goes on by itself",
    "failed": "read error and log_tail, remove the cause, and start it again",
    "lost": "read log_tail, and start it again; job_cancel removes what it left",
}
LAUNCH_SECONDS = 120
"""An engine that has not answered by then never will."""
SILENT_SECONDS = 120
"""A worker elsewhere that has given no sign of life for so long is taken for dead."""
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class JobStatus:
    """How a job is.

    Attributes
    ----------
    fraction
        How much of the work is done, from 0 to 1.
    message
        What it is doing.
    heartbeat
        The last sign of life of its workers.
    folder
        The folder of the job.
    result
        What came of it, when it is done.
    files
        What it has written so far.
    error
        Why there is no result, in one sentence.
    log_tail
        The last lines of the log of a job that failed or was lost.
    next_step
        What to do now, in the words of the tools.
    """

    id: str
    kind: str
    state: State
    fraction: float
    message: str
    created: str
    started: str | None
    heartbeat: str | None
    finished: str | None
    engine: str
    folder: str
    result: dict[str, Any] | None
    files: tuple[JobFile, ...]
    error: str | None
    log_tail: tuple[str, ...]
    next_step: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state not in ("queued", "running")


@dataclass(frozen=True)
class JobLine:
    """A job in a list."""

    id: str
    kind: str
    state: State
    fraction: float
    message: str
    created: str


@dataclass(frozen=True)
class JobList:
    """Jobs, the newest first.

    Attributes
    ----------
    total
        How many jobs there are.
    unreadable
        Folders that have the name of a job and are none.
    folder
        Where they are.
    """

    jobs: tuple[JobLine, ...]
    total: int
    unreadable: tuple[str, ...]
    folder: str


def status_of_job(runs: Path, job: str) -> JobStatus:
    """Say how a job is.

    Raises
    ------
    JobError
        If there is no such job.
    """
    return status_of(find_folder(runs, job))


def list_jobs(runs: Path, *, limit: int = 20, offset: int = 0) -> JobList:
    """List jobs, the newest first; folders that are none are named and do no harm.

    Raises
    ------
    JobError
        If the folder of all jobs cannot be read.
    """
    known, unreadable = [], []
    for folder in job_folders(runs):
        if read_record(folder) is None:
            unreadable.append(folder.id)
        else:
            known.append(folder)
    lines = [_line(status_of(folder)) for folder in known[offset : offset + limit]]
    return JobList(tuple(lines), len(known), tuple(unreadable), str(runs))


def newest_job(runs: Path) -> str:
    """Return the id of the newest job.

    Raises
    ------
    JobError
        If there is none.
    """
    for folder in job_folders(runs):
        if read_record(folder) is not None:
            return folder.id
    raise JobError(f"there are no jobs in {runs}")


def wait_for_job(
    runs: Path, job: str, *, seconds: float, watch: Callable[[JobStatus], None] | None = None
) -> JobStatus:
    """Wait until a job is over, but not longer than so many seconds.

    Parameters
    ----------
    watch
        Called a few times a second with how the job is.

    Raises
    ------
    JobError
        If there is no such job.
    """
    folder = find_folder(runs, job)
    deadline = time.monotonic() + seconds
    while True:
        status = status_of(folder)
        if watch is not None:
            watch(status)
        if status.is_over or time.monotonic() >= deadline:
            return status
        time.sleep(min(POLL_SECONDS, max(deadline - time.monotonic(), 0)))


def status_of(folder: JobFolder) -> JobStatus:
    """Say how the job of a folder is.

    Raises
    ------
    JobError
        If the folder holds no job.
    """
    status = _look(folder)
    # A worker may have said its last word, and ended, between two looks of ours: look again.
    return _look(folder) if status.state == "lost" else status


def _look(folder: JobFolder) -> JobStatus:
    record = read_record(folder)
    if record is None:
        raise JobError(f"{folder.path} holds no job")
    # Asked before the files are read: what a process says last, it says before it ends.
    launch, before = read_launch(folder), _shares(folder, record)
    going = [_may_go_on(folder, record, launch, share, number) for number, share in enumerate(before)]
    shares = _shares(folder, record)
    result = read_result(folder)
    state = "done" if result is not None else _state(folder, shares, going)
    dead = next((number for number, share in enumerate(shares) if _is_dead(share, going[number])), 0)
    started = [share.started for share in shares if share]
    finished = [share.finished for share in shares if share and share.finished]
    return JobStatus(
        id=folder.id,
        kind=harmless(record.kind.name),
        state=state,
        fraction=1.0 if state == "done" else round(sum(share.fraction for share in shares if share) / record.shares, 4),
        message=_message(folder, state, shares),
        created=record.created,
        started=min(started, default=None),
        heartbeat=_heartbeat(folder, record),
        finished=max(finished, default=None) if state in ("done", "failed") else None,
        engine=record.engine,
        folder=str(folder.path),
        result=result,
        files=files_of(folder),
        error=_error(state, shares, dead),
        log_tail=log_lines(folder, share=dead) if state in ("failed", "lost") else (),
        next_step=NEXT_STEPS.get(state),
    )


def _state(folder: JobFolder, shares: Sequence[ShareStatus | None], going: Sequence[bool]) -> State:
    if any(going):
        return "running" if any(shares) else "queued"
    if folder.cancelled.exists():
        return "cancelled"
    return "failed" if any(share and share.state == "failed" for share in shares) else "lost"


def _may_go_on(
    folder: JobFolder, record: JobRecord, launch: Launch | None, share: ShareStatus | None, number: int
) -> bool:
    """Say whether a worker may still do something."""
    if share is not None and _gives_signs(folder, share, number):
        return True
    if share is not None and share.state != "running":
        return False
    is_young = not folder.cancelled.exists() and _age(record.created) < LAUNCH_SECONDS
    if launch is None:
        return share is None and is_young
    if launch.process is not None:
        return share is None and (lives(launch.process) if is_here(launch.process) else is_young)
    return number < len(launch.numbers) and is_queued(launch.numbers[number])


def _gives_signs(folder: JobFolder, share: ShareStatus, number: int) -> bool:
    if is_here(share.process):
        return lives(share.process)
    if share.state != "running":
        return False
    # Nobody can look at a process of another machine.
    beat = _beat(folder.status(number))
    return beat is not None and time.time() - beat < SILENT_SECONDS


def _is_dead(share: ShareStatus | None, going: bool) -> bool:
    return not going and (share is None or share.state != "done")


def _error(state: State, shares: Sequence[ShareStatus | None], dead: int) -> str | None:
    failed = [share.error for share in shares if share and share.error]
    if state == "failed":
        return failed[0] if failed else "the job failed without a word"
    if state == "cancelled":
        return "the job was cancelled"
    if state != "lost":
        return None
    share = shares[dead] if dead < len(shares) else None
    if share is None:
        return "the job was never begun, and nothing will begin it any more; start it again"
    return (
        f"the worker (process {share.process.pid} on {harmless(share.process.host)}) ended without a word; start again"
    )


def _message(folder: JobFolder, state: State, shares: Sequence[ShareStatus | None]) -> str:
    if state in ("queued", "running") and folder.cancelled.exists():
        return "being cancelled"
    begun = [share for share in shares if share]
    if not begun:
        return "waiting for a worker" if state == "queued" else ""
    if len(shares) == 1:
        return harmless(begun[0].message, longest=200)
    n_done = sum(share.state == "done" for share in begun)
    n_running = len(begun) - n_done
    return f"{n_done} of {len(shares)} workers are done" + (f", {n_running} at work" if state == "running" else "")


def _shares(folder: JobFolder, record: JobRecord) -> list[ShareStatus | None]:
    return [read_share(folder, number) for number in range(record.shares)]


def _heartbeat(folder: JobFolder, record: JobRecord) -> str | None:
    beats = [beat for number in range(record.shares) if (beat := _beat(folder.status(number))) is not None]
    return datetime.fromtimestamp(max(beats), UTC).isoformat(timespec="seconds") if beats else None


def _beat(path: Path) -> float | None:
    with suppress(OSError):
        return path.stat().st_mtime
    return None


def _age(created: str) -> float:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds()
    except (ValueError, TypeError):
        return float("inf")


def _line(status: JobStatus) -> JobLine:
    return JobLine(status.id, status.kind, status.state, status.fraction, status.message, status.created)
