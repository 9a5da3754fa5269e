"""From `GSE123456`, or `GSE123456/name`, to the address of the .h5ad file that is meant, and what it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edviz.deposit import Deposit, Link
from mcp_server.geo.accession import NamedFiles, read_named_files
from mcp_server.geo.choosing import ANY, MOST_NAMED, choose_files, require_one
from mcp_server.geo.client import GeoClient
from mcp_server.geo.errors import GeoError
from mcp_server.geo.files import GeoFile, GeoFiles, find_geo_files, with_size
from mcp_server.geo.kinds import is_h5ad
from mcp_server.geo.records import SeriesRecord
from mcp_server.geo.settings import geo_settings
from mcp_server.geo.study import find_series

MOST_PUBLICATIONS = 5
PUBMED = "https://pubmed.ncbi.nlm.nih.gov/"
BIOPROJECT = "https://www.ncbi.nlm.nih.gov/bioproject/"
SUPER_SERIES = "it is a SuperSeries, which gathers other series; their files may lie with them alone"


@dataclass(frozen=True)
class Located:
    """Files of an accession that are meant, and what was found on the way.

    Attributes
    ----------
    files
        The files with their exact sizes.
    n_others
        How many more .h5ad files the accession has.
    deposits
        What a card says of each file, in the same order.
    notes
        What is not known, and why.
    requests
        How many requests that took.
    """

    accession: str
    files: tuple[GeoFile, ...]
    n_others: int
    deposits: tuple[Deposit, ...]
    notes: tuple[str, ...]
    requests: int


def locate_h5ad(text: str) -> Located:
    """Find the .h5ad files that a text means: one, unless the text has a pattern of names.

    Parameters
    ----------
    text
        `GSE123456`, `GSE123456/name` or `GSE123456/pattern`; the same of a sample.

    Raises
    ------
    AccessionError
        If it is not written like that.
    AskedError
        If there is no such file, or several where one is meant.
    GeoError
        If GEO does not answer.
    """
    named = read_named_files(text)  # before a server is asked
    with GeoClient(geo_settings()) as client:
        return _located(named, client)


def _located(named: NamedFiles, client: GeoClient) -> Located:
    series, notes = _series(named.accession, client)
    found = find_geo_files(named.accession, client, folder=series.folder if series else None)
    if series is not None and series.relation == "SuperSeries":
        found = replace(found, notes=(*found.notes, SUPER_SERIES))
    chosen = _with_sizes(choose_files(found, named.pattern), client)
    if not ANY.intersection(named.pattern or ""):
        chosen = (require_one(chosen, found.accession),)
    return Located(
        accession=named.accession,
        files=chosen,
        n_others=sum(is_h5ad(file.name) for file in found.files) - sum(is_h5ad(file.name) for file in chosen),
        deposits=tuple(deposit_of(file, found, series) for file in chosen),
        notes=(*notes, *found.notes),
        requests=client.requests,
    )


def _series(accession: str, client: GeoClient) -> tuple[SeriesRecord | None, tuple[str, ...]]:
    """Ask what GEO says of an accession; its files can be read all the same if it says nothing now."""
    try:
        return find_series(accession, client), ()
    except GeoError as error:
        return None, (f"title and organism of {accession} are not known: {error}",)


def _with_sizes(files: Sequence[GeoFile], client: GeoClient) -> tuple[GeoFile, ...]:
    return tuple(with_size(file, client) if number < MOST_NAMED else file for number, file in enumerate(files))


def deposit_of(file: GeoFile, found: GeoFiles, series: SeriesRecord | None) -> Deposit:
    """Return what a card says of a file."""
    told = Deposit("GEO", found.accession, found.page, file=f"{found.accession}/{file.name}", url=file.url)
    if series is None:
        return told
    links = [Link(f"PubMed {number}", f"{PUBMED}{number}/") for number in series.pubmed[:MOST_PUBLICATIONS]]
    links += [Link(f"BioProject {series.bioproject}", BIOPROJECT + series.bioproject)] if series.bioproject else []
    return replace(
        told,
        title=series.title or None,
        organism="; ".join(series.organisms) or None,
        n_samples=series.n_samples or None,
        links=tuple(links),
    )
