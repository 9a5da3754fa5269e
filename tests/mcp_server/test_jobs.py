"""Jobs behind the server: they outlive it, and a new one finds them."""

import base64
import os
import re
import signal
import time
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from mcp_server import resources
from mcp_server.jobs.process import processes_of_job
from mcp_server.jobs.start import start_job
from mcp_server.tools import jobs
from tests.jobs.waiting import until
from tests.mcp_server.serving import MODES, answer, client, refusal, result_of
from tests.mcp_server.test_stdio import COMMAND, ENVIRONMENT
from tests.scripts.running import run_json

pytestmark = pytest.mark.anyio


def halfway(runs: Path, go: Path) -> str:
    """Start a job that waits in the middle of its work."""
    job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
    until(runs, job, "running", fraction=0.5)
    return job


async def test_a_job_outlives_a_server_that_is_killed(go: Path, runs: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    environment = ENVIRONMENT | {"EDVIZ_RUNS": str(runs)}
    starting = [COMMAND[0], "-m", "tests.mcp_server.job_server"]
    dying = StdioServerParameters(
        command="/bin/sh",
        args=["-c", f'echo $$ > "{pid}"; exec "$@"', "sh", *starting],
        env=environment,
        cwd=tmp_path,
    )
    async with Client(dying) as first:
        job = (await first.call_tool("start_waiting", {"go": str(go)})).content[0].text
        os.kill(int(pid.read_text()), signal.SIGKILL)
    living = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment, cwd=tmp_path)
    async with Client(living) as second:
        found = (await second.call_tool("job_status", {})).structured_content["jobs"]
        assert [(each["id"], each["state"] in ("queued", "running")) for each in found] == [(job, True)]
        go.touch()
        done = (await second.call_tool("job_status", {"job": job, "seconds": 50})).structured_content
    assert (done["state"], done["result"]) == ("done", {"items": ["a"]})
    assert result_of(done) == run_json("jobs", "show", job)


@pytest.mark.parametrize("mode", MODES)
async def test_waiting_reports_progress(mode: str, runs: Path, go: Path, tmp_path: Path) -> None:
    job = halfway(runs, go)
    told = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        go.touch()

    async with client(tmp_path, mode=mode) as connected:
        done = await connected.call_tool("job_status", {"job": job, "seconds": 50}, progress_callback=hear)
    assert done.structured_content["state"] == "done"
    assert told[0][:2] == (0.5, 1.0)
    assert told[0][2].startswith("halfway")


async def test_waiting_ends_before_clients_lose_patience(runs: Path, go: Path, tmp_path: Path) -> None:
    job = start_job("waiting", {"items": ["a"], "go": str(go)}).id
    started = time.monotonic()
    waited = await answer(tmp_path, "job_status", job=job, seconds=0.3)
    assert time.monotonic() - started < 10
    assert waited["state"] in ("queued", "running")
    assert "seconds=50" in waited["next"][0]
    assert jobs.MOST_SECONDS == 50
    assert "less than or equal to 50" in await refusal(tmp_path, "job_status", job=job, seconds=51)


async def test_a_job_is_cancelled(runs: Path, go: Path, tmp_path: Path) -> None:
    job = halfway(runs, go)
    assert (await answer(tmp_path, "job_cancel", job=job))["state"] == "cancelled"
    assert processes_of_job(job) == []
    assert (await answer(tmp_path, "job_status", job=job))["error"] == "the job was cancelled"


async def test_jobs_are_listed_the_newest_first_and_in_pages(runs: Path, go: Path, tmp_path: Path) -> None:
    assert (await answer(tmp_path, "job_status"))["jobs"] == []
    started = [start_job("waiting", {"items": ["a"], "go": str(go)}).id for _ in range(3)]
    first = await answer(tmp_path, "job_status", limit=2)
    assert [each["id"] for each in first["jobs"]] == [started[2], started[1]]
    assert any("offset=2" in step for step in first["next"])
    second = await answer(tmp_path, "job_status", limit=2, offset=2)
    assert [each["id"] for each in second["jobs"]] == [started[0]]
    assert not any("offset" in step for step in second["next"])


async def test_what_is_not_there_is_one_sentence(runs: Path, tmp_path: Path) -> None:
    for tool in ("job_status", "job_cancel"):
        assert "no job 'x' in " in await refusal(tmp_path, tool, job="x")


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def done(runs: Path, go: Path) -> str:
    """Return a job that is done and has written a text, a picture, something else, and a link to elsewhere."""
    job = halfway(runs, go)
    output = runs / job / "output"
    (output / "plots").mkdir()
    (output / "plots" / "umap 1.png").write_bytes(PNG)
    (output / "table.csv").write_text("größe,n\n1,2\n", encoding="utf-8")
    (output / "model.pt").write_bytes(b"\0\xff" * 20)
    (output / "link.txt").symlink_to(runs / job / "request.json")
    go.touch()
    until(runs, job, "done")
    return job


async def test_the_files_of_a_job_are_named_with_their_sizes(done: str, tmp_path: Path) -> None:
    status = await answer(tmp_path, "job_status", job=done)
    assert [(file["name"], file["bytes"]) for file in status["files"]] == [
        ("model.pt", 40),
        ("plots/umap 1.png", len(PNG)),
        ("table.csv", len("größe,n\n1,2\n".encode())),
        ("text.txt", 1),
    ]
    assert any(f"run://{done}/" in step for step in status["next"])


@pytest.mark.parametrize("mode", MODES)
async def test_the_files_of_a_job_are_resources(mode: str, done: str, tmp_path: Path) -> None:
    async with client(tmp_path, mode=mode) as connected:
        templates = (await connected.list_resource_templates()).resource_templates
        assert "run://{job}/{+name}" in [template.uri_template for template in templates]
        text = (await connected.read_resource(f"run://{done}/table.csv")).contents[0]
        assert (text.text, text.mime_type) == ("größe,n\n1,2\n", "text/plain")
        for name in ("plots/umap 1.png", "plots/umap%201.png", "plots%2Fumap%201.png"):
            picture = (await connected.read_resource(f"run://{done}/{name}")).contents[0]
            assert (base64.b64decode(picture.blob), picture.mime_type) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.csv", "there are model.pt, plots/umap 1.png, table.csv, text.txt"),
        ("link.txt", "no file 'link.txt'"),
        ("plots", "no file 'plots'"),
        ("model.pt", "is not text"),
        ("../request.json", "Unknown resource"),
        ("..%2frequest.json", "Unknown resource"),
        ("%2fetc%2fpasswd", "Unknown resource"),
        ("table.csv%00", "Unknown resource"),
    ],
)
async def test_no_other_file_is_a_resource(name: str, words: str, done: str, tmp_path: Path) -> None:
    async with client(tmp_path) as connected:
        with pytest.raises(MCPError, match=re.escape(words)) as caught:
            await connected.read_resource(f"run://{done}/{name}")
        assert caught.value.error.code == INVALID_PARAMS


async def test_files_of_a_job_that_is_not_there_are_refused(runs: Path, tmp_path: Path) -> None:
    async with client(tmp_path) as connected:
        with pytest.raises(MCPError, match="no job 'x'"):
            await connected.read_resource("run://x/table.csv")


async def test_a_large_file_is_named_and_not_sent(done: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "MOST_BYTES", 5)
    async with client(tmp_path) as connected:
        with pytest.raises(MCPError, match=r"has 14 bytes, and at most 5 are sent; it is the file /.*/table.csv"):
            await connected.read_resource(f"run://{done}/table.csv")
