"""Jobs behind the server: they outlive it, and a new one finds them."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from mcp_server.jobs.process import processes_of_job
from mcp_server.jobs.start import start_job
from mcp_server.tools import jobs
from tests.jobs.waiting import until
from tests.mcp_server.serving import MODES, answer, client, refusal
from tests.mcp_server.test_stdio import COMMAND, ENVIRONMENT
from tests.scripts.running import run_json

pytestmark = pytest.mark.anyio


@pytest.fixture
def files(tmp_path: Path, shipped: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(6):
        shutil.copy(shipped, folder / f"{number}.h5ad")
    return folder


async def test_a_job_outlives_a_server_that_is_killed(files: Path, runs: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    environment = ENVIRONMENT | {"EDVIZ_RUNS": str(runs)}
    dying = StdioServerParameters(
        command="/bin/sh",
        args=["-c", f'echo $$ > "{pid}"; exec "$@"', "sh", *COMMAND],
        env=environment,
        cwd=tmp_path,
    )
    async with Client(dying) as first:
        handle = (await first.call_tool("infer_designs", {"paths": [str(files)]})).structured_content
        os.kill(int(pid.read_text()), signal.SIGKILL)
    living = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment, cwd=tmp_path)
    async with Client(living) as second:
        found = (await second.call_tool("job_list", {})).structured_content["jobs"]
        assert [(job["id"], job["state"] in ("queued", "running")) for job in found] == [(handle["id"], True)]
        done = (await second.call_tool("job_wait", {"job": handle["id"]})).structured_content
    assert (done["state"], done["result"]["read"]) == ("done", 6)
    shown = {name: entry for name, entry in done.items() if name not in ("next", "notice")}
    assert shown == run_json("jobs", "show", handle["id"])


@pytest.mark.parametrize("mode", MODES)
async def test_waiting_reports_progress(mode: str, runs: Path, go: Path, tmp_path: Path) -> None:
    job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
    until(runs, job, "running", fraction=0.5)
    told = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        go.touch()

    async with client(tmp_path, mode=mode) as connected:
        done = await connected.call_tool("job_wait", {"job": job}, progress_callback=hear)
    assert done.structured_content["state"] == "done"
    assert told[0][:2] == (0.5, 1.0)
    assert told[0][2].startswith("halfway")


async def test_waiting_ends_before_clients_lose_patience(runs: Path, go: Path, tmp_path: Path) -> None:
    job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
    started = time.monotonic()
    assert (await answer(tmp_path, "job_wait", job=job, seconds=0.3))["state"] in ("queued", "running")
    assert time.monotonic() - started < 10
    assert jobs.MOST_SECONDS == 50
    assert "less than or equal to 50" in await refusal(tmp_path, "job_wait", job=job, seconds=51)


async def test_a_job_is_cancelled(runs: Path, go: Path, tmp_path: Path) -> None:
    job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
    until(runs, job, "running", fraction=0.5)
    assert (await answer(tmp_path, "job_cancel", job=job))["state"] == "cancelled"
    assert processes_of_job(job) == []
    assert (await answer(tmp_path, "job_status", job=job))["error"] == "the job was cancelled"


async def test_what_is_not_there_is_one_sentence(runs: Path, tmp_path: Path) -> None:
    for tool in ("job_status", "job_wait", "job_cancel"):
        assert "no job 'x' in " in await refusal(tmp_path, tool, job="x")
    assert "there is nothing to start" in await refusal(tmp_path, "infer_designs", paths=[])
    assert (await answer(tmp_path, "job_list"))["jobs"] == []


async def test_links_below_a_folder_do_not_lead_out_of_what_may_be_read(
    files: Path,
    shipped: Path,
    runs: Path,
    tmp_path: Path,
) -> None:
    (files / "link.h5ad").symlink_to(shipped.resolve())
    async with client(tmp_path, read_roots=(files.resolve(),)) as connected:
        refused = await connected.call_tool("infer_designs", {"paths": [str(files)]})
    assert refused.is_error
    assert "may not read" in refused.content[0].text
    assert not runs.exists()
