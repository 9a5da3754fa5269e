"""Ask NCBI once for what `shared/geo/handmade` stands in for, on a machine with internet, and keep its answers.

    python -m tests.geo.record_geo shared/geo/recorded

Each answer is written as it came, beside a record of what was asked, when, and with what status and headers; e-mail and
key are not written. About 25 requests, with the usual gap between them. What is there already is not asked again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mcp_server.geo.settings import TOOL, GeoSettings, geo_settings
from mcp_server.geo.throttle import Throttle

TEN = "200156628,200155182,200152325,200155249,200154759,200150660,200147143,200151985,200149590,200132042"
H5AD = "h5ad[suppFile] AND GSE[ETYP]"
FILES = "/geo/series/GSE132nnn/GSE132042/suppl/"
KEPT_HEADERS = (
    "accept-ranges",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "last-modified",
    "etag",
    "retry-after",
    "server",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
)
MOST_BYTES = 2 << 20


@dataclass(frozen=True)
class Wanted:
    """A recording: its name, and what is asked for it."""

    name: str
    method: str
    address: str
    form: dict[str, str]
    headers: dict[str, str]


def wanted(settings: GeoSettings) -> Iterator[Wanted]:
    """Return what is to be recorded: the questions that `shared/design/geo.md` leaves open, first of all."""

    def utility(name: str, tool: str, **form: str) -> Wanted:
        return Wanted(name, "POST", f"{settings.eutils}{tool}.fcgi", {"db": "gds", "retmode": "json", **form}, {})

    def file(name: str, path: str, method: str = "GET", **headers: str) -> Wanted:
        return Wanted(name, method, f"{settings.files}{path}", {}, headers)

    yield utility("esearch_h5ad_history.json", "esearch", term=H5AD, retmax="10", usehistory="y")
    yield utility("esearch_h5ad_page2_of_3.json", "esearch", term=H5AD, retmax="4", retstart="4")
    yield utility("esearch_unknown_field.json", "esearch", term="h5ad[Supp Files] AND GSE[ETYP]", retmax="0")
    yield utility("esearch_empty.json", "esearch", term="h5xx[suppFile] AND GSE[ETYP]", retmax="0")
    yield utility(
        "esearch_quoted_phrase.json", "esearch", term='"this is no phrase of anybody" AND GSE[ETYP]', retmax="0"
    )
    yield utility(
        "esearch_superseries.json", "esearch", term='"this SuperSeries is composed of" AND GSE[ETYP]', retmax="0"
    )
    yield utility("esummary_gds_10_h5ad_series.json", "esummary", id=TEN)
    yield utility("esummary_one_bad_uid.json", "esummary", id="200156628,999999999999")
    yield utility("esummary_empty_id_list.json", "esummary", id="")
    yield utility("esummary_too_many_uids.json", "esummary", id=",".join(str(200_100_000 + n) for n in range(501)))
    yield utility("esummary_expired_webenv.json", "esummary", query_key="1", WebEnv="MCID_000000000000000000000000")
    for year in range(2018, datetime.now(UTC).year + 1):
        yield utility(f"esearch_count_h5ad_{year}.json", "esearch", term=f"{H5AD} AND {year}[PDAT]", retmax="0")
    yield file("index_GSE132042_suppl.html", FILES)
    yield file("filelist_GSE132042.txt", f"{FILES}filelist.txt")
    yield file("error_404.html", "/geo/series/GSE999nnn/GSE999999999/suppl/")
    yield file("head_filelist.txt", f"{FILES}filelist.txt", "HEAD")
    yield file("range_206.bin", f"{FILES}filelist.txt", Range="bytes=0-15")
    yield file("range_416.bin", f"{FILES}filelist.txt", Range="bytes=999999999-")


def main() -> None:
    """Record what is not there yet."""
    import httpx

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the answers are written")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    settings = geo_settings()
    turns = Throttle(settings.folder, "eutils", settings.gap_s)
    with httpx.Client(headers={"User-Agent": settings.user_agent}, timeout=60, follow_redirects=False) as client:
        for each in wanted(settings):
            if (folder / each.name).exists():
                continue
            turns.wait()
            status = record(each, folder, client, settings)
            print(status, each.name, flush=True)


def record(each: Wanted, folder: Path, client: object, settings: GeoSettings) -> int:
    """Ask, and write what comes and what was asked."""
    import httpx

    assert isinstance(client, httpx.Client)
    who = {"tool": TOOL, "email": settings.email or "", "api_key": settings.api_key or ""}
    form = each.form | {name: value for name, value in who.items() if value} if each.form else {}
    headers = {"Accept-Encoding": "identity"} | each.headers
    with client.stream(each.method, each.address, data=form or None, headers=headers) as answer:
        body = next(answer.iter_bytes(MOST_BYTES), b"")
    about = {
        "asked": datetime.now(UTC).isoformat(timespec="seconds"),
        "method": each.method,
        "address": each.address,
        "form": each.form,
        "request_headers": headers,
        "status": answer.status_code,
        "headers": {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers},
    }
    if settings.api_key:
        body = body.replace(settings.api_key.encode(), b"REDACTED")
    (folder / f"{each.name}.about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    (folder / each.name).write_bytes(body)
    return answer.status_code


if __name__ == "__main__":
    main()
