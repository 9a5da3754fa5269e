"""Downloads as a person, or a model, asks for them: by an accession."""

import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.jobs.status import wait_for_job
from tests.geo.download import faults
from tests.geo.files_server import FilesServer
from tests.geo.server import EutilsServer
from tests.mcp_server.serving import answer, refusal
from tests.scripts.running import SCRIPTS, run

SERIES, CELLS, TABLE = "GSE123456", "GSE123456_cells.h5ad", "GSE123456_genes.csv.gz"
MEMBER = "GSM3000001_donor 1.h5ad.gz"
FAR = 300_000


@pytest.fixture
def cells(shipped: Path) -> bytes:
    return shipped.read_bytes()


@pytest.fixture
def server(cells: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FilesServer]:
    """Return a server with a series, which scripts and tools of this test take for GEO."""
    with FilesServer() as running, EutilsServer([]) as eutils:
        running.add(SERIES, CELLS, cells)
        running.add(SERIES, TABLE, gzip.compress(b"gene\n"))
        monkeypatch.setenv("EDVIZ_GEO_FILES", running.origin)
        monkeypatch.setenv("EDVIZ_GEO_EUTILS", eutils.url)
        monkeypatch.setenv("EDVIZ_GEO_STATE", str(tmp_path / "state"))
        yield running


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_accession_is_enough(server, cells, tmp_path) -> None:
    done = run("download_geo", SERIES.lower(), cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(rf"705\.1 KB +{CELLS}\n1 file, 705\.1 KB, into {SERIES}\n", done.stderr)
    assert sha256(cells) in done.stdout
    assert names(tmp_path / SERIES) == [CELLS, f"{CELLS}.download.json"]
    assert (tmp_path / SERIES / CELLS).read_bytes() == cells


def test_the_answer_for_programs_is_the_record_of_what_came(server, cells, tmp_path) -> None:
    done = run("download_geo", SERIES, "--file", "*", "-o", tmp_path / "data", "--json")
    found = json.loads(done.stdout)
    assert [(file["name"], file["was_there"]) for file in found["files"]] == [(CELLS, False), (TABLE, False)]
    assert found["files"][0]["sha256"] == sha256(cells)
    assert found["files"][0]["checks"] == ["size", "HDF5 signature", "HDF5 end of file"]
    assert found["size"] == sum(path.stat().st_size for path in (tmp_path / "data").glob("GSE*[dz]"))
    again = json.loads(run("download_geo", SERIES, "-o", tmp_path / "data", "--json").stdout)
    assert [(file["name"], file["was_there"]) for file in again["files"]] == [(CELLS, True)]


def test_a_file_of_an_archive_comes_from_its_sample(server, cells, tmp_path) -> None:
    server.add_archive("GSE7", {MEMBER: gzip.compress(cells)})
    done = run("download_geo", "GSE7", "--json", cwd=tmp_path)
    (file,) = json.loads(done.stdout)["files"]
    assert file["url"] == f"{server.origin}/geo/samples/GSM3000nnn/GSM3000001/suppl/GSM3000001_donor%201.h5ad.gz"
    assert gzip.decompress((tmp_path / "GSE7" / MEMBER).read_bytes()) == cells


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["GSE123456", "--file", "x*"], f"GSE123456 has no file 'x*'; it has {CELLS}, {TABLE}"),
        (["GSE123456", "--max-size", "100KB"], r"take 705.1 KB (705,118 bytes), more than the 100.0 KB"),
        (["GSE99"], "GSE99 is not public or does not exist"),
        (["GPL570"], "is a platform"),
    ],
)
def test_what_cannot_be_downloaded_is_one_sentence(arguments, words, server, tmp_path) -> None:
    done = run("download_geo", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert names(tmp_path) in ([], ["state"])


def test_a_size_that_is_none_is_a_wrong_argument(server, tmp_path) -> None:
    done = run("download_geo", SERIES, "--max-size", "much", cwd=tmp_path)
    assert (done.returncode, server.asked) == (2, [])
    assert "'much' is no size; one is 500MB or 20GB" in done.stderr


def test_more_than_the_cap_comes_with_a_yes(server, cells, tmp_path) -> None:
    assert run("download_geo", SERIES, "--max-size", "100KB", "--yes", cwd=tmp_path).returncode == 0
    assert (tmp_path / SERIES / CELLS).read_bytes() == cells


def test_a_file_that_cannot_be_had_stops_no_other(server, cells, tmp_path) -> None:
    server.fault = faults.of_file(TABLE, faults.status(404))
    done = run("download_geo", SERIES, "--file", "*", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert ([file["name"] for file in found["files"]], [file["name"] for file in found["failed"]]) == ([CELLS], [TABLE])
    assert f"the server does not give {TABLE} (HTTP 404)" in " ".join(done.stderr.split())


def test_ctrl_c_is_quiet_and_the_same_command_goes_on(server, cells, tmp_path) -> None:
    server.fault = faults.of_file(CELLS, faults.stall(FAR))
    command = [sys.executable, str(SCRIPTS / "download_geo.py"), SERIES]
    child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    part, deadline = tmp_path / SERIES / f"{CELLS}.part", time.monotonic() + 30
    while not part.exists() or part.stat().st_size < FAR:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, "")
    assert errors.splitlines()[-1] == f"stopped; what has arrived is in {SERIES}, and the same command goes on"
    assert "Traceback" not in errors
    assert run("download_geo", SERIES, cwd=tmp_path).returncode == 0
    assert server.asked[-1].range == f"bytes={FAR}-"
    assert (tmp_path / SERIES / CELLS).read_bytes() == cells


@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_shows_how_far_it_is(plain, server, tmp_path) -> None:
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    mine, theirs = pty.openpty()
    command = [sys.executable, str(SCRIPTS / "download_geo.py"), SERIES, *(["--ascii"] if plain else [])]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}
    child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs, env=environment)
    os.close(theirs)
    seen = b""
    while part := _read(mine):
        seen += part
    os.close(mine)
    assert child.wait() == 0
    text = seen.decode()
    assert "705.1/705.1 kB" in text
    assert text.isascii() == plain


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""  # Linux says so when the other side has hung up


def test_a_job_leaves_the_answer_of_the_script(server, runs, tmp_path) -> None:
    started = run("download_geo", SERIES, "-o", tmp_path / "data", "--background", "--json")
    job = json.loads(started.stdout)["id"]
    done = wait_for_job(runs, job, seconds=30)
    found = json.loads(run("download_geo", SERIES, "-o", tmp_path / "data", "--json").stdout)
    for file in found["files"]:
        file["was_there"] = False
    assert done.result == found


@pytest.mark.anyio
async def test_the_tool_starts_a_job_below_the_folder_that_may_be_written(server, cells, runs, tmp_path) -> None:
    started = await answer(tmp_path, "download_geo", accession=SERIES)
    assert started["state"] in ("queued", "running", "done")
    done = wait_for_job(runs, started["id"], seconds=30)
    assert done.state == "done"
    assert (tmp_path / SERIES / CELLS).read_bytes() == cells
    other = await answer(tmp_path, "download_geo", accession=SERIES, files=["*genes*"], output="tables")
    assert wait_for_job(runs, other["id"], seconds=30).state == "done"
    assert names(tmp_path / "tables") == [TABLE, f"{TABLE}.download.json"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"output": "../elsewhere"}, "the server may not write"),
        ({"output": "/elsewhere"}, "the server may not write"),
        ({"max_size": 1000}, "once the user agrees, say so with max_size"),
        ({"files": ["x*"]}, "has no file 'x*'"),
        ({"accession": "GSE0"}, "is no accession"),
    ],
)
async def test_the_tool_starts_nothing_that_may_not_be(arguments, words, server, runs, tmp_path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    assert words in await refusal(folder, "download_geo", **{"accession": SERIES, **arguments})
    assert not runs.exists()
    assert names(folder) == []


@pytest.mark.anyio
async def test_a_server_without_addresses_downloads_nothing(server, tmp_path) -> None:
    from mcp import Client

    from mcp_server.server import create_server
    from mcp_server.settings import Settings

    async with Client(create_server(Settings((tmp_path,), (tmp_path,), addresses=False))) as connected:
        refused = await connected.call_tool("download_geo", {"accession": SERIES})
    assert refused.is_error
    assert "EDVIZ_ADDRESSES=1 would allow it" in refused.content[0].text
    assert server.asked == []
