"""The job that infers the designs of many files, as scripts start it."""

import json
import shutil
from pathlib import Path

import pytest

from mcp_server.jobs.designs import join, request_for
from tests.scripts.running import run, run_json


@pytest.fixture
def files(tmp_path: Path, shipped: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a", "b"):
        shutil.copy(shipped, folder / f"{name}.h5ad")
    (folder / "broken.h5ad").write_text("no HDF5")
    return folder


def test_a_job_writes_what_the_script_prints(files: Path, runs: Path, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none*.h5ad")
    options = ["--ignore", "source", "--jobs", "2"]
    job = run_json("infer_design", files, nowhere, *options, "--background")["id"]
    done = run_json("jobs", "wait", job)
    assert (done["state"], done["message"]) == ("done", "3 of 3 files, 1 failed")
    assert (done["result"]["read"], done["result"]["failed"]) == (2, 2)
    printed = run("infer_design", files, nowhere, *options, "--table", "--json", "--csv", tmp_path / "designs.csv")
    assert Path(done["result"]["records"]).read_text() == printed.stdout
    assert Path(done["result"]["table"]).read_text() == (tmp_path / "designs.csv").read_text()
    assert any("broken.h5ad" in line for line in run_json("jobs", "log", job)["lines"])


def test_people_see_jobs(files: Path, runs: Path) -> None:
    assert run("jobs", "list").stdout.startswith("0 jobs in")
    assert run("jobs", "show").returncode == 1
    said = run("infer_design", files, "--background").stdout
    job = said.split()[1]
    waited = run("jobs", "wait")
    assert waited.returncode == 0
    assert waited.stdout.startswith(f"{job} done\n")
    assert job in run("jobs", "list").stdout
    assert run("jobs", "show", "nonsense").returncode == 1
    assert run("jobs", "cancel").returncode == 2


def test_nothing_to_read_starts_nothing(runs: Path, tmp_path: Path) -> None:
    done = run("infer_design", tmp_path / "*.h5ad", "--background")
    assert done.returncode == 1
    assert done.stderr.startswith("there is nothing to start: ")
    assert not runs.exists()


def test_shares_are_joined_in_order(files: Path, tmp_path: Path, runs: Path) -> None:
    from types import SimpleNamespace

    from mcp_server.jobs.designs import work

    class Report(SimpleNamespace):
        def __call__(self, fraction: float, message: str) -> None: ...

    request = request_for([str(files)], processes=1)
    folders = [tmp_path / name for name in ("0", "1", "whole", "joined")]
    for folder in folders:
        folder.mkdir()
    places = request["locations"]
    for share, part in enumerate((places[:1], places[1:])):
        work(request | {"locations": part}, Report(folder=folders[share], share=share))
    work(request, Report(folder=folders[2], share=0))
    joined = join(folders[:2], folders[3])
    assert (joined["read"], joined["failed"]) == (2, 1)
    for name in ("designs.jsonl", "designs.csv"):
        assert (folders[3] / name).read_bytes() == (folders[2] / name).read_bytes()
    assert [json.loads(line)["path"] for line in (folders[3] / "designs.jsonl").read_text().splitlines()] == places
