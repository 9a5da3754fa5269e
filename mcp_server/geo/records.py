"""A series as NCBI summarises it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from edviz.h5ad.strings import harmless

LONGEST_TITLE, LONGEST_SUMMARY, LONGEST_NAME = 300, 1500, 100
MOST_ENTRIES = 50
MOST_SAMPLES = 20_000
"""Of longer lists of samples the first are looked at."""
FEW_SAMPLES, MANY_SAMPLES = 48, 96
"""Of 581 series with a curated number of cells, 3 % below the first and 78 % from the second on have as many samples as
cells, within a factor of two (Svensson, da Veiga Beltrame and Pachter 2020, Database, doi:10.1093/database/baaa073)."""
PAGE = "https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc="
COMPOSED = "this superseries is composed of"
ACCESSION = re.compile(r"GSE[1-9]\d{0,8}")
SERIES_UIDS = 200_000_000

SamplesAre = Literal["libraries", "libraries or cells", "probably cells"]
Relation = Literal["SuperSeries", "SubSeries"]


class NoSeriesError(ValueError):
    """A summary that is of no series, or of another one than was asked for."""


@dataclass(frozen=True)
class SeriesRecord:
    """A series of GEO.

    Attributes
    ----------
    title, summary
        As the submitter wrote them, cut where they are long.
    published
        Day on which it was made public, as 2024-10-04.
    n_samples
        Samples in the sense of GEO.
    samples_are
        What a sample most likely stands for: in droplet protocols a library of thousands of cells, in plate-based
        ones a single cell; it never is the number of donors.
    file_types
        Endings of supplementary files, those in the archive of the samples included; a hint, not a list of files.
    relation, related
        Whether it is a SuperSeries, which repeats the files of its SubSeries, or one of these, and the others that its
        record names.
    samples
        Accessions of the samples, by which a SuperSeries is told from its SubSeries; may be fewer than `n_samples`.
    page, folder
        Addresses of the page for people, and of the folder with the files.
    """

    accession: str
    title: str
    summary: str
    organisms: tuple[str, ...]
    published: str
    n_samples: int
    samples_are: SamplesAre
    platforms: tuple[str, ...]
    file_types: tuple[str, ...]
    study_types: tuple[str, ...]
    pubmed: tuple[str, ...]
    bioproject: str | None
    sra: tuple[str, ...]
    relation: Relation | None
    related: tuple[str, ...]
    samples: tuple[str, ...]
    page: str
    folder: str | None


def uid_of(accession: str) -> str:
    """Return the number under which NCBI keeps a series.

    Examples
    --------
    >>> uid_of("GSE236084")
    '200236084'
    """
    return str(SERIES_UIDS + int(accession[3:]))


def record_of(summary: Mapping[str, Any], uid: str) -> SeriesRecord:
    """Read a summary of esummary.

    Raises
    ------
    NoSeriesError
        If it is none of the series with this number; a number made by a wrong rule gives another record, silently.
    """
    accession = str(summary.get("accession", ""))
    if ACCESSION.fullmatch(accession) is None or uid_of(accession) != uid:
        raise NoSeriesError(
            f"the record {harmless(uid)} is of {harmless(accession) or 'nothing'}, which is not the series"
        )
    n_samples = _number(summary.get("n_samples"))
    relation, related = _relation(summary)
    return SeriesRecord(
        accession=accession,
        title=_text(summary.get("title"), LONGEST_TITLE),
        summary=_text(summary.get("summary"), LONGEST_SUMMARY),
        organisms=_parts(summary.get("taxon"), ";"),
        published=_day(summary.get("pdat")),
        n_samples=n_samples,
        samples_are=_meaning(n_samples, relation),
        platforms=tuple(f"GPL{number}" for number in _parts(summary.get("gpl"), ";") if number.isdecimal()),
        # Records of before about 2015 have spaces between the endings.
        file_types=tuple(part.upper() for part in _parts(summary.get("suppfile"), r",;\s")),
        study_types=_parts(summary.get("gdstype"), ";"),
        pubmed=tuple(number for number in map(str, _list(summary.get("pubmedids"))) if number.isdecimal()),
        bioproject=_text(summary.get("bioproject"), LONGEST_NAME) or None,
        sra=_targets(summary.get("extrelations"), "SRA"),
        relation=relation,
        related=related,
        samples=_samples(summary.get("samples")),
        page=f"{PAGE}{accession}",
        folder=_folder(summary.get("ftplink"), accession),
    )


def _relation(summary: Mapping[str, Any]) -> tuple[Relation | None, tuple[str, ...]]:
    """Read a relation, or its usual sentence in the summary, because the entry for it is empty as a rule."""
    supers = _targets(summary.get("relations"), "SuperSeries of")
    subs = _targets(summary.get("relations"), "SubSeries of")
    text = str(summary.get("summary", ""))
    if supers or COMPOSED in text.lower():
        named = ACCESSION.findall(text[text.lower().find(COMPOSED) :]) if COMPOSED in text.lower() else []
        return "SuperSeries", tuple(dict.fromkeys((*supers, *named)))[:MOST_ENTRIES]
    return ("SubSeries", subs) if subs else (None, ())


def _targets(relations: object, kind: str) -> tuple[str, ...]:
    found = (each for each in _list(relations) if isinstance(each, dict))
    names = (_text(each.get("targetobject"), LONGEST_NAME) for each in found if each.get("relationtype") == kind)
    return tuple(name for name in names if name)[:MOST_ENTRIES]


def _samples(samples: object) -> tuple[str, ...]:
    found = (str(each.get("accession", "")) for each in _list(samples)[:MOST_SAMPLES] if isinstance(each, dict))
    return tuple(sorted(name for name in found if re.fullmatch(r"GSM\d{1,9}", name)))


def _meaning(n_samples: int, relation: Relation | None) -> SamplesAre:
    if n_samples < FEW_SAMPLES:
        return "libraries"
    # The samples of a SuperSeries are of several protocols.
    return "libraries or cells" if n_samples < MANY_SAMPLES or relation == "SuperSeries" else "probably cells"


def _folder(link: object, accession: str) -> str | None:
    """Return the folder that NCBI names; FTP itself is closed in many institutes, and the same is there by HTTPS."""
    folder = str(link or "")
    if re.fullmatch(rf"ftp://ftp\.ncbi\.nlm\.nih\.gov/geo/series/GSE\d*nnn/{accession}/?", folder) is None:
        return None
    return "https" + folder.removeprefix("ftp").rstrip("/") + "/"


def _day(text: object) -> str:
    found = re.fullmatch(r"(\d{4})/(\d\d)/(\d\d)", str(text or ""))
    return "-".join(found.groups()) if found else ""


def _text(value: object, longest: int) -> str:
    return harmless(" ".join(html.unescape(str(value or "")).split()), longest=longest)


def _parts(value: object, separators: str) -> tuple[str, ...]:
    parts = (_text(part, LONGEST_NAME) for part in re.split(f"[{separators}]+", str(value or "")[:10_000]))
    return tuple(part for part in parts if part)[:MOST_ENTRIES]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    return int(value) if str(value).isdecimal() else 0  # type: ignore[call-overload]
