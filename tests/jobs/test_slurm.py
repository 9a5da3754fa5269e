"""The same jobs on a Slurm of one machine."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edviz.errors import JobError
from mcp_server.jobs.cancel import cancel_job
from mcp_server.jobs.folder import JobFolder, read_launch, read_share
from mcp_server.jobs.process import processes_of_job
from mcp_server.jobs.slurm import is_queued
from mcp_server.jobs.start import start_job
from mcp_server.jobs.status import status_of_job, wait_for_job
from tests.h5ad.files import REPOSITORY
from tests.jobs.slurm import cluster, reason_to_skip
from tests.jobs.test_jobs import STARTER, parts
from tests.jobs.waiting import until
from tests.scripts.running import run, run_json

pytestmark = pytest.mark.skipif(bool(reason_to_skip()), reason=reason_to_skip())


@pytest.fixture(scope="module")
def configuration() -> Iterator[Path]:
    with cluster() as path:
        yield path


@pytest.fixture(autouse=True)
def slurm(configuration: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", str(configuration))
    monkeypatch.setenv("EDVIZ_JOBS_ENGINE", "slurm")
    monkeypatch.setenv("EDVIZ_JOBS_SHARES", "1")
    monkeypatch.setenv("EDVIZ_JOBS_PARAMETERS", "slurm_partition=tests timeout_min=10")


def test_a_job_outlives_a_starter_that_is_killed(runs: Path, go: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(go)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    job = starter.stdout.readline().strip()
    until(runs, job, "running", fraction=0.5)
    os.killpg(starter.pid, signal.SIGKILL)
    assert starter.communicate(timeout=10)[0] == ""
    shown = run_json("jobs", "show", job)
    assert (shown["state"], shown["engine"]) == ("running", "slurm")
    go.touch()
    assert run_json("jobs", "wait", job)["state"] == "done"


def test_an_array_of_workers_makes_one_result(runs: Path, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDVIZ_JOBS_SHARES", "2")
    go.touch()
    job = start_job("waiting", {"items": ["a", "b", "c"], "go": str(go)}).id
    done = wait_for_job(runs, job, seconds=60)
    assert (done.state, done.message, done.result) == ("done", "2 of 2 workers are done", {"items": ["a", "b", "c"]})
    assert [number.partition("_")[2] for number in read_launch(JobFolder(runs / job)).numbers] == ["0", "1"]


def test_a_cancelled_job_leaves_no_process_and_no_file(runs: Path, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDVIZ_JOBS_SHARES", "2")
    job = start_job("waiting", {"items": ["a", "b"], "go": str(go)}).id
    until(runs, job, "running", fraction=0.25)
    numbers = read_launch(JobFolder(runs / job)).numbers
    assert processes_of_job(job)
    assert any(map(is_queued, numbers))
    assert parts(runs / job)
    assert cancel_job(runs, job).state == "cancelled"
    assert processes_of_job(job) == []
    assert parts(runs / job) == []
    assert not (runs / job / "output").exists()
    assert not (runs / job / "shares").exists()
    assert not any(map(is_queued, numbers))


def test_a_worker_that_was_killed_is_lost_with_the_end_of_its_log(runs: Path, go: Path) -> None:
    job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
    until(runs, job, "running", fraction=0.5)
    os.kill(read_share(JobFolder(runs / job), 0).process.pid, signal.SIGKILL)
    assert until(runs, job, "lost").log_tail == ("halfway",)


def test_a_job_that_slurm_dropped_before_it_began_is_lost(runs: Path, go: Path) -> None:
    with nothing_starts():
        job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
        assert status_of_job(runs, job).state == "queued"
        subprocess.run(["scancel", *read_launch(JobFolder(runs / job)).numbers], check=True)
        assert "was never begun" in until(runs, job, "lost").error


def test_a_job_is_cancelled_before_it_begins(runs: Path, go: Path) -> None:
    with nothing_starts():
        job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
        assert cancel_job(runs, job).state == "cancelled"
        assert not any(map(is_queued, read_launch(JobFolder(runs / job)).numbers))


def test_workers_share_the_files(shipped: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDVIZ_JOBS_SHARES", "2")
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "abc":
        shutil.copy(shipped, folder / f"{name}.h5ad")
    job = run_json("infer_design", folder, "--background")["id"]
    done = run_json("jobs", "wait", job)
    assert (done["state"], done["message"]) == ("done", "2 of 2 workers are done")
    printed = run("infer_design", folder, "--table", "--json").stdout
    assert Path(done["result"]["records"]).read_text() == printed


@contextmanager
def nothing_starts() -> Iterator[None]:
    """Keep all jobs in the queue."""
    subprocess.run(["scontrol", "update", "PartitionName=tests", "State=DOWN"], check=True)
    try:
        yield
    finally:
        subprocess.run(["scontrol", "update", "PartitionName=tests", "State=UP"], check=True)


def test_what_slurm_refuses_is_one_sentence(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDVIZ_JOBS_PARAMETERS", "slurm_partition=none")
    with pytest.raises(JobError, match=r"^the job could not be started: .*invalid partition"):
        start_job("failing", {"how": "ours"})
    assert list(runs.iterdir()) == []
