"""Ask the real GEO once, and put its answers in the place of those that were written by hand.

Run as `python -m tests.geo.record_geo FOLDER` from the root of the repository, on a machine that reaches NCBI. FOLDER
gets the answers, under the names of `shared/geo/handmade` where there is one, and `recorded.json`, which says of each
what was asked, when, and with which status and headers it came. What tells who asked is taken out: the key, the e-mail,
cookies, the own address.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

import httpx

from mcp_server.geo.accession import folder_of
from mcp_server.geo.errors import GeoError
from mcp_server.geo.listing import read_index
from mcp_server.geo.settings import TOOL, GeoSettings, geo_settings
from mcp_server.geo.throttle import Throttle

H5AD_TERM = "GSE[ETYP] AND h5ad[suppFile]"
ALL_TERM = "GSE[ETYP]"
FIRST_YEAR = 2018
WITH_H5AD, WITH_ARCHIVE, NO_SERIES = "GSE194122", "GSE130073", "GSE999999999"
"""Series that public sources name for their .h5ad and their archive, and one that no source names."""
MOST_BYTES = 1 << 20
PART = 1024
NAMES_OF_H5AD = (".h5ad", ".h5ad.gz")
TELLS_WHO = ("set-cookie", "ncbi-phid", "ncbi-sid")


@dataclass(frozen=True)
class Wish:
    """An answer that is wanted, and the name of the file that gets it."""

    name: str
    url: str
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"


@dataclass(frozen=True)
class Recorded:
    """What was asked, and how the answer came; its body is in the file `name`."""

    name: str
    url: str
    form: Mapping[str, str] | None
    sent: Mapping[str, str]
    asked: str
    status: int
    headers: Mapping[str, str]
    n_bytes: int
    is_cut: bool


class Recorder:
    """Asks one thing after the other, not faster than NCBI allows, and writes down what comes."""

    def __init__(self, folder: Path, settings: GeoSettings) -> None:
        self.settings = settings
        self.recorded: list[Recorded] = []
        self._folder = folder
        self._turns = Throttle(settings.folder, "eutils", settings.gap_s)
        self._client = httpx.Client(headers={"User-Agent": settings.user_agent}, timeout=settings.timeout_s)

    def record(self, wish: Wish) -> bytes:
        """Ask, write, and return the body; of a long one its beginning, as no Range may mean a whole file."""
        form = wish.form if wish.form is None else {**wish.form, "retmode": "json", **self._who_asks()}
        asked = datetime.now(UTC).isoformat(timespec="seconds")
        self._turns.wait()
        method = "POST" if form is not None else wish.method
        with self._client.stream(method, wish.url, data=form, headers=dict(wish.headers)) as response:
            body, is_cut = _beginning(response.iter_raw() if form is None else response.iter_bytes())
            status, headers = response.status_code, dict(response.headers)
        body = self._unnamed(body)
        kept = {name: value for name, value in headers.items() if name.lower() not in TELLS_WHO}
        self.recorded.append(
            Recorded(wish.name, wish.url, wish.form, wish.headers, asked, status, kept, len(body), is_cut)
        )
        self._write(wish.name, body)
        print(f"{status}  {len(body):>9,} bytes  {wish.name}", file=sys.stderr)
        return body

    def end(self) -> None:
        """Write down what was asked."""
        told = [asdict(each) for each in self.recorded]
        self._write("recorded.json", (json.dumps(told, indent=1) + "\n").encode())
        self._turns.close()
        self._client.close()

    def _write(self, name: str, body: bytes) -> None:
        part = self._folder / f"{name}.part"
        part.write_bytes(body)
        part.replace(self._folder / name)

    def _who_asks(self) -> dict[str, str]:
        named = {"tool": TOOL, "email": self.settings.email, "api_key": self.settings.api_key}
        return {name: value for name, value in named.items() if value}

    def _unnamed(self, body: bytes) -> bytes:
        for private in filter(None, (self.settings.api_key, self.settings.email)):
            body = body.replace(private.encode(), b"(removed)")
        return re.sub(rb'("api-key":\s*")[^"]*"', rb'\1(removed)"', body)


def _beginning(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    body = b""
    for piece in pieces:
        body += piece
        if len(body) > MOST_BYTES:
            return body[:MOST_BYTES], True
    return body, False


def record_searches(recorder: Recorder) -> None:
    """Record searches, and the summaries of what they find."""
    eutils = recorder.settings.eutils
    search, summary = f"{eutils}esearch.fcgi", f"{eutils}esummary.fcgi"
    gds = {"db": "gds"}
    kept = {**gds, "usehistory": "y", "retmax": "20"}
    found = _result(recorder.record(Wish("esearch_h5ad_history.json", search, {**kept, "term": H5AD_TERM})))
    recorder.record(Wish("esearch_empty.json", search, {**gds, "term": "GSE[ETYP] AND nosuchwordatall"}))
    recorder.record(Wish("esearch_unknown_field.json", search, {**gds, "term": "GSE[ETYP] AND h5ad[nosuchfield]"}))
    recorder.record(
        Wish("esearch_quoted_phrase.json", search, {**gds, "term": '"no such phrase at all" AND GSE[ETYP]'})
    )
    uids = [uid for uid in map(str, found.get("idlist", [])) if uid.isdecimal()]
    recorder.record(Wish("esummary_h5ad.json", summary, {**gds, "id": ",".join(uids)}))
    recorder.record(Wish("esummary_one_bad_uid.json", summary, {**gds, "id": ",".join([*uids[:2], "299999999"])}))
    recorder.record(Wish("esummary_empty_id_list.json", summary, {**gds, "id": ""}))
    many = ",".join(str(200_000_000 + number) for number in range(1, 502))
    recorder.record(Wish("esummary_too_many_uids.json", summary, {**gds, "id": many}))
    forgotten = {**gds, "WebEnv": f"MCID_{0:032x}", "query_key": "1"}
    recorder.record(Wish("esummary_expired_webenv.json", summary, forgotten))
    for wish in _counts(search):
        recorder.record(wish)


def _counts(search: str) -> Iterator[Wish]:
    for year in range(FIRST_YEAR, date.today().year + 1):
        for name, term in (("h5ad", H5AD_TERM), ("all", ALL_TERM)):
            form = {"db": "gds", "term": f"{term} AND {year}[PDAT]", "retmax": "0"}
            yield Wish(f"esearch_count_{name}_{year}.json", search, form)


def record_files(recorder: Recorder) -> None:
    """Record folders, a list of an archive, and how parts of a file and files that are not there are answered."""
    files = recorder.settings.files
    folder = f"{files}{folder_of(WITH_H5AD)}suppl/"
    page = recorder.record(Wish(f"index_{WITH_H5AD}_suppl.html", folder)).decode("utf-8", "replace")
    archive = f"{files}{folder_of(WITH_ARCHIVE)}suppl/"
    recorder.record(Wish(f"index_{WITH_ARCHIVE}_suppl.html", archive))
    recorder.record(Wish(f"filelist_{WITH_ARCHIVE}.txt", f"{archive}filelist.txt"))
    recorder.record(Wish("error_404.html", f"{files}{folder_of(NO_SERIES)}suppl/"))
    names = [name for name in _names(page, folder) if name.lower().endswith(NAMES_OF_H5AD)]
    if not names:
        print(f"{WITH_H5AD} lists no .h5ad file, so no parts were asked for", file=sys.stderr)
        return
    for wish in _parts(folder + quote(names[0])):
        recorder.record(wish)


def _names(page: str, folder: str) -> tuple[str, ...]:
    try:
        return read_index(page, folder)
    except GeoError as error:
        print(error, file=sys.stderr)
        return ()


def _parts(url: str) -> Iterator[Wish]:
    as_it_is = {"Accept-Encoding": "identity"}
    yield Wish("head_file.bin", url, headers=as_it_is, method="HEAD")
    part = {**as_it_is, "Range": f"bytes=0-{PART - 1}"}
    yield Wish("part_206.bin", url, headers=part)
    other = {**part, "If-Range": "Thu, 01 Jan 1970 00:00:00 GMT"}
    yield Wish("part_of_a_changed_file.bin", url, headers=other)
    yield Wish("part_416.bin", url, headers={**as_it_is, "Range": f"bytes={10**15}-"})


def record_web(recorder: Recorder) -> None:
    """Record what the pages for people answer to a program."""
    page = "https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi"
    recorder.record(Wish("acc_cgi_html.html", f"{page}?acc={WITH_H5AD}"))
    recorder.record(Wish("acc_cgi_text.txt", f"{page}?acc={WITH_H5AD}&targ=self&form=text&view=brief"))


def _result(body: bytes) -> Mapping[str, Sequence[str]]:
    try:
        return dict(json.loads(body)["esearchresult"])
    except (ValueError, KeyError, TypeError):
        sys.exit(f"the first search was not answered with a result but with {body[:200]!r}; nothing more was asked")


def main() -> None:
    """Read the arguments, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the answers are written")
    parser.add_argument("--no-web", action="store_true", help="do not ask www.ncbi.nlm.nih.gov, which no setting moves")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(args.folder, geo_settings())
    try:
        record_searches(recorder)
        record_files(recorder)
        if not args.no_web:
            record_web(recorder)
    except httpx.HTTPError as error:
        sys.exit(f"the servers do not answer any more ({error}); what came until then is in {args.folder}")
    finally:
        recorder.end()


if __name__ == "__main__":
    main()
