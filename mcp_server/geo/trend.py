"""How many series of a kind were made public in each year, and among how many."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from io import BytesIO
from typing import TYPE_CHECKING

from edviz.h5ad.strings import harmless
from mcp_server.geo.client import GeoClient
from mcp_server.geo.errors import AskedError, GeoError
from mcp_server.geo.questions import H5AD, Question, read_question
from mcp_server.geo.search import complaints, translation_of
from mcp_server.geo.settings import GeoSettings, geo_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

SINGLE_CELL = '("single cell" OR "single nucleus" OR "single nuclei" OR scRNA-seq OR snRNA-seq)'
"""What most searches for single-cell series ask for."""
FIRST_YEAR = 2015
OLDEST = 2000
SUPER = '"this SuperSeries is composed of"'
FORMATS = ("png", "svg", "pdf")
INCHES = (7.0, 3.6)
DOTS = 150


@dataclass(frozen=True)
class YearCount:
    """Series of one year.

    Attributes
    ----------
    n
        Those that have a file of the type.
    n_all
        Those that the same query finds whatever files they have.
    is_partial
        Whether the year is not over, or not wholly asked for.
    """

    year: int
    n: int
    n_all: int
    is_partial: bool


@dataclass(frozen=True)
class Trend:
    """Series for each year, as NCBI counted them.

    Attributes
    ----------
    file_type
        Ending of the files.
    term, term_of_all
        The queries as NCBI was asked them, but for the year.
    translation
        The first of them as NCBI understood it, for the newest year.
    super_series
        How many of those with the files are SuperSeries, which repeat the files of others, by their usual sentence;
        None if NCBI does not say.
    asked
        When, in universal time.
    complete, reason
        Whether all years could be asked for, and if not, why.
    """

    file_type: str
    term: str
    term_of_all: str
    translation: str
    years: tuple[YearCount, ...]
    super_series: int | None
    complete: bool
    reason: str | None
    warnings: tuple[str, ...]
    asked: str
    requests: int


def count_by_year(
    query: str = SINGLE_CELL,
    *,
    organism: str | None = None,
    first_year: int = FIRST_YEAR,
    last_year: int | None = None,
    file_type: str = H5AD,
    settings: GeoSettings | None = None,
    today: date | None = None,
) -> Trend:
    """Ask NCBI how many series have a file of a type, year by year, and how many there are at all.

    Parameters
    ----------
    query
        Which series are counted; by default those of single cells.
    organism
        Name of a species.
    first_year, last_year
        Years of being public; to the current one by default.
    file_type
        Ending of a supplementary file.
    settings
        How GEO is asked; by default as the environment says.
    today
        The day, by which a year is known not to be over.

    Raises
    ------
    AskedError
        If the question cannot be asked, or NCBI does not heed the file type.
    GeoError
        If not even the first year can be had.
    """
    today = today or datetime.now(UTC).date()
    last_year = last_year or today.year
    if not OLDEST <= first_year <= last_year <= today.year:
        raise AskedError(f"years go from {OLDEST} to {today.year}, the first before the last")
    question = read_question(query, organism=organism, file_type=file_type)
    if question.file_type is None:
        raise AskedError("a trend is one of a type of files; give its ending, such as h5ad")
    asked = datetime.now(UTC).isoformat(timespec="seconds")
    with GeoClient(settings or geo_settings()) as client:
        counts, remarks, translation, reason = _counts(question, range(first_year, last_year + 1), today, client)
        super_series = None if reason else _count_super_series(question, first_year, last_year, client)
        return Trend(
            file_type=question.file_type.upper(),
            term=question.term,
            term_of_all=replace(question, file_type=None).term,
            translation=translation,
            years=counts,
            super_series=super_series,
            complete=reason is None,
            reason=reason,
            warnings=remarks,
            asked=asked,
            requests=client.requests,
        )


def _counts(
    question: Question, years: Sequence[int], today: date, client: GeoClient
) -> tuple[tuple[YearCount, ...], tuple[str, ...], str, str | None]:
    """Count year by year, the newest first, as these matter most if NCBI stops to answer."""
    counts: list[YearCount] = []
    remarks: dict[str, None] = {}
    translation = ""
    for year in reversed(years):
        within = replace(question, since=str(year), until=str(year))
        try:
            found = _count(within, client)
            in_all = _count(replace(within, file_type=None), client)
        except GeoError as error:
            if not counts:
                raise
            reason = f"nothing before {counts[-1].year} could be had: {error}"
            return tuple(reversed(counts)), tuple(remarks), translation, reason
        remarks |= dict.fromkeys((*found.remarks, *in_all.remarks))
        translation = translation or found.translation
        counts.append(YearCount(year, found.n, in_all.n, is_partial=year == today.year))
    return tuple(reversed(counts)), tuple(remarks), translation, None


@dataclass(frozen=True)
class _Count:
    n: int
    translation: str
    remarks: tuple[str, ...]


def _count(question: Question, client: GeoClient) -> _Count:
    result = client.post_json("esearch", {"db": "gds", "term": question.term, "retmax": "0"})["esearchresult"]
    said = str(result.get("count", ""))
    if not said.isdecimal():
        raise GeoError("the answer of NCBI says not how many series there are")
    remarks = tuple(complaints(result))
    # Where a field is not known it does not restrict, and the number would be one of something else.
    if any(remark.startswith("NCBI knows no field") for remark in remarks):
        raise AskedError(f"{remarks[0]}; nothing was counted")
    return _Count(int(said), translation_of(result), remarks)


def _count_super_series(question: Question, first_year: int, last_year: int, client: GeoClient) -> int | None:
    words = f"({question.words}) AND {SUPER}" if question.words else SUPER
    try:
        within = replace(question, words=words, since=str(first_year), until=str(last_year))
        count = _count(within, client)
    except GeoError:
        return None
    # A phrase that NCBI does not know is searched as words, which count something else.
    return None if count.remarks else count.n


def figure_of(trend: Trend) -> Figure:
    """Draw a trend: series for each year, and their share among all that the query finds.

    Raises
    ------
    GeoError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise GeoError("plots need matplotlib: install the extra, anndata-design-inspector[plots]") from error
    figure = Figure(figsize=INCHES, dpi=DOTS, layout="constrained")
    left, right = figure.subplots(1, 2)
    years = [f"{each.year}*" if each.is_partial else str(each.year) for each in trend.years]
    hatches = ["///" if each.is_partial else "" for each in trend.years]
    shares = [100 * each.n / each.n_all if each.n_all else 0.0 for each in trend.years]
    for axes, heights, title in (
        (left, [each.n for each in trend.years], f"series with {trend.file_type}"),
        (right, shares, "% of all that the query finds"),
    ):
        bars = axes.bar(years, heights, color="#4477aa", edgecolor="white")
        for bar, hatch in zip(bars, hatches, strict=True):
            bar.set_hatch(hatch)
        axes.set_title(title, loc="left", fontsize=10)
        axes.tick_params(axis="x", labelrotation=90, labelsize=8)
        axes.tick_params(axis="y", labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(bottom=0)
    note = "; * the year is not over" if any(each.is_partial for each in trend.years) else ""
    source = f"{_wrapped(trend.term)}\nNCBI GEO, asked on {trend.asked[:10]}{note}"
    figure.text(0.01, -0.01, source, fontsize=6.5, va="top")
    return figure


def picture_of(trend: Trend, kind: str) -> bytes:
    """Draw a trend as a file of a format: png, svg or pdf.

    Raises
    ------
    GeoError
        If matplotlib is not installed, or the format is another.
    """
    check_format(kind)
    stream = BytesIO()
    figure_of(trend).savefig(stream, format=kind, bbox_inches="tight")
    return stream.getvalue()


def check_format(kind: str) -> None:
    """Refuse a format in which no trend is drawn, before NCBI is asked.

    Raises
    ------
    GeoError
        If it is not png, svg or pdf.
    """
    if kind not in FORMATS:
        endings = ", ".join(f".{each}" for each in FORMATS)
        raise GeoError(f"{harmless(kind)!r} is no format of pictures; give a name that ends in one of {endings}")


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 120))
