"""The folder of a job, and what stands in it: every file is whole or not there."""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from edviz.errors import JobError
from edviz.output import writing
from edviz.plain import from_plain, to_plain
from mcp_server.jobs.kinds import Kind
from mcp_server.jobs.process import Process
from mcp_server.jobs.settings import MOST_SHARES

T = TypeVar("T")

ID = re.compile(r"\d{8}-\d{6}-\d{3}-[0-9a-f]{4}")
MOST_BYTES = 256 << 20
"""Of a file that says something of a job; more is none of ours."""


@dataclass(frozen=True)
class JobRecord:
    """What was asked for; written before anything is started.

    Attributes
    ----------
    request
        What the kind of job takes, as plain data.
    created
        When, in UTC.
    engine
        What runs it.
    shares
        How many workers share it.
    """

    id: str
    kind: Kind
    request: dict[str, Any]
    created: str
    engine: str
    shares: int


@dataclass(frozen=True)
class Launch:
    """What an engine said when it took a job.

    Attributes
    ----------
    process
        The process that minds the worker, of a job on one machine.
    numbers
        What a cluster calls the shares, in their order.
    """

    process: Process | None = None
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShareStatus:
    """How far a worker is with its share; the time of the file is its last sign of life."""

    state: Literal["running", "done", "failed"]
    process: Process
    started: str
    fraction: float
    message: str
    finished: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class JobFolder:
    """The places in the folder of a job."""

    path: Path

    @property
    def id(self) -> str:
        """The id of the job."""
        return self.path.name

    @property
    def record(self) -> Path:
        """What was asked for."""
        return self.path / "request.json"

    @property
    def launch(self) -> Path:
        """What the engine said."""
        return self.path / "launch.json"

    @property
    def result(self) -> Path:
        """The result of the whole; there when the job is done."""
        return self.path / "result.json"

    @property
    def cancelled(self) -> Path:
        """There if the job is not wanted any more."""
        return self.path / "cancelled.json"

    @property
    def output(self) -> Path:
        """Where the job writes."""
        return self.path / "output"

    @property
    def shares(self) -> Path:
        """Where the workers of a divided job write, each in a folder of its own."""
        return self.path / "shares"

    @property
    def engine(self) -> Path:
        """What submitit keeps."""
        return self.path / "submitit"

    def status(self, share: int) -> Path:
        """How far a worker is."""
        return self.path / f"status-{share}.json"

    def log(self, share: int) -> Path:
        """What a worker prints."""
        return self.path / f"log-{share}.txt"

    @property
    def launch_log(self) -> Path:
        """What starting printed."""
        return self.path / "launch.txt"


def make_folder(runs: Path) -> JobFolder:
    """Make the folder of a new job; the names sort by time.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        now = datetime.now(UTC)
        name = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03}-{secrets.token_hex(2)}"
        try:
            (runs / name).mkdir(mode=0o700)
        except FileExistsError:
            continue
        return JobFolder(runs / name)


def find_folder(runs: Path, job: str) -> JobFolder:
    """Return the folder of a job.

    Raises
    ------
    JobError
        If there is no such job.
    """
    folder = JobFolder(runs / job) if ID.fullmatch(job) else None
    if folder is None or read_record(folder) is None:
        raise JobError(f"no job {job[:100]!r} in {runs}; `jobs.py list` and job_status alone name those there are")
    return folder


def job_folders(runs: Path) -> Iterator[JobFolder]:
    """Yield the folders that have the name of a job, the newest first."""
    try:
        names = sorted((path.name for path in runs.iterdir() if ID.fullmatch(path.name)), reverse=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise JobError(f"the jobs in {runs} cannot be listed: {error.strerror}") from error
    for name in names:
        yield JobFolder(runs / name)


def write_plain(path: Path, value: object) -> None:
    """Write data as JSON.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with writing(path) as stream:
        json.dump(to_plain(value), stream, allow_nan=False)


def read_record(folder: JobFolder) -> JobRecord | None:
    """Return what was asked for, or None if that cannot be read: then the folder is no job."""
    record = _read(JobRecord, folder.record)
    return record if record and record.id == folder.id and 0 < record.shares <= MOST_SHARES else None


def read_launch(folder: JobFolder) -> Launch | None:
    """Return what the engine said, or None if it has not yet."""
    return _read(Launch, folder.launch)


def read_share(folder: JobFolder, share: int) -> ShareStatus | None:
    """Return how far a worker is, or None if it has not started."""
    return _read(ShareStatus, folder.status(share))


def read_result(folder: JobFolder) -> dict[str, Any] | None:
    """Return the result of a job, or None if there is none."""
    result = _read_plain(folder.result)
    return result if isinstance(result, dict) else None


def now() -> str:
    """Say the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(kind: type[T], path: Path) -> T | None:
    try:
        made = from_plain(kind, _read_plain(path))
    except (ValueError, KeyError, TypeError):
        return None
    return made if _fits(made, kind) else None


def _fits(value: object, kind: Any) -> bool:
    """Say whether a value is of a type; what stands in a file may be anything."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in parts
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(each, parts[0]) for each in value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return isinstance(value, kind) and all(_fits(getattr(value, name), hints[name]) for name in hints)
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    fits: bool = isinstance(value, origin or kind)
    return fits


def _read_plain(path: Path) -> object:
    """Return what a file says, or None if there is none or it is not JSON."""
    try:
        if path.stat().st_size > MOST_BYTES or not path.is_file():
            return None
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value
