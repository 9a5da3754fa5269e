"""Series that are asked for by accession come with their files; one that is refused keeps back no other."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edviz.plain import to_plain
from mcp_server.geo.search import SearchResult, search_geo
from mcp_server.geo.settings import GeoSettings
from mcp_server.replies.concise import concise_search
from tests.geo.conftest import quick_settings
from tests.geo.files_server import FORBIDDEN, HTML, FilesServer
from tests.geo.server import EutilsServer
from tests.remote.server import Reply

ONE, OTHER = "GSE900001", "GSE900002"
H5AD = b"\x89HDF\r\n\x1a\n" + bytes(1000)


@pytest.fixture
def files() -> Iterator[FilesServer]:
    with FilesServer() as server:
        server.add(ONE, "cells.h5ad", H5AD)
        server.add(ONE, "counts.csv", b"1")
        server.add(OTHER, "more.h5ad.gz", b"1234567")
        yield server


@pytest.fixture
def settings(files: FilesServer, eutils: EutilsServer, tmp_path: Path) -> GeoSettings:
    return replace(quick_settings(eutils, tmp_path), files=files.origin)


def _names(result: SearchResult) -> dict[str, list[tuple[str, int | None]]]:
    return {each.accession: [(file.name, file.size) for file in each.files] for each in result.files}


def test_named_series_come_with_their_files_and_exact_sizes_of_h5ad(settings: GeoSettings) -> None:
    result = search_geo(f"{ONE} {OTHER}", with_files=True, settings=settings)
    assert _names(result) == {
        ONE: [("cells.h5ad", len(H5AD)), ("counts.csv", None)],
        OTHER: [("more.h5ad.gz", 7)],
    }


def test_files_are_not_asked_for_where_words_are_searched(files: FilesServer, settings: GeoSettings) -> None:
    assert search_geo("invented", with_files=True, settings=settings).series
    assert not files.asked


def test_a_listing_that_is_refused_is_told_beside_the_other_series(files: FilesServer, settings: GeoSettings) -> None:
    files.fault = lambda asked, reply: Reply(403, FORBIDDEN, dict(HTML)) if ONE in asked.path else None
    result = search_geo(f"{ONE} {OTHER}", with_files=True, settings=settings)
    assert list(_names(result)) == [OTHER]
    assert any(ONE in warning and "does not say that it has none" in warning for warning in result.warnings)


def test_a_model_sees_the_h5ad_files_or_what_else_there_is(files: FilesServer, settings: GeoSettings) -> None:
    files.add("GSE900003", "counts.csv", b"1")
    shown = concise_search(to_plain(search_geo(f"{ONE} GSE900003", with_files=True, settings=settings)))
    assert shown["files"] == [
        {
            "accession": ONE,
            "h5ad": "series",
            "files": [{"name": "cells.h5ad", "size": len(H5AD), "kind": "single-cell h5ad", "in_place": True}],
        },
        {"accession": "GSE900003", "h5ad": "none", "files": [{"name": "counts.csv", "kind": "other"}]},
    ]
