"""Files of GEO that tools are called with by accession."""

import json
from pathlib import Path

import pytest

from mcp_server.settings import PlaceError, Settings
from mcp_server.tools._places import find_place
from tests.geo.files_server import FilesServer
from tests.geo.server import EutilsServer, series
from tests.mcp_server.serving import answer, client, refusal

SERIES = "GSE900001"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FilesServer:
    """Serve one series, and let everything find the server."""
    with FilesServer() as files, EutilsServer([series(900_001, title="Invented title")]) as eutils:
        named = {"GEO_FILES": files.origin, "GEO_EUTILS": eutils.url, "GEO_STATE": str(tmp_path / "state")}
        for name, value in (named | {"ALLOW_PRIVATE_ADDRESSES": "1"}).items():
            monkeypatch.setenv(f"EDVIZ_{name}", value)
        yield files


@pytest.mark.anyio
async def test_a_card_is_written_of_an_accession(files: FilesServer, shipped: Path, tmp_path: Path) -> None:
    files.add(SERIES, f"{SERIES}_cells.h5ad", shipped.read_bytes())
    written = await answer(tmp_path, "write_design_card", path=SERIES)
    assert written["remote"]["requests"] > 0
    card = tmp_path / f"{SERIES}_cells.design-card.md"
    assert Path(written["path"]) == card
    assert "Invented title" in card.read_text()


@pytest.mark.anyio
async def test_a_tool_names_the_files_of_which_one_is_to_be_chosen(files: FilesServer, tmp_path: Path) -> None:
    for name in ("a.h5ad", "b.h5ad"):
        files.add(SERIES, name, b"12345")
    said = await refusal(tmp_path, "infer_design", path=SERIES)
    assert "has 2 .h5ad files" in said
    assert "b.h5ad (5 bytes)" in said
    assert "did you mean GSE900001?" in await refusal(tmp_path, "inspect_h5ad", path="gse 900001")


@pytest.mark.anyio
async def test_a_search_for_accessions_lists_their_files(files: FilesServer, tmp_path: Path) -> None:
    files.add(SERIES, "a.h5ad", b"12345")
    files.add(SERIES, "b.csv", b"1")
    found = await answer(tmp_path, "search_geo", query=SERIES)
    (listed,) = found["files"]
    assert [(file["name"], file["size"]) for file in listed["files"]] == [("a.h5ad", 5)]
    files.files.clear()
    warned = await answer(tmp_path, "search_geo", query=SERIES)
    assert "not public or does not exist" in warned["warnings"][0]


def test_accessions_are_refused_where_addresses_are(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="reads nothing from other servers"):
        find_place(SERIES, Settings((tmp_path,), (tmp_path,), addresses=False))


def test_a_local_file_goes_first(tmp_path: Path, shipped: Path) -> None:
    (tmp_path / SERIES).write_bytes(shipped.read_bytes())
    assert find_place(SERIES, Settings((tmp_path,), (tmp_path,))).place == (tmp_path / SERIES).resolve()


def test_an_empty_folder_of_a_download_that_failed_does_not_go_first(
    files: FilesServer, shipped: Path, tmp_path: Path
) -> None:
    files.add(SERIES, "cells.h5ad", shipped.read_bytes())
    (tmp_path / SERIES).mkdir()
    settings = Settings((tmp_path,), (tmp_path,))
    assert str(find_place(SERIES, settings).place).endswith("/cells.h5ad")


def test_the_one_file_that_was_downloaded_is_read_by_its_accession(tmp_path: Path) -> None:
    folder = tmp_path.resolve() / SERIES
    folder.mkdir()
    settings = Settings((tmp_path,), (tmp_path,))
    (folder / "cells.h5ad").touch()
    assert find_place(SERIES, settings).place == folder / "cells.h5ad"
    (folder / "nuclei.h5ad").touch()
    assert find_place(SERIES, settings).place == folder


@pytest.mark.anyio
async def test_a_download_says_how_much_it_is_and_where_to(
    files: FilesServer, shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDVIZ_RUNS", str(tmp_path / "runs"))
    files.add(SERIES, "cells.h5ad", shipped.read_bytes())
    started = await answer(tmp_path, "download_geo", accession=SERIES)
    size = f"{shipped.stat().st_size / 1e3:.1f} KB"
    assert started["next"][0] == f"Tell the user that 1 of its files, {size}, go into {tmp_path.resolve() / SERIES}."
    assert (await answer(tmp_path, "job_status", job=started["id"], seconds=30))["state"] == "done"


@pytest.mark.anyio
async def test_what_was_read_from_a_server_is_said(files: FilesServer, shipped: Path, tmp_path: Path) -> None:
    files.add(SERIES, "a.h5ad", shipped.read_bytes())
    for tool in ("inspect_h5ad", "infer_design"):
        remote = (await answer(tmp_path, tool, path=SERIES))["remote"]
        assert 0 < remote["bytes"] < 2 * shipped.stat().st_size
        assert remote["requests"] > 0


@pytest.mark.anyio
async def test_a_trend_is_a_resource(files: FilesServer, tmp_path: Path) -> None:
    async with client(tmp_path) as connected:
        read = await connected.read_resource("trend://invented")
    trend = json.loads(read.contents[0].text)
    # The one series that the server knows was made public in May 2024.
    assert {year["year"] for year in trend["years"] if year["n"]} == {2024}
    assert trend["years"][-1]["is_partial"]
