"""Downloads as jobs."""

import hashlib
import os
import re
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from mcp_server.geo.download.errors import CapError, RoomError
from mcp_server.geo.download.job import request_for
from mcp_server.jobs.cancel import cancel_job
from mcp_server.jobs.folder import JobFolder
from mcp_server.jobs.log import log_lines
from mcp_server.jobs.process import processes_of_job
from mcp_server.jobs.start import start_job
from mcp_server.jobs.status import wait_for_job
from tests.geo.download import faults
from tests.geo.download.quick import NOISE
from tests.jobs.waiting import until

FAR = 1_500_000
NEARLY = FAR / len(NOISE) - 0.02
"""Jobs write down their progress in steps."""


@pytest.fixture(autouse=True)
def this_server(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let jobs download from the server of the tests."""
    monkeypatch.setenv("EDVIZ_GEO_FILES", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def start(noise, folder: Path) -> str:
    return start_job("download_geo", request_for([noise], folder)).id


def held(runs: Path, noise, folder: Path) -> str:
    """Start a job, and wait until the server has fallen silent."""
    job = start(noise, folder)
    until(runs, job, "running", fraction=NEARLY)
    deadline = time.monotonic() + 30
    while (folder / "noise.bin.part").stat().st_size < FAR:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return job


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_job_downloads_into_the_folder_that_was_asked_for(noise, folder, runs) -> None:
    done = wait_for_job(runs, start(noise, folder), seconds=30)
    assert (done.state, done.error) == ("done", None)
    (file,) = done.result["files"]
    assert (file["path"], file["sha256"]) == (str(folder / "noise.bin"), hashlib.sha256(NOISE).hexdigest())
    assert (folder / "noise.bin").read_bytes() == NOISE
    assert names(Path(done.folder) / "output") == []
    assert "noise.bin: checking" in log_lines(JobFolder(Path(done.folder)))


def test_progress_is_told_in_bytes_and_a_cancel_removes_what_is_not_whole(server, noise, folder, runs) -> None:
    server.faults.append(faults.stall(FAR))
    job = start(noise, folder)
    status = until(runs, job, "running", fraction=NEARLY)
    assert re.fullmatch(r"downloading, 1\.[45] MB of 3\.0 MB, file 1 of 1: noise\.bin", status.message)
    assert cancel_job(runs, job).state == "cancelled"
    assert names(folder) == []


def test_a_job_that_is_killed_is_gone_on_with_by_the_next(server, noise, folder, runs) -> None:
    server.faults.append(faults.stall(FAR))
    job = held(runs, noise, folder)
    for pid in processes_of_job(job):
        os.kill(pid, signal.SIGKILL)
    until(runs, job, "lost")
    assert wait_for_job(runs, start(noise, folder), seconds=30).state == "done"
    assert server.ranges() == [None, f"bytes={FAR}-"]
    assert (folder / "noise.bin").read_bytes() == NOISE


def test_a_cancel_removes_what_a_killed_job_has_left(server, noise, folder, runs) -> None:
    server.faults.append(faults.stall(FAR))
    job = held(runs, noise, folder)
    for pid in processes_of_job(job):
        os.kill(pid, signal.SIGKILL)
    until(runs, job, "lost")
    assert cancel_job(runs, job).state == "cancelled"
    assert names(folder) == []


def test_a_cancel_leaves_what_another_job_brings(server, noise, folder, runs) -> None:
    server.faults.append(faults.stall(FAR))
    one = held(runs, noise, folder)
    other = start(noise, folder)
    until(runs, other, "running")
    assert cancel_job(runs, other).state == "cancelled"
    assert (folder / "noise.bin.part").stat().st_size == FAR
    cancel_job(runs, one)


def test_an_end_that_is_no_cancel_keeps_what_has_arrived(server, noise, folder, runs) -> None:
    server.faults.append(faults.stall(FAR))
    job = held(runs, noise, folder)
    for pid in processes_of_job(job):
        os.kill(pid, signal.SIGTERM)
    until(runs, job, "lost", "failed")
    assert (folder / "noise.bin.part").stat().st_size == FAR


def test_a_job_that_gets_nothing_fails_with_the_reason(server, noise, folder, runs) -> None:
    server.fault = faults.status(404)
    failed = wait_for_job(runs, start(noise, folder), seconds=30)
    assert failed.state == "failed"
    assert "the server does not give noise.bin (HTTP 404)" in failed.error


def test_a_job_that_may_not_download_is_not_started(noise, folder, runs, monkeypatch) -> None:
    with pytest.raises(CapError, match="once the user agrees"):
        request_for([noise], folder, max_size=10)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(RoomError, match="still to come"):
        request_for([noise], folder)
    assert not runs.exists()
