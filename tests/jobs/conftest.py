"""A folder of jobs for each test, with kinds for tests; nothing is left running."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from edviz.jobs.kinds import KINDS
from edviz.jobs.process import processes_of_job
from edviz.jobs.status import JobStatus, status_of_job
from tests.jobs import work


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "runs"
    monkeypatch.setenv("EDVIZ_RUNS", str(folder))
    monkeypatch.delenv("EDVIZ_JOBS_ENGINE", raising=False)
    for kind in (work.WAITING, work.FAILING, work.STUBBORN):
        monkeypatch.setitem(KINDS, kind.name, kind)
    yield folder
    for path in folder.glob("*"):
        for pid in processes_of_job(path.name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """Return a file that lets a waiting job go on, once it is there."""
    return tmp_path / "go"


def until(runs: Path, job: str, *states: str, fraction: float = 0.0, seconds: float = 30) -> JobStatus:
    """Wait for a job to be in one of the states, and so far."""
    deadline = time.monotonic() + seconds
    while True:
        status = status_of_job(runs, job)
        if status.state in states and status.fraction >= fraction:
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.02)
