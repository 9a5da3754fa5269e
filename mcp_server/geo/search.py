"""Series of GEO that are found by words, or named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from edviz.h5ad.strings import harmless
from mcp_server.geo.catalogue import Catalogue, KnownAnswer, now
from mcp_server.geo.client import GeoClient
from mcp_server.geo.errors import AskedError, BusyError, GeoError
from mcp_server.geo.files import GeoFiles, list_h5ad_files
from mcp_server.geo.questions import H5AD, Question, read_question
from mcp_server.geo.records import NoSeriesError, SeriesRecord, record_of, uid_of
from mcp_server.geo.settings import GeoSettings, geo_settings

MOST_UIDS = 10_000
"""What NCBI gives at once."""
MOST_HITS = 200_000
MOST_LISTED = 5
"""Series whose files are listed at once, each in a few requests."""
BATCH = 200
"""Of 500 or more at once NCBI gives none, as JSON."""
DEFAULT_LIMIT = 100
LONGEST_TRANSLATION = 2_000
COMPLAINTS = {
    "fieldsnotfound": "NCBI knows no field {}, so that part of the query does not restrict the results",
    "phrasesnotfound": "NCBI finds nothing for {}",
    "quotedphrasesnotfound": "NCBI does not know the phrase {}, so it looked for the words",
    "phrasesignored": "NCBI ignored {}",
}
NOT_PUBLIC = "it is not public, or does not exist: GEO does not tell which"


@dataclass(frozen=True)
class LeftOut:
    """A series that is found and not among the results, and why."""

    accession: str
    reason: str


@dataclass(frozen=True)
class SearchResult:
    """Series that were found.

    Attributes
    ----------
    query
        What was asked for.
    term
        The query as NCBI was asked it.
    translation
        The query as NCBI understood it.
    total
        How many series it finds, whatever `limit` and `offset` are.
    offset
        How many of them, in the order of NCBI, are passed over.
    series
        Those after them.
    files
        Files of the series, if they were asked for by accession and with their files.
    repeated
        SuperSeries that are left out, because their files are those of series that are found as well.
    failed
        Series whose records NCBI did not give.
    complete, reason
        Whether all that was asked for is there, and if not, why.
    warnings
        What NCBI had to remark, and what does not fit.
    asked
        When NCBI was asked, in universal time; None if only what is known was searched.
    source
        "NCBI", or "catalogue" if nothing was asked of NCBI.
    requests
        How many requests this took.
    """

    query: str
    term: str
    translation: str
    total: int
    offset: int
    series: tuple[SeriesRecord, ...]
    repeated: tuple[LeftOut, ...]
    failed: tuple[LeftOut, ...]
    complete: bool
    reason: str | None
    warnings: tuple[str, ...]
    asked: str | None
    source: Literal["NCBI", "catalogue"]
    requests: int
    files: tuple[GeoFiles, ...] = ()


@dataclass(frozen=True)
class _Records:
    """Records that were had, those that were not, and why others are missing."""

    found: dict[str, SeriesRecord]
    failed: tuple[LeftOut, ...]
    trouble: str | None


def search_geo(
    query: str,
    *,
    organism: str | None = None,
    since: str | None = None,
    until: str | None = None,
    file_type: str | None = H5AD,
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
    refresh: bool = False,
    offline: bool = False,
    with_files: bool = False,
    settings: GeoSettings | None = None,
) -> SearchResult:
    """Find series of GEO by words, or by their accessions.

    What NCBI answers is kept: a question that was asked before is answered without asking again.

    Parameters
    ----------
    query
        Words in the language of NCBI, or nothing but accessions; these are found whatever else is asked for.
    organism
        Name of a species.
    since, until
        Days, months or years of being public.
    file_type
        Ending of a supplementary file; None or "any" for any series.
    limit
        Most series to return.
    offset
        How many to pass over.
    refresh
        Whether NCBI is asked again.
    offline
        Whether only series are searched that are known already.
    with_files
        Whether the files of series that are named are listed, which always asks the server with the files.
    settings
        How GEO is asked; by default as the environment says.

    Raises
    ------
    AskedError
        If the question cannot be asked.
    GeoError
        If there is no answer.
    """
    if limit < 1 or offset < 0:
        raise AskedError(f"limit is {limit} and offset {offset}; give a limit from 1 and an offset from 0 on")
    question = read_question(query, organism=organism, since=since, until=until, file_type=file_type)
    settings = settings or geo_settings()
    catalogue = Catalogue(settings.folder)
    with GeoClient(settings) as client:
        known = None if refresh else catalogue.answer(_key(question))
        if known is None and offline:
            found = _locally(question, catalogue, limit=limit, offset=offset)
        else:
            answer = known or _asked(question, client, catalogue)
            found = _window(question, answer, client, catalogue, limit=limit, offset=offset, offline=offline)
        if with_files and question.accessions and not offline:
            found = _with_files(found, client)
    notices = (catalogue.notice,) if catalogue.notice else ()
    return replace(found, warnings=(*found.warnings, *notices))


def _key(question: Question) -> str:
    return " ".join(question.accessions) or question.term


def _asked(question: Question, client: GeoClient, catalogue: Catalogue) -> KnownAnswer:
    """Ask NCBI which series there are; one that is named needs no search."""
    if question.accessions:
        uids = tuple(map(uid_of, question.accessions))
        return KnownAnswer(now(), len(uids), uids, "", ())
    try:
        answer = find_uids(question.term, client)
    except BusyError as error:
        n_known = catalogue.n_series()
        hint = f"; {n_known:,} series that are known here can be searched offline" if n_known else ""
        raise GeoError(f"{error}{hint}") from error
    if len(answer.uids) == answer.total:
        catalogue.keep_answer(_key(question), answer)
    return answer


def find_uids(term: str, client: GeoClient) -> KnownAnswer:
    """Ask NCBI for the numbers of all series that a query finds, in as many pieces as it gives them.

    They are kept here and not in the history of NCBI, which forgets them.

    Raises
    ------
    GeoError
        If the first piece cannot be had; if a later one cannot, there are fewer numbers than `total` says.
    """
    asked = now()
    first = _piece(term, 0, client)
    total, uids = int(first["count"]), list(first["idlist"])
    warnings = list(complaints(first))
    while len(uids) < min(total, MOST_HITS):
        try:
            piece = _piece(term, len(uids), client)["idlist"]
        except GeoError as error:
            warnings.append(f"only the first {len(uids):,} of {total:,} numbers could be had: {error}")
            break
        if not piece:
            break
        uids += piece
    return KnownAnswer(asked, total, tuple(dict.fromkeys(uids)), translation_of(first), tuple(warnings))


def complaints(result: Mapping[str, Any]) -> Iterator[str]:
    """Say what NCBI remarks about a query."""
    for place in ("errorlist", "warninglist"):
        remarks = result.get(place) if isinstance(result.get(place), dict) else {}
        for kind, told in COMPLAINTS.items():
            names = remarks.get(kind) if remarks else None
            if isinstance(names, list) and names:
                yield told.format(", ".join(harmless(str(name)) for name in names[:10]))


def translation_of(result: Mapping[str, Any]) -> str:
    """Return how NCBI understood a query."""
    return harmless(str(result.get("querytranslation", "")), longest=LONGEST_TRANSLATION)


def _piece(term: str, start: int, client: GeoClient) -> Mapping[str, Any]:
    parameters = {"db": "gds", "term": term, "retmax": str(MOST_UIDS), "retstart": str(start)}
    result: Mapping[str, Any] = client.post_json("esearch", parameters)["esearchresult"]
    uids = result.get("idlist")
    if not str(result.get("count", "")).isdecimal() or not isinstance(uids, list):
        raise GeoError("the answer of NCBI says neither how many series there are nor which")
    return {**result, "idlist": [uid for uid in map(str, uids) if uid.isdecimal()]}


def _window(
    question: Question,
    answer: KnownAnswer,
    client: GeoClient,
    catalogue: Catalogue,
    *,
    limit: int,
    offset: int,
    offline: bool,
) -> SearchResult:
    """Bring the records of a piece of what was found."""
    uids = answer.uids[offset : offset + limit]
    records = catalogue.records(uids, since=answer.asked)
    missing = [uid for uid in uids if uid not in records]
    if missing and offline:
        records |= catalogue.records(missing, since="")
    brought = _Records({}, (), None) if offline else _bring(missing, client)
    catalogue.keep_records(brought.found, asked=now())
    if question.accessions and not (brought.failed or brought.trouble):
        catalogue.keep_answer(_key(question), answer)
    records |= brought.found
    known = [records[uid] for uid in uids if uid in records]
    series, repeated = _without_repeats(known)
    reason = _reason(answer, brought, n_missing=len(uids) - len(known) - len(brought.failed))
    return SearchResult(
        query=question.words,
        term=_key(question) if question.accessions else question.term,
        translation=answer.translation,
        total=answer.total,
        offset=offset,
        series=series,
        repeated=repeated,
        failed=brought.failed,
        complete=reason is None,
        reason=reason,
        warnings=(*answer.warnings, *_misfits(question, known)),
        asked=answer.asked,
        source="NCBI" if client.requests else "catalogue",
        requests=client.requests,
    )


def _bring(uids: Sequence[str], client: GeoClient) -> _Records:
    """Ask for records, batch by batch; what was had before a failure is not lost."""
    found: dict[str, SeriesRecord] = {}
    failed: list[LeftOut] = []
    for start in range(0, len(uids), BATCH):
        batch = uids[start : start + BATCH]
        try:
            result = client.post_json("esummary", {"db": "gds", "id": ",".join(batch)})["result"]
        except GeoError as error:
            if not found and not failed:
                raise
            return _Records(found, tuple(failed), str(error))
        for uid in batch:
            record = _record(result.get(uid), uid)
            if isinstance(record, SeriesRecord):
                found[uid] = record
            else:
                failed.append(record)
    return _Records(found, tuple(failed), None)


def _record(summary: object, uid: str) -> SeriesRecord | LeftOut:
    accession = f"GSE{int(uid) - 200_000_000}" if int(uid) > 200_000_000 else f"record {uid}"
    if not isinstance(summary, dict):
        return LeftOut(accession, "NCBI says nothing about it")
    if "error" in summary:
        return LeftOut(accession, f"{NOT_PUBLIC} (NCBI: {harmless(str(summary['error']))})")
    try:
        return record_of(summary, uid)
    except NoSeriesError as error:
        return LeftOut(accession, str(error))


def _without_repeats(records: Sequence[SeriesRecord]) -> tuple[tuple[SeriesRecord, ...], tuple[LeftOut, ...]]:
    """Leave out SuperSeries whose SubSeries are there, as they have the same files."""
    repeated = []
    for record in records:
        parts = [part.accession for part in records if _is_part(part, record)]
        if parts:
            named = ", ".join(parts[:5]) + ("…" if len(parts) > 5 else "")
            reason = f"a SuperSeries: its files are those of {named} and perhaps others"
            repeated.append(LeftOut(record.accession, reason))
    left_out = {each.accession for each in repeated}
    return tuple(record for record in records if record.accession not in left_out), tuple(repeated)


def _is_part(part: SeriesRecord, whole: SeriesRecord) -> bool:
    if whole.relation != "SuperSeries" or part.accession == whole.accession:
        return False
    if part.accession in whole.related or whole.accession in part.related:
        return True
    return bool(part.samples) and set(part.samples) <= set(whole.samples)


def _reason(answer: KnownAnswer, brought: _Records, *, n_missing: int) -> str | None:
    if brought.trouble:
        return brought.trouble
    if brought.failed:
        return f"the records of {len(brought.failed):,} series could not be had"
    if n_missing > 0:
        return f"the records of {n_missing:,} series are not known here"
    if len(answer.uids) < answer.total:
        return f"NCBI gave {len(answer.uids):,} of {answer.total:,} numbers"
    return None


def _misfits(question: Question, records: Sequence[SeriesRecord]) -> Iterator[str]:
    """Say if NCBI finds what was not asked for, as no public record shows how it understands the file type."""
    if not question.file_type or question.accessions:
        return
    others = [record.accession for record in records if question.file_type.upper() not in record.file_types]
    if others:
        shown = ", ".join(others[:5]) + ("…" if len(others) > 5 else "")
        which = f"{len(others):,} of {len(records):,}"
        yield f"{which} have no {question.file_type.upper()} among their file types: {shown}"


def _with_files(found: SearchResult, client: GeoClient) -> SearchResult:
    """List the files of the first series; why those of one are not known is a warning, and the others are there."""
    listed, warnings = [], []
    for record in found.series[:MOST_LISTED]:
        try:
            listed.append(list_h5ad_files(record.accession, client, folder=record.folder))
        except GeoError as error:
            warnings.append(f"the files of {record.accession} are not known: {error}")
    if len(found.series) > MOST_LISTED:
        warnings.append(f"the files of the first {MOST_LISTED} series are listed; name the others to see theirs")
    return replace(
        found, files=tuple(listed), warnings=(*found.warnings, *warnings), source="NCBI", requests=client.requests
    )


def _locally(question: Question, catalogue: Catalogue, *, limit: int, offset: int) -> SearchResult:
    """Search what is known, by words; NCBI would also know synonyms."""
    uids = tuple(map(uid_of, question.accessions))
    found = tuple(catalogue.records(uids, since="").values()) if uids else catalogue.search(question)
    series, repeated = _without_repeats(found)
    return SearchResult(
        query=question.words,
        term=question.term,
        translation="",
        total=len(found),
        offset=offset,
        series=series[offset : offset + limit],
        repeated=repeated,
        failed=(),
        complete=False,
        reason=f"only the {catalogue.n_series():,} series that are known here were searched, and only for these words",
        warnings=(),
        asked=None,
        source="catalogue",
        requests=0,
    )
