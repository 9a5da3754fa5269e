"""The files of a series: what is there, how much it is, and what is said when that cannot be known."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_server.geo.choosing import SeveralFilesError, choose_files, require_one
from mcp_server.geo.client import GeoClient
from mcp_server.geo.errors import AskedError, BusyError, GeoError
from mcp_server.geo.files import list_geo_files
from mcp_server.geo.selection import find_sources
from tests.geo.conftest import quick_settings
from tests.geo.files_server import CAPTCHA, FORBIDDEN, HTML, FilesServer, suppl
from tests.geo.server import EutilsServer, with_status
from tests.geo.test_listing import ODD_NAMES
from tests.remote.server import Asked, Fault, Reply

SERIES, SAMPLE = "GSE900001", "GSM9990001"
H5AD = b"\x89HDF\r\n\x1a\n" + bytes(1000)


@pytest.fixture
def files() -> Iterator[FilesServer]:
    with FilesServer() as server:
        yield server


@pytest.fixture
def geo(eutils: EutilsServer, files: FilesServer, tmp_path: Path) -> Iterator[GeoClient]:
    """Return a client of both servers."""
    with GeoClient(replace(quick_settings(eutils, tmp_path / "geo"), files=files.origin)) as client:
        yield client


def only_for(end: str, fault: Fault) -> Fault:
    """Apply a fault to addresses that end so."""
    return lambda asked, reply: fault(asked, reply) if asked.path.endswith(end) else None


def answering(status: int, body: bytes = FORBIDDEN) -> Fault:
    return lambda asked, reply: Reply(status, body, HTML)


REFUSALS = {"403": answering(403), "429": answering(429), "503": answering(503), "page": answering(200, CAPTCHA)}


def test_sizes_are_exact_and_kinds_say_why(files: FilesServer, geo: GeoClient) -> None:
    files.add(SERIES, f"{SERIES}_cells.h5ad", H5AD)
    files.add(SERIES, f"{SERIES}_cells.H5AD.gz", gzip.compress(H5AD))
    files.add(SERIES, f"{SERIES}_bulk_counts.csv.gz", b"12345")
    found = {file.name: file for file in list_geo_files(SERIES, geo).files}
    assert {name: file.size for name, file in found.items()} == {
        f"{SERIES}_cells.h5ad": len(H5AD),
        f"{SERIES}_cells.H5AD.gz": len(gzip.compress(H5AD)),
        f"{SERIES}_bulk_counts.csv.gz": 5,
    }
    plain, packed = found[f"{SERIES}_cells.h5ad"], found[f"{SERIES}_cells.H5AD.gz"]
    assert (plain.kind, plain.compression, plain.in_place) == ("single-cell h5ad", None, True)
    assert (packed.kind, packed.compression, packed.in_place) == ("single-cell h5ad", "gzip", False)
    assert found[f"{SERIES}_bulk_counts.csv.gz"].kind == "probably bulk"
    assert "bulk" in found[f"{SERIES}_bulk_counts.csv.gz"].evidence


def test_members_of_an_archive_are_found_under_their_samples(files: FilesServer, geo: GeoClient) -> None:
    files.add_archive(SERIES, {f"{SAMPLE}_donor.h5ad": H5AD, f"{SAMPLE}_barcodes.tsv.gz": b"123"})
    found = list_geo_files(SERIES, geo)
    member = next(file for file in found.files if file.name == f"{SAMPLE}_donor.h5ad")
    assert (found.h5ad, member.sample, member.size) == ("samples only", SAMPLE, len(H5AD))
    assert member.url == f"{files.origin}{suppl(SAMPLE)}{SAMPLE}_donor.h5ad"
    assert [asked.method for asked in files.asked] == ["GET", "GET"]  # the list has all sizes


def test_a_token_of_ncbi_makes_no_file(files: FilesServer, geo: GeoClient, eutils: EutilsServer) -> None:
    files.add(SERIES, f"{SERIES}_counts.txt.gz", b"1")
    assert eutils.summaries["200900001"]["suppfile"] == "H5AD, TXT"
    found = list_geo_files(SERIES, geo)
    assert (found.h5ad, [file.name for file in found.files]) == ("none", [f"{SERIES}_counts.txt.gz"])


def test_odd_names_lead_to_their_files(files: FilesServer, geo: GeoClient) -> None:
    for number, name in enumerate(ODD_NAMES):
        files.add(SERIES, name, bytes(number + 1))
    found = list_geo_files(SERIES, geo).files
    assert {file.name: file.size for file in found} == {name: n + 1 for n, name in enumerate(ODD_NAMES)}


def test_the_folder_that_ncbi_gives_is_taken(files: FilesServer, geo: GeoClient, eutils: EutilsServer) -> None:
    elsewhere = f"/geo/series/GSE9nnn/{SERIES}/"
    eutils.summaries["200900001"]["ftplink"] = f"ftp://ftp.ncbi.nlm.nih.gov{elsewhere}"
    files.files[f"{elsewhere}suppl/a.h5ad"] = H5AD
    assert [file.name for file in list_geo_files(SERIES, geo).files] == ["a.h5ad"]


@pytest.mark.parametrize(
    "link", ["ftp://host.org/geo/x/GSE900001/", "ftp://ftp.ncbi.nlm.nih.gov/geo/../GSE900001/", ""]
)
def test_a_folder_that_cannot_be_is_not_taken(
    link: str, files: FilesServer, geo: GeoClient, eutils: EutilsServer
) -> None:
    eutils.summaries["200900001"]["ftplink"] = link
    files.add(SERIES, "a.h5ad", H5AD)
    assert [file.name for file in list_geo_files(SERIES, geo).files] == ["a.h5ad"]


def test_files_are_listed_while_the_utilities_are_silent(
    files: FilesServer, geo: GeoClient, eutils: EutilsServer
) -> None:
    eutils.always = with_status(503)
    files.add(SERIES, "a.h5ad", H5AD)
    assert len(list_geo_files(SERIES, geo).files) == 1


def test_a_series_without_supplements_has_none(files: FilesServer, geo: GeoClient) -> None:
    files.files[f"/geo/series/GSE900nnn/{SERIES}/soft/{SERIES}_family.soft.gz"] = b"1"
    found = list_geo_files(SERIES, geo)
    assert (found.h5ad, found.files) == ("none", ())
    assert "no supplementary files" in found.notes[0]


def test_what_geo_does_not_show_is_not_said_to_be_missing(files: FilesServer, geo: GeoClient) -> None:
    with pytest.raises(AskedError, match="not public or does not exist: GEO does not tell which"):
        list_geo_files("GSE900404", geo)


def test_a_refusal_that_passes_is_waited_for(files: FilesServer, geo: GeoClient) -> None:
    files.add(SERIES, "a.h5ad", H5AD)
    files.faults.extend([answering(403), answering(429)])
    assert len(list_geo_files(SERIES, geo).files) == 1


@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_that_stays_is_no_empty_folder(fault: Fault, files: FilesServer, geo: GeoClient) -> None:
    files.add(SERIES, "a.h5ad", H5AD)
    files.fault = fault
    with pytest.raises(BusyError, match="does not say that it has none"):
        list_geo_files(SERIES, geo)
    assert len(files.asked) == geo.settings.attempts


def test_a_page_that_is_no_list_is_refused(files: FilesServer, geo: GeoClient) -> None:
    files.fault = only_for("suppl/", answering(200, b"<html><title>Welcome</title><a href='a.h5ad'>a</a></html>"))
    with pytest.raises(GeoError, match="no list of files"):
        list_geo_files(SERIES, geo)


def test_an_archive_whose_list_cannot_be_read_is_said(files: FilesServer, geo: GeoClient) -> None:
    files.add_archive(SERIES, {f"{SAMPLE}_donor.h5ad": H5AD})
    files.fault = only_for("filelist.txt", answering(200, CAPTCHA))
    found = list_geo_files(SERIES, geo)
    assert [file.name for file in found.files] == [f"{SERIES}_RAW.tar"]
    assert "files of single samples are not known" in found.notes[0]
    files.fault = None
    del files.files[f"{suppl(SERIES)}filelist.txt"]
    assert "no filelist.txt stands beside it" in list_geo_files(SERIES, geo).notes[0]


def test_one_file_is_taken_and_of_several_one_is_to_be_named(files: FilesServer, geo: GeoClient) -> None:
    files.add(SERIES, f"{SERIES}_a.h5ad", H5AD)
    files.add_archive(SERIES, {f"{SAMPLE}_b.h5ad": H5AD})
    found = list_geo_files(SERIES, geo)
    assert require_one(choose_files(found, None), SERIES).name == f"{SERIES}_a.h5ad"
    assert require_one(choose_files(found, f"{SAMPLE}_B*"), SERIES).name == f"{SAMPLE}_b.h5ad"
    both = choose_files(found, "*")
    assert [file.name for file in both] == [f"{SERIES}_a.h5ad", f"{SAMPLE}_b.h5ad"]
    with pytest.raises(SeveralFilesError) as caught:
        require_one(both, SERIES)
    assert f"{SAMPLE}_b.h5ad (1.0 KB)" in str(caught.value)


def test_a_file_that_is_not_there_is_answered_with_those_that_are(files: FilesServer, geo: GeoClient) -> None:
    files.add(SERIES, "counts.csv", b"1")
    found = list_geo_files(SERIES, geo)
    for pattern, words in {None: "has no .h5ad file", "x\x1b[31m": r"no file 'x\x1b[31m'"}.items():
        with pytest.raises(AskedError) as caught:
            choose_files(found, pattern)
        assert words in str(caught.value)
        assert "counts.csv (1 bytes)" in str(caught.value)


def test_downloads_know_exact_sizes(
    files: FilesServer, eutils: EutilsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"FILES": files.origin, "EUTILS": eutils.url, "STATE": str(tmp_path)}
    for name, value in named.items():
        monkeypatch.setenv(f"EDVIZ_GEO_{name}", value)
    files.add(SERIES, "a.h5ad", H5AD)
    files.add_archive(SERIES, {f"{SAMPLE}_b.h5ad.gz": b"1234567"})
    own, of_sample = ("a.h5ad", len(H5AD)), (f"{SAMPLE}_b.h5ad.gz", 7)
    # What the series itself has holds what its samples have.
    assert [(source.name, source.size) for source in find_sources(SERIES.lower())] == [own]
    assert [(source.name, source.size) for source in find_sources(SERIES, ["*.H5AD*"])] == [own, of_sample]
    with pytest.raises(AskedError, match=r"has no file 'c\.\*'"):
        find_sources(SERIES, ["c.*"])


def test_a_web_page_in_the_place_of_a_file_tells_no_size(files: FilesServer, geo: GeoClient) -> None:
    files.add(SERIES, "a.h5ad", H5AD)
    files.fault = only_for("a.h5ad", answering(200, CAPTCHA))
    found = list_geo_files(SERIES, geo)
    assert found.files[0].size is None
    assert "does not say the size" in found.notes[0]


def test_requests_are_counted(files: FilesServer, geo: GeoClient) -> None:
    files.add(SERIES, "a.h5ad", H5AD)
    list_geo_files(SERIES, geo)
    assert geo.requests == 3  # the summary, the folder and the size


def test_a_server_that_answers_nothing_known_is_asked_nothing_more(files: FilesServer, geo: GeoClient) -> None:
    def other(asked: Asked, reply: Reply) -> Reply:
        return Reply(302, b"", {"Location": "https://host.org/"})

    files.fault = other
    with pytest.raises(GeoError, match="not followed"):
        list_geo_files(SERIES, geo)
