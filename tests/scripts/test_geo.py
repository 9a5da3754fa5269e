"""From an accession to what its .h5ad file holds, as a new user would type it."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.geo.files_server import FORBIDDEN, HTML, FilesServer
from tests.geo.server import EutilsServer, series
from tests.remote.server import Reply
from tests.scripts.running import run

SERIES, SAMPLE = "GSE900001", "GSM9990001"
TITLE = "PBMC | <b>stimulated</b> [twice]\x1b[31m"

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def files() -> Iterator[FilesServer]:
    with FilesServer() as server:
        yield server


@pytest.fixture
def run_geo(files: FilesServer, tmp_path: Path) -> Iterator[Run]:
    """Return what runs a script in an empty folder, with servers like those of GEO."""
    known = series(900_001, title=TITLE, n_samples=16, pubmedids=["29227470"], bioproject="PRJNA1")
    here = tmp_path / "here"
    here.mkdir()
    with EutilsServer([known]) as eutils:
        named = {
            "EDVIZ_GEO_FILES": files.origin,
            "EDVIZ_GEO_EUTILS": eutils.url,
            "EDVIZ_GEO_STATE": str(tmp_path / "state"),
            "EDVIZ_ALLOW_PRIVATE_ADDRESSES": "1",
        }
        yield lambda name, *arguments: run(name, *arguments, cwd=here, **named)


def test_an_accession_is_enough_for_a_card(run_geo: Run, files: FilesServer, shipped: Path, tmp_path: Path) -> None:
    files.add(SERIES, f"{SERIES}_cells.h5ad", shipped.read_bytes())
    done = run_geo("write_card", SERIES)
    assert done.returncode == 0
    assert f"{SERIES} has 1 .h5ad file: reading {SERIES}_cells.h5ad (" in done.stderr
    assert "in place" in done.stderr
    assert re.search(r"Read from the server: [\d.]+ MB in \d+ request", done.stdout)
    card = (tmp_path / "here" / f"{SERIES}_cells.design-card.md").read_text()
    local = run_geo("write_card", shipped, "-o", "-").stdout
    assert _entry(card, "design") == _entry(local, "design")
    head = card.split("## Design")[0]
    page = f"https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc={SERIES}"
    assert f"From GEO [{SERIES}]({page}): " in head
    assert r"PBMC \| &lt;b&gt;stimulated&lt;/b&gt; \[twice\]\\x1b\[31m; Homo sapiens; 16 samples" in head
    assert "[PubMed 29227470](https://pubmed.ncbi.nlm.nih.gov/29227470/)" in head
    assert f"write_card.py {SERIES}/{SERIES}_cells.h5ad" in card
    entries = [_entry(card, name) for name in ("accession", "organism", "n_samples")]
    assert entries == [SERIES, "Homo sapiens", 16]
    assert _entry(card, "title") == r"PBMC | <b>stimulated</b> [twice]\x1b[31m"


@pytest.mark.parametrize("name", ["inspect_h5ad", "infer_design", "list_factors", "analyze_design"])
def test_every_script_that_reads_a_file_takes_an_accession(
    name: str, run_geo: Run, files: FilesServer, shipped: Path
) -> None:
    files.add(SERIES, f"{SERIES}_cells.h5ad", shipped.read_bytes())
    done = run_geo(name, SERIES, "--json")
    assert done.returncode == 0
    found, local = json.loads(done.stdout), json.loads(run_geo(name, shipped, "--json").stdout)
    assert found.pop("remote")["requests"] > 0
    different = {"path"} if name == "inspect_h5ad" else set()
    assert {key for key in local if found[key] != local[key]} == different


def test_of_several_files_one_is_named_or_all(run_geo: Run, files: FilesServer, shipped: Path, tmp_path: Path) -> None:
    odd = f"{SERIES} b (raw)+100%#1.h5ad.gz"
    files.add(SERIES, f"{SERIES}_a.h5ad", shipped.read_bytes())
    files.add(SERIES, odd, gzip.compress(shipped.read_bytes()))
    several = run_geo("write_card", SERIES)
    assert several.returncode == 1
    assert f"{SERIES} has 2 .h5ad files; name one, such as {SERIES}/{SERIES}_a.h5ad, or all" in several.stderr
    assert f"{SERIES}_a.h5ad (705.1 KB)" in several.stderr
    assert not list((tmp_path / "here").iterdir())
    named = run_geo("write_card", f"{SERIES}/{odd}")
    assert named.returncode == 0
    assert "after downloading it whole" in " ".join(named.stderr.split())
    assert "2 files read" in run_geo("write_card", f"{SERIES}/*", "-o", "cards").stdout
    assert len(list((tmp_path / "here" / "cards").glob(f"{SERIES}*.design-card.md"))) == 2


def test_a_file_of_a_sample_is_read_where_the_sample_has_it(run_geo: Run, files: FilesServer, shipped: Path) -> None:
    files.add_archive(SERIES, {f"{SAMPLE}_donor.h5ad": shipped.read_bytes()})
    assert run_geo("inspect_h5ad", SERIES).returncode == 0
    assert not any(asked.path.endswith("RAW.tar") for asked in files.asked)
    assert run_geo("inspect_h5ad", SAMPLE).returncode == 0


def test_a_local_file_goes_first_and_is_said(run_geo: Run, files: FilesServer, shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "here" / SERIES).write_bytes(shipped.read_bytes())
    done = run_geo("inspect_h5ad", SERIES)
    assert (done.returncode, files.asked) == (0, [])
    assert f"{SERIES} is here, so this is read and GEO is not asked" in done.stderr


@pytest.mark.parametrize("left", ["", "cells.h5ad.part", "metadata.csv.gz"])
def test_a_folder_without_h5ad_files_that_a_download_has_left_does_not_go_first(
    left: str, run_geo: Run, files: FilesServer, shipped: Path, tmp_path: Path
) -> None:
    files.add(SERIES, "cells.h5ad", shipped.read_bytes())
    folder = tmp_path / "here" / SERIES
    folder.mkdir()
    if left:
        (folder / left).touch()
    done = run_geo("inspect_h5ad", SERIES)
    assert done.returncode == 0
    assert "GEO is not asked" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "gse 900001": "did you mean GSE900001?",
        "GSE12x": "no accession",
        "GSE900404": "not public or does not exist",
    }.items(),
)
def test_what_is_no_accession_gets_a_sentence(text: str, words: str, run_geo: Run) -> None:
    done = run_geo("write_card", text)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_card_is_written_without_the_title_when_ncbi_is_silent(
    files: FilesServer, shipped: Path, tmp_path: Path
) -> None:
    files.add(SERIES, "cells.h5ad", shipped.read_bytes())
    done = run(
        "write_card",
        SERIES,
        "-o",
        "-",
        EDVIZ_GEO_FILES=files.origin,
        EDVIZ_GEO_EUTILS=f"{files.origin}/entrez/eutils/",  # which knows nothing of them
        EDVIZ_GEO_STATE=str(tmp_path),
        EDVIZ_ALLOW_PRIVATE_ADDRESSES="1",
    )
    assert done.returncode == 0
    assert "title and organism of GSE900001 are not known" in " ".join(done.stderr.split())
    assert f"From GEO [{SERIES}]" in done.stdout


def test_files_are_listed_with_what_it_took(run_geo: Run, files: FilesServer) -> None:
    files.add(SERIES, f"{SERIES}_cells.h5ad", bytes(1234))
    done = run_geo("list_geo_files", SERIES, "--json")
    found = json.loads(done.stdout)
    assert found["requests"] == 3
    assert [(file["name"], file["size"]) for file in found["series"][0]["files"]] == [(f"{SERIES}_cells.h5ad", 1234)]
    assert "1,234" in run_geo("list_geo_files", SERIES).stdout


def test_no_card_is_left_when_the_file_is_refused(
    run_geo: Run, files: FilesServer, shipped: Path, tmp_path: Path
) -> None:
    files.add(SERIES, "cells.h5ad", shipped.read_bytes())
    page = Reply(403, FORBIDDEN, HTML)
    files.fault = lambda asked, reply: page if asked.path.endswith("cells.h5ad") and asked.method == "GET" else None
    done = run_geo("write_card", SERIES)
    assert (done.returncode, done.stdout, list((tmp_path / "here").iterdir())) == (1, "", [])
    assert "403" in done.stderr


def _entry(card: str, name: str) -> object:
    """Return an entry of the front matter, whose values are JSON."""
    return next(json.loads(line.partition(": ")[2]) for line in card.splitlines() if line.startswith(f"{name}: "))


def test_an_accession_without_files_does_not_hide_the_others(run_geo: Run, files: FilesServer) -> None:
    files.add(SERIES, "a.h5ad", b"12345")
    done = run_geo("list_geo_files", "GSE12x", SERIES, "--json")
    told = json.loads(done.stdout)
    assert [each["accession"] for each in told["series"]] == [SERIES]
    assert [each["accession"] for each in told["failed"]] == ["GSE12x"]
    assert "GSE12x" in done.stderr
    assert done.returncode == 1
