"""Jobs on this machine: started, found again, ended, lost."""

import errno
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edviz.errors import JobError
from mcp_server.jobs import cancel, start
from mcp_server.jobs.cancel import cancel_job
from mcp_server.jobs.folder import JobFolder, read_share
from mcp_server.jobs.log import log_lines
from mcp_server.jobs.process import Process, lives, processes_of_job, this_process
from mcp_server.jobs.start import start_job
from mcp_server.jobs.status import list_jobs, newest_job, status_of_job, wait_for_job
from tests.h5ad.files import REPOSITORY
from tests.jobs.waiting import until
from tests.scripts.running import run_json

STARTER = """
import json, sys, time
from mcp_server.jobs.kinds import KINDS
from mcp_server.jobs.start import start_job
from tests.jobs.work import WAITING
KINDS["waiting"] = WAITING
print(start_job("waiting", {"items": ["a"], "go": sys.argv[1]}).id, flush=True)
time.sleep(300)
"""


def waiting(runs: Path, go: Path) -> str:
    """Start a job that waits in the middle of its work."""
    job = start_job("waiting", {"items": ["a", "b"], "go": str(go)}).id
    until(runs, job, "running", fraction=0.5)
    return job


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith(".part")]


def test_a_job_runs_and_leaves_its_result(runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    running = status_of_job(runs, job)
    assert (running.kind, running.engine, running.result, running.error) == ("waiting", "local", None, None)
    assert running.message.startswith("halfway in process")
    assert running.heartbeat >= running.started >= running.created
    go.touch()
    done = wait_for_job(runs, job, seconds=30)
    assert (done.state, done.fraction, done.result) == ("done", 1.0, {"items": ["a", "b"]})
    assert (Path(done.folder) / "output" / "text.txt").read_text() == "a b"
    assert "halfway" in log_lines(JobFolder(Path(done.folder)))


def test_the_record_is_there_before_the_answer(runs: Path, go: Path) -> None:
    handle = start_job("waiting", {"items": ["a"], "go": str(go)})
    assert handle.state in ("queued", "running")
    record = json.loads((Path(handle.folder) / "request.json").read_text())
    assert record["request"] == {"items": ["a"], "go": str(go)}
    assert oct((runs / handle.id).stat().st_mode & 0o777) == "0o700"


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
    # Whoever holds the pipe open would keep a client waiting for the end of the starter's output.
    assert starter.communicate(timeout=10)[0] == ""
    assert run_json("jobs", "show", job)["state"] == "running"
    go.touch()
    assert run_json("jobs", "wait", job)["state"] == "done"


def test_a_cancelled_job_leaves_no_process_and_no_file(runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    assert len(parts(runs / job)) == 1
    # submitit's own process, the worker, its heart and the process that the work has started
    assert len(processes_of_job(job)) == 4
    cancelled = cancel_job(runs, job)
    assert (cancelled.state, cancelled.error) == ("cancelled", "the job was cancelled")
    assert processes_of_job(job) == []
    assert parts(runs / job) == []
    assert not (runs / job / "output").exists()
    assert cancel_job(runs, job).state == "cancelled"


def test_a_job_that_does_not_want_to_end_is_killed(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancel, "GRACE_SECONDS", 0.3)
    job = start_job("stubborn", {}).id
    until(runs, job, "running", fraction=0.5)
    assert cancel_job(runs, job).state == "cancelled"
    assert processes_of_job(job) == []


def test_a_job_that_is_done_cannot_be_cancelled(runs: Path, go: Path) -> None:
    go.touch()
    job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
    wait_for_job(runs, job, seconds=30)
    assert cancel_job(runs, job).state == "done"
    assert (runs / job / "output" / "text.txt").exists()


def test_a_worker_that_was_killed_is_lost_with_the_end_of_its_log(runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    worker = read_share(JobFolder(runs / job), 0).process
    os.kill(worker.pid, signal.SIGKILL)
    lost = until(runs, job, "lost")
    assert lost.error == f"the worker (process {worker.pid} on {worker.host}) ended without a word; start again"
    assert lost.log_tail == ("halfway",)
    assert cancel_job(runs, job).state == "cancelled"
    assert processes_of_job(job) == []
    assert parts(runs / job) == []


def test_a_worker_that_never_began_is_lost(runs: Path, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = waiting(runs, go)
    for pid in processes_of_job(job):
        os.kill(pid, signal.SIGKILL)
    (runs / job / "status-0.json").unlink()
    assert "was never begun" in until(runs, job, "lost").error


def test_a_number_of_a_process_that_another_one_has_by_now_is_not_taken_for_it(runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    place = runs / job / "status-0.json"
    said = json.loads(place.read_text())
    said["process"] = {**said["process"], "pid": os.getpid()}
    place.write_text(json.dumps(said))
    assert status_of_job(runs, job).state == "lost"
    assert not lives(Process(this_process().machine, os.getpid(), "1"))
    assert lives(this_process())


def test_a_worker_elsewhere_is_lost_when_it_gives_no_sign_of_life(runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    place = runs / job / "status-0.json"
    said = json.loads(place.read_text())
    said["process"]["machine"] = "elsewhere boot pid"
    for pid in processes_of_job(job):
        os.kill(pid, signal.SIGKILL)
    place.write_text(json.dumps(said))
    assert status_of_job(runs, job).state == "running"
    os.utime(place, (1, 1))
    assert "on elsewhere" in until(runs, job, "lost").error


@pytest.mark.parametrize(
    ("how", "words"), [("ours", "the sentence"), ("crash", "a mistake of this program, KeyError: '\\x1b[31m'")]
)
def test_a_job_that_fails_says_why(how: str, words: str, runs: Path) -> None:
    job = start_job("failing", {"how": how}).id
    failed = wait_for_job(runs, job, seconds=30)
    assert failed.state == "failed"
    assert words in failed.error
    assert any("Traceback" in line for line in failed.log_tail)
    assert "\x1b" not in "".join(failed.log_tail)


def test_a_job_that_ran_out_of_time_says_so(runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    os.kill(read_share(JobFolder(runs / job), 0).process.pid, signal.SIGUSR2)
    failed = until(runs, job, "failed")
    assert "its time was over" in failed.error
    assert "timeout_min=MINUTES" in failed.error
    assert parts(runs / job) == []


def test_two_starters_at_once_make_two_jobs(runs: Path, go: Path) -> None:
    go.touch()
    made = []
    starters = [
        threading.Thread(target=lambda: made.append(start_job("waiting", {"items": ["a"], "go": str(go)}).id))
        for _ in range(2)
    ]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert len(set(made)) == 2
    assert {wait_for_job(runs, job, seconds=30).state for job in made} == {"done"}
    listed = list_jobs(runs)
    assert [line.id for line in listed.jobs] == sorted(made, reverse=True)
    assert newest_job(runs) == max(made)
    assert [line.id for line in list_jobs(runs, limit=1, offset=1).jobs] == [min(made)]


FOREIGN = {
    "nothing": None,
    "no JSON": "{",
    "another JSON": "[1, 2]",
    "another id": '{"id": "x", "kind": {"name": "a"}, "request": {}, "created": "", "engine": "", "shares": 1}',
    "many brackets": "[" * 100_000,
    "no text": "\0\xff",
}


def test_foreign_folders_do_not_break_the_list(runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    (runs / "notes").mkdir()
    (runs / "notes.txt").touch()
    names = [f"20200101-000000-00{number}-abcd" for number in range(len(FOREIGN))]
    for name, text in zip(names, FOREIGN.values(), strict=True):
        (runs / name).mkdir()
        if text is not None:
            (runs / name / "request.json").write_bytes(text.encode("latin-1"))
    (runs / "20200101-000000-009-abcd").touch()
    listed = list_jobs(runs)
    assert [line.id for line in listed.jobs] == [job]
    assert set(listed.unreadable) == {*names, "20200101-000000-009-abcd"}
    assert newest_job(runs) == job


ODD = ("1", "null", "[]", '"x"', "{}", "NaN", "1e999", '{"machine": 1, "pid": "x", "started": null}')


@pytest.mark.parametrize("file", ["status-0.json", "launch.json", "result.json", "request.json"])
def test_odd_values_in_the_files_of_a_job_do_not_break_the_list(file: str, runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    for pid in processes_of_job(job):
        os.kill(pid, signal.SIGKILL)
    place = runs / job / file
    whole = json.loads(place.read_text()) if place.exists() else {}
    places = [*((key,) for key in whole), *(("kind", key) for key in whole.get("kind", {}))]
    for path, odd in itertools.product([(), *places], ODD):
        place.write_text(_with(whole, path, odd))
        listed = list_jobs(runs)
        assert [line.id for line in listed.jobs] + list(listed.unreadable) == [job]


def _with(whole: dict, path: tuple[str, ...], odd: str) -> str:
    if not path:
        return odd
    changed = {
        key: _with(value, path[1:], odd) if key == path[0] else json.dumps(value) for key, value in whole.items()
    }
    return "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in changed.items()) + "}"


@pytest.mark.parametrize("job", ["../..", "", "20200101-000000-000-abcd", "a" * 5000])
def test_a_job_that_is_not_there_is_one_sentence(job: str, runs: Path) -> None:
    for ask in (status_of_job, cancel_job):
        with pytest.raises(
            JobError, match=r"^no job '.*' in .*; `jobs.py list` and job_status alone name those there are$"
        ):
            ask(runs, job)


def test_kinds_are_those_that_are_registered(runs: Path) -> None:
    with pytest.raises(JobError, match="no kind of job 'infer_design'; did you mean 'infer_designs'"):
        start_job("infer_design", {})
    assert not runs.exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(
    no_such_folder: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(JobError, match=r"^a job cannot be kept in .*: Not a directory; set EDVIZ_RUNS to"):
        start_job("failing", {}, no_such_folder)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(JobError, match=r"^a job cannot be kept in .*No space left on device; set EDVIZ_RUNS to"):
        start_job("failing", {})
    assert list(runs.iterdir()) == []


def test_without_submitit_the_remedy_is_said(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "find_spec", lambda _: None)
    with pytest.raises(JobError, match=r"^jobs need submitit: pip install 'anndata-design-inspector\[jobs\]'$"):
        start_job("failing", {})


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("EDVIZ_JOBS_ENGINE", "cloud", "EDVIZ_JOBS_ENGINE is 'cloud'; it can be local or slurm"),
        ("EDVIZ_JOBS_PARAMETERS", "mem_gb", "EDVIZ_JOBS_PARAMETERS holds 'mem_gb'; give NAME=VALUE"),
        ("EDVIZ_JOBS_PARAMETERS", "slurm_pigeon=1", "Unknown argument 'pigeon' for executor 'slurm'"),
    ],
)
def test_wrong_settings_start_nothing(
    variable: str, value: str, words: str, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(JobError, match=words):
        start_job("failing", {"how": "ours"})
    assert not runs.exists() or list(runs.iterdir()) == []


def test_waiting_ends_when_it_should(runs: Path, go: Path) -> None:
    job = waiting(runs, go)
    seen = []
    assert wait_for_job(runs, job, seconds=0, watch=seen.append).state == "running"
    assert [each.fraction for each in seen] == [0.5]
