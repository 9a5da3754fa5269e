"""Searching as people and models do it: scripts and the tool say the same, and errors in one sentence."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.geo import server as faults
from tests.geo.server import EutilsServer, series
from tests.mcp_server.serving import answer, call
from tests.scripts.running import run

Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def script(eutils: EutilsServer, tmp_path: Path) -> Script:
    def start(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(name, *arguments, EDVIZ_GEO_EUTILS=eutils.url, EDVIZ_GEO_STATE=str(tmp_path / "geo"))

    return start


@pytest.fixture
def surroundings(eutils: EutilsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EutilsServer:
    monkeypatch.setenv("EDVIZ_GEO_EUTILS", eutils.url)
    monkeypatch.setenv("EDVIZ_GEO_STATE", str(tmp_path / "geo"))
    return eutils


def test_a_search_prints_series_the_query_and_the_day(script: Script):
    done = script("search_geo", "invented", "--limit", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("5 series; asked on ")
    assert "(invented) AND GSE[ETYP] AND h5ad[suppFile]" in done.stdout
    assert "GSE900005" in done.stdout
    assert done.stdout.endswith("3 more; --offset 2 goes on\n")


def test_a_repeated_search_says_when_it_was_asked(script: Script, eutils: EutilsServer):
    script("search_geo", "invented")
    eutils.always = faults.with_status(503)
    done = script("search_geo", "invented")
    assert done.returncode == 0
    assert "--refresh asks again" in done.stdout.splitlines()[0]


def test_a_search_that_is_not_complete_says_so_beside_the_result(script: Script, eutils: EutilsServer):
    eutils.unknown = {"200900003"}
    done = script("search_geo", "invented", "--json")
    assert done.returncode == 0
    assert not json.loads(done.stdout)["complete"]
    assert done.stderr == "not complete: the records of 1 series could not be had\n"


@pytest.mark.parametrize(
    "arguments", [(), ("x", "--refresh", "--offline"), ("x", "--limit", "0"), ("x", "--limit", "many")], ids=str
)
def test_wrong_arguments_are_refused(script: Script, arguments: tuple[str, ...]):
    assert script("search_geo", *arguments).returncode == 2


def test_an_error_is_one_sentence(script: Script, eutils: EutilsServer):
    eutils.always = faults.with_status(429, retry_after="7200")
    done = script("search_geo", "invented")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_titles_cannot_act_on_a_terminal(script: Script, eutils: EutilsServer):
    eutils.summaries["200900001"] = series(900_001, title="red \x1b[31m and \u202e back")
    assert "\x1b" not in script("search_geo", "GSE900001").stdout
    assert script("search_geo", "GSE900001", "--ascii").stdout.isascii()


def test_a_trend_prints_bars_and_writes_a_picture(script: Script, tmp_path: Path):
    picture = tmp_path / "trend.png"
    done = script("geo_trend", "invented", "--since", "2023", "--until", "2024", "-o", str(picture))
    assert done.returncode == 0, done.stderr
    assert [line.split()[:3] for line in done.stdout.splitlines() if line.strip()[:2] == "20"] == [
        ["2023", "0", "0"],
        ["2024", "5", "5"],
    ]
    assert "█" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "█" not in script("geo_trend", "invented", "--since", "2023", "--until", "2024", "--ascii").stdout


def test_a_trend_replaces_no_data(script: Script, tmp_path: Path):
    data = tmp_path / "cells.png"
    data.write_bytes(b"\x89HDF\r\n\x1a\n")
    done = script("geo_trend", "invented", "--since", "2024", "--until", "2024", "-o", str(data))
    assert done.returncode == 1
    assert data.read_bytes() == b"\x89HDF\r\n\x1a\n"


@pytest.mark.parametrize(
    ("picture", "words"), [("trend.txt", ".png, .svg, .pdf"), ("none/trend.png", "there is no folder")]
)
def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_asked(
    picture: str, words: str, script: Script, eutils: EutilsServer, tmp_path: Path
):
    done = script("geo_trend", "invented", "-o", str(tmp_path / picture))
    assert (done.returncode, done.stdout, eutils.asked) == (1, "", [])
    assert words in done.stderr


@pytest.mark.anyio
@pytest.mark.usefixtures("surroundings")
async def test_what_follows_a_page_without_series_depends_on_why(tmp_path: Path):
    beyond = await answer(tmp_path, "search_geo", query="invented", offset=50)
    assert beyond["next"] == ["There are 5; call again with a smaller offset."]
    unknown = await answer(tmp_path, "search_geo", query="GSE999999999")
    assert unknown["next"][-1] == "Check the accessions with the user."
    nothing = await answer(tmp_path, "search_geo", query="nothing like this")
    assert nothing["next"] == ["Loosen the query, or try file_type='any'."]


@pytest.mark.anyio
async def test_the_tool_says_what_the_script_says(surroundings: EutilsServer, tmp_path: Path, script: Script):
    said = json.loads(script("search_geo", "invented", "--limit", "200", "--json").stdout)
    from_tool = await answer(tmp_path, "search_geo", query="invented", detail="full", limit=200)
    for name in ("next", "notice"):
        del from_tool[name]
    said |= {"source": "catalogue", "requests": 0}
    assert from_tool == said


@pytest.mark.anyio
async def test_a_page_of_series_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    long = {"title": "A long title of a series about many things " * 5, "summary": "words " * 500}
    with EutilsServer(series(number, **long, pubmedids=["39743589"]) for number in range(900_001, 900_101)) as server:
        monkeypatch.setenv("EDVIZ_GEO_EUTILS", server.url)
        monkeypatch.setenv("EDVIZ_GEO_STATE", str(tmp_path / "geo"))
        said = await answer(tmp_path, "search_geo", query="things")
    assert len(said["series"]) == 10
    assert len(json.dumps(said, ensure_ascii=False).encode()) < 4_096
    assert "For the rest, call again with offset=10." in said["next"]


@pytest.mark.anyio
async def test_a_server_that_may_read_nothing_from_others_asks_nobody(surroundings: EutilsServer, tmp_path: Path):
    from mcp import Client

    from mcp_server.server import create_server
    from mcp_server.settings import Settings

    async with Client(create_server(Settings((tmp_path,), (tmp_path,), addresses=False))) as connected:
        said = (await connected.call_tool("search_geo", {"query": "invented"})).structured_content
    assert not said["complete"]
    assert surroundings.asked == []


@pytest.mark.anyio
async def test_a_failed_search_tells_the_model_why(surroundings: EutilsServer, tmp_path: Path):
    surroundings.always = faults.with_status(429, retry_after="7200")
    result = await call(tmp_path, "search_geo", query="invented")
    assert result.is_error
    assert "HTTP 429" in result.content[0].text
