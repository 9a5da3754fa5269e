"""What GEO says of one accession: the few entries of its summary that a file is read with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edviz.h5ad.strings import harmless
from mcp_server.geo.errors import GeoError

if TYPE_CHECKING:
    from mcp_server.geo.client import GeoClient

FIRST_UIDS = {"GSE": 200_000_000, "GSM": 300_000_000}
"""What NCBI adds to the number of an accession."""
LONGEST_TITLE = 300
MOST_PUBLICATIONS = 5
SUPER_SERIES = "This SuperSeries is composed of"


@dataclass(frozen=True)
class Study:
    """A series, or a sample, as GEO sums it up.

    Attributes
    ----------
    n_samples
        As GEO counts them; in some series each cell is one, in others each library.
    pubmed
        Identifiers of its publications in PubMed.
    ftplink
        Address of its folder, as NCBI gives it.
    is_super
        Whether it only gathers other series, which have the files.
    """

    accession: str
    title: str
    organism: str
    n_samples: int | None
    pubmed: tuple[str, ...]
    bioproject: str
    ftplink: str
    is_super: bool


def find_study(accession: str, client: GeoClient) -> Study | None:
    """Ask for the summary of an accession, and return None if GEO shows none.

    Raises
    ------
    GeoError
        If NCBI does not answer, or answers with another record.
    """
    uid = str(FIRST_UIDS[accession[:3]] + int(accession[3:]))
    result = client.post_json("esummary", {"db": "gds", "id": uid}).get("result")
    record = result.get(uid) if isinstance(result, dict) else None
    if not isinstance(record, dict) or "error" in record:
        return None
    if record.get("accession") != accession:
        raise GeoError(f"NCBI answers with another record than that of {accession}; try again later")
    return _study_of(accession, record)


def find_ftplink(accession: str, client: GeoClient) -> str:
    """Return the folder of an accession as NCBI gives it, or nothing where it gives none: folders follow a rule."""
    try:
        study = find_study(accession, client)
    except GeoError:
        return ""
    return study.ftplink if study else ""


def _study_of(accession: str, record: Mapping[str, Any]) -> Study:
    n_samples, pubmed = record.get("n_samples"), record.get("pubmedids")
    numbers = tuple(map(str, pubmed)) if isinstance(pubmed, list) else ()
    bioproject = _text(record, "bioproject")
    return Study(
        accession=accession,
        title=_text(record, "title"),
        organism=_text(record, "taxon"),
        n_samples=n_samples if type(n_samples) is int and n_samples > 0 else None,
        pubmed=tuple(number for number in numbers if number.isdecimal())[:MOST_PUBLICATIONS],
        bioproject=bioproject if bioproject.isascii() and bioproject.isalnum() else "",
        ftplink=_text(record, "ftplink"),
        is_super=_text(record, "summary").startswith(SUPER_SERIES),
    )


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return harmless(" ".join(value.split()), longest=LONGEST_TITLE) if isinstance(value, str) else ""
