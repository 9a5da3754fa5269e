"""Ending a job for real: no process of it stays, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from edviz.errors import JobError
from mcp_server.jobs import slurm
from mcp_server.jobs.folder import (
    JobFolder,
    Launch,
    find_folder,
    now,
    read_launch,
    read_record,
    read_share,
    write_plain,
)
from mcp_server.jobs.kinds import CLEANERS, function_of
from mcp_server.jobs.process import Process, is_here, lives, processes_of_job
from mcp_server.jobs.status import JobStatus, status_of

GRACE_SECONDS = 8
"""For putting away what was begun; who still lives then is killed."""
KILLED_SECONDS = 30
"""A killed process that waits for a disk ends when that answers."""
CLUSTER_SECONDS = 40
"""A cluster gives a job its own grace before it kills it."""
POLL_SECONDS = 0.05


def cancel_job(runs: Path, job: str) -> JobStatus:
    """End a job with all its processes and remove what it has written; one that is over stays as it is.

    Raises
    ------
    JobError
        If there is no such job, or it runs on another machine.
    OutputError
        If the folder of the job cannot be written.
    """
    folder = find_folder(runs, job)
    if status_of(folder).state in ("done", "failed", "cancelled"):
        return status_of(folder)
    launch = read_launch(folder) or Launch()
    worker = launch.process or _worker(folder)
    if not launch.numbers and worker is not None and not is_here(worker) and not status_of(folder).is_over:
        raise JobError(f"job {job} runs on {worker.host}; cancel it there")
    # Before anything ends: a worker that starts from now on ends by itself.
    write_plain(folder.cancelled, {"cancelled": now()})
    if launch.numbers:
        _end_on_cluster(launch.numbers)
    else:
        _end_here(folder, worker)
    status = status_of(folder)
    if status.state == "cancelled":
        _remove_output(folder)
        _clean(folder)
    return status


def _end_here(folder: JobFolder, worker: Process | None) -> None:
    """Tell all processes of a job to end, and kill those that do not."""
    for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, KILLED_SECONDS)):
        for pid in _processes(folder, worker):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if _happens(lambda: not _processes(folder, worker), seconds):
            return


def _end_on_cluster(numbers: tuple[str, ...]) -> None:
    try:
        slurm.cancel(numbers)
    except OSError as error:
        raise JobError("the job is one of Slurm, and scancel is not here; cancel it where it was started") from error
    _happens(lambda: not any(map(slurm.is_queued, numbers)), CLUSTER_SECONDS)


def _processes(folder: JobFolder, worker: Process | None) -> list[int]:
    found = processes_of_job(folder.id)
    known = [process.pid for process in (worker, _worker(folder)) if process is not None and lives(process)]
    # Where environments cannot be read, the two that were written down have to do: the worker ends its own children.
    return found or known


def _worker(folder: JobFolder) -> Process | None:
    share = read_share(folder, 0)
    return None if share is None else share.process


def _remove_output(folder: JobFolder) -> None:
    for place in (folder.output, folder.shares):
        shutil.rmtree(place, ignore_errors=True)
    for part in folder.path.glob(".*.part"):
        part.unlink(missing_ok=True)


def _clean(folder: JobFolder) -> None:
    """Remove what is elsewhere; here and not in the worker, which may have died long ago."""
    record = read_record(folder)
    if record is not None and record.kind.name in CLEANERS:
        function_of(CLEANERS[record.kind.name])(record.request)


def _happens(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, but not longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
