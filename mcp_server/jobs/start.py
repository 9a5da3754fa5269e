"""Starting a job: its record is on disk before the answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edviz.errors import EdvizError, JobError
from mcp_server.jobs import settings
from mcp_server.jobs.folder import JobFolder, JobRecord, make_folder, now, write_plain
from mcp_server.jobs.kinds import Kind, kind_named
from mcp_server.jobs.log import log_lines
from mcp_server.jobs.process import JOB
from mcp_server.jobs.status import JobStatus, status_of

LIBRARY = Path(__file__).resolve().parents[2]
LAUNCH_SECONDS = 100


def start_job(kind: str, request: Mapping[str, Any], runs: Path | None = None) -> JobStatus:
    """Start a job, and return its handle; the job goes on when the process that asks ends.

    Parameters
    ----------
    kind
        Its name.
    request
        What it takes, as plain data.
    runs
        Folder of all jobs; that of the environment if None.

    Raises
    ------
    JobError
        If there is no such kind, submitit is missing, its folder cannot be written, or the engine refuses it.
    """
    asked = kind_named(kind)
    _require_engine()
    runs = settings.runs_folder() if runs is None else runs
    n_shares = _n_shares(asked, request)
    told = settings.parameters()
    try:
        folder = make_folder(runs)
    except OSError as error:
        raise JobError(_cannot_be_kept(runs, error)) from error
    record = JobRecord(folder.id, asked, dict(request), now(), settings.engine(), n_shares)
    try:
        _write(record, folder)
        _launch(folder, told)
    except JobError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return status_of(folder)


def _write(record: JobRecord, folder: JobFolder) -> None:
    try:
        write_plain(folder.record, record)
    except OSError as error:
        raise JobError(_cannot_be_kept(folder.path.parent, error)) from error


def _launch(folder: JobFolder, told: settings.Parameters) -> None:
    """Hand a job to its engine, from a process of its own: what it starts belongs to no terminal and to no server."""
    # A folder from which scripts were copied is not installed, and its worker has to find it, too.
    path = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")]))
    words = [f"{name}={value}" for name, value in told.items()]
    try:
        with folder.launch_log.open("wb") as log:
            done = subprocess.run(
                [sys.executable, "-m", "mcp_server.jobs.launch", str(folder.path), *words],
                check=False,
                cwd=folder.path,
                env={**os.environ, "PYTHONPATH": path, JOB: folder.id},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                timeout=LAUNCH_SECONDS,
            )
    except subprocess.TimeoutExpired as error:
        raise JobError(f"the job was not taken within {LAUNCH_SECONDS} seconds; nothing was started") from error
    except OSError as error:
        raise JobError(_cannot_be_kept(folder.path.parent, error)) from error
    if done.returncode:
        said = log_lines(folder, lines=1)
        raise JobError(f"the job could not be started: {said[-1] if said else f'exit status {done.returncode}'}")


def _n_shares(kind: Kind, request: Mapping[str, Any]) -> int:
    if kind.divides is None:
        return 1
    return max(min(settings.shares(), len(request[kind.divides])), 1)


def _require_engine() -> None:
    settings.engine()
    if sys.platform == "win32":
        raise JobError("jobs need Linux or macOS; on Windows, run the command itself")
    if find_spec("submitit") is None:
        raise JobError("jobs need submitit: pip install 'anndata-design-inspector[jobs]'")


def _cannot_be_kept(runs: Path, error: OSError) -> str:
    # The errors of the library are whole sentences; those of the system have the reason alone.
    reason = str(error) if isinstance(error, EdvizError) else error.strerror
    return f"a job cannot be kept in {runs}: {reason}; set {settings.RUNS} to a folder that can be written"
