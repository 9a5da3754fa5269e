"""A server on this machine that answers as the E-utilities do, well or badly, and remembers what it was asked.

What it knows are summaries of series in the form in which NCBI sends them: recorded ones from `shared/geo`, or ones
that tests make (`series`), which say nothing about what is in GEO. `python -m tests.geo.server` runs it to be tried.
"""

from __future__ import annotations

import html
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from tests.h5ad.files import SHARED

Summary = dict[str, Any]
RECORDINGS = SHARED.parent / "geo"
MOST_IDS, MOST_SUMMARIES = 10_000, 500
"""What NCBI gives at once, as its documentation and an error of esummary say."""
WEBENV = "MCID_0123456789abcdef01234567"


@dataclass(frozen=True)
class Asked:
    """A request as it came, and when."""

    utility: str
    form: dict[str, str]
    method: str
    at: float


@dataclass(frozen=True)
class Reply:
    """An answer before it is sent; a fault changes it.

    Attributes
    ----------
    hang_s
        Seconds of silence before it is sent.
    is_cut
        Whether the connection ends in the middle of the body.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0
    is_cut: bool = False


Fault = Callable[[Asked, Reply], Reply]


class EutilsServer:
    """Answers esearch and esummary for db=gds about the series that it knows.

    Attributes
    ----------
    asked
        What came, in order.
    faults
        What is done to the next answers, one after the other.
    always
        What is done to every answer after them.
    unknown
        Uids whose summaries cannot be had, although searches find them.
    """

    def __init__(self, summaries: Iterable[Summary], *, port: int = 0) -> None:
        self.summaries = {summary["uid"]: summary for summary in summaries}
        self.asked: list[Asked] = []
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.unknown: set[str] = set()
        self._history: list[list[str]] = []
        self._server = _Server(("127.0.0.1", port), _handler_for(self))
        self._server.daemon_threads = True

    def __enter__(self) -> EutilsServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/entrez/eutils/"

    def n_asked(self, utility: str) -> int:
        return sum(asked.utility == utility for asked in self.asked)

    def fail(self, *faults: Fault) -> None:
        """Do this to the next answers."""
        self.faults.extend(faults)

    def forget(self) -> None:
        """Forget the searches so far, as NCBI does after hours."""
        self._history = []

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        answers = {"esearch": self._esearch, "esummary": self._esummary}
        if asked.utility not in answers:
            reply = Reply(404, b"<html><body>Not Found</body></html>", {"Content-Type": "text/html"})
        else:
            body = {"header": {"type": asked.utility, "version": "0.3"}} | answers[asked.utility](asked.form)
            reply = Reply(200, json.dumps(body).encode(), {"Content-Type": "application/json; charset=UTF-8"})
        fault = self.faults.popleft() if self.faults else self.always
        return fault(asked, reply) if fault else reply

    def _esearch(self, form: Mapping[str, str]) -> Summary:
        if form.get("db") != "gds":
            return {"esearchresult": {"ERROR": f"Invalid db name specified: {form.get('db')}"}}
        found, unknown_fields = found_by(form["term"], self.summaries.values())
        start, most = int(form.get("retstart", "0")), min(int(form.get("retmax", "20")), MOST_IDS)
        ids = found[start : start + most]
        result: Summary = {"count": str(len(found)), "retmax": str(len(ids)), "retstart": str(start)}
        if form.get("usehistory") == "y":
            self._history.append(found)
            result |= {"querykey": str(len(self._history)), "webenv": WEBENV}
        result |= {"idlist": ids, "translationset": [], "querytranslation": form["term"]}
        if unknown_fields:
            result["errorlist"] = {"phrasesnotfound": [], "fieldsnotfound": unknown_fields}
        if not found:
            result["warninglist"] = {
                "phrasesignored": [],
                "quotedphrasesnotfound": [],
                "outputmessages": ["No items found."],
            }
        return {"esearchresult": result}

    def _esummary(self, form: Mapping[str, str]) -> Summary:
        ids = self._ids(form)
        if isinstance(ids, str):
            return {"esummaryresult": [ids]}
        if len(ids) > MOST_SUMMARIES:
            return {
                "error": f"Too many UIDs in request. Maximum number of UIDs is {MOST_SUMMARIES} for JSON format output."
            }
        return {"result": {"uids": ids} | {uid: self._summary(uid) for uid in ids}}

    def _ids(self, form: Mapping[str, str]) -> list[str] | str:
        if "id" in form:
            return form["id"].split(",") if form["id"] else "Empty id list - nothing todo"
        number = int(form["query_key"])
        if form["WebEnv"] != WEBENV or number > len(self._history):
            return f"Unable to obtain query #{number}"
        start = int(form.get("retstart", "0"))
        return self._history[number - 1][start : start + int(form.get("retmax", "20"))]

    def _summary(self, uid: str) -> Summary:
        if uid in self.unknown or uid not in self.summaries:
            return {"uid": uid, "error": "cannot get document summary"}
        return self.summaries[uid]


def series(number: int, **entries: Any) -> Summary:
    """Make a summary of a series that tests need; it is invented and says nothing about GEO."""
    accession = f"GSE{number}"
    stub = f"GSE{str(number)[:-3]}nnn"
    return {
        "uid": str(200_000_000 + number),
        "accession": accession,
        "gds": "",
        "title": f"Invented series {number}",
        "summary": "Invented for a test.",
        "gpl": "24676",
        "gse": str(number),
        "taxon": "Homo sapiens",
        "entrytype": "GSE",
        "gdstype": "Expression profiling by high throughput sequencing",
        "pdat": "2024/05/06",
        "suppfile": "H5AD, TXT",
        "samples": [],
        "relations": [],
        "extrelations": [],
        "n_samples": 4,
        "pubmedids": [],
        "ftplink": f"ftp://ftp.ncbi.nlm.nih.gov/geo/series/{stub}/{accession}/",
        "geo2r": "no",
        "bioproject": "",
    } | entries


def recorded() -> list[Summary]:
    """Return the summaries of `shared/geo`.

    Two are as NCBI sent them; ten are put together of what its text of 15 October 2020 says, with invented dates.
    """
    found: dict[str, Summary] = {}
    for name in (
        "handmade/esummary_gds_10_h5ad_series.json",
        "eutils/esummary_gds_GSE236084_2026.json",
        "eutils/esummary_gds_GSE93374.json",
    ):
        result = json.loads((RECORDINGS / name).read_text(encoding="utf-8"))["result"]
        found |= {uid: result[uid] for uid in result["uids"]}
    return list(found.values())


def recording(name: str) -> Fault:
    """Answer with a file of `shared/geo` instead."""

    def answer(_: Asked, reply: Reply) -> Reply:
        return replace(reply, body=(RECORDINGS / name).read_bytes())

    return answer


def found_by(term: str, summaries: Iterable[Summary]) -> tuple[list[str], list[str]]:
    """Return the uids that a query finds, the newest first, and the fields that nobody knows.

    Of the language of NCBI it knows AND, brackets around parts, and the fields that this project uses.
    """
    parts = [_part(text) for text in re.split(r"\s+AND\s+", term.replace("(", " ").replace(")", " ").strip())]
    unknown = [name for _, name in parts if name not in MATCHES]
    known = [(value, MATCHES[name]) for value, name in parts if name in MATCHES]
    hits = [summary for summary in summaries if all(matches(summary, value) for value, matches in known)]
    hits.sort(key=lambda summary: (summary["pdat"], int(summary["uid"])), reverse=True)
    return [hit["uid"] for hit in hits], unknown


def _part(text: str) -> tuple[str, str]:
    found = re.fullmatch(r'\s*"?(.*?)"?\[([^\]]+)\]\s*', text)
    return (found[1], found[2].lower()) if found else (text.strip(), "")


def _has_words(summary: Summary, value: str) -> bool:
    text = f"{summary['title']} {summary['summary']}".lower()
    return all(word in text for word in value.lower().replace('"', "").split())


def _is_in_years(summary: Summary, value: str) -> bool:
    start, _, end = value.partition(":")
    return start <= summary["pdat"] <= (end or start) + "/99"


MATCHES: dict[str, Callable[[Summary, str], bool]] = {
    "": _has_words,
    "etyp": lambda summary, value: summary["entrytype"].lower() == value.lower(),
    "suppfile": lambda summary, value: value.lower() in re.split(r"[,;\s]+", summary["suppfile"].lower()),
    "orgn": lambda summary, value: value.lower() in summary["taxon"].lower(),
    "accn": lambda summary, value: summary["accession"].lower() == value.lower(),
    "pdat": _is_in_years,
    "gtyp": lambda summary, value: value.lower() in summary["gdstype"].lower(),
}


def refused(text: str, *, status: int = 200) -> Fault:
    """Answer with an error as NCBI writes them, in the place of a result."""
    return lambda _, reply: replace(reply, status=status, body=json.dumps({"error": text}).encode())


def with_status(status: int, *, retry_after: str | None = "0") -> Fault:
    """Answer with a status and a page."""
    headers = {"Content-Type": "text/html"} | ({"Retry-After": retry_after} if retry_after is not None else {})
    return lambda *_: Reply(status, f"<html><body><h1>{status}</h1></body></html>".encode(), headers)


def page(text: str = "Busy") -> Fault:
    """Answer with a page and the status 200."""
    return lambda _, reply: replace(reply, body=f"<!DOCTYPE html><html><title>{html.escape(text)}</title>".encode())


def captcha(_: Asked, reply: Reply) -> Reply:
    """Answer with a page that wants to see a person; only that there is one is known, not its text."""
    body = b'<!DOCTYPE html><html><script src="https://host.invalid/recaptcha/enterprise.js"></script></html>'
    return replace(reply, body=body, headers={"Content-Type": "text/html"})


def back_end_failed(_: Asked, reply: Reply) -> Reply:
    """Answer as when a server behind NCBI fails."""
    return replace(reply, body=json.dumps({"esummaryresult": ["NCBI C++ Exception: invented"]}).encode())


def search_failed(_: Asked, reply: Reply) -> Reply:
    """Answer as when the search behind NCBI fails."""
    return replace(reply, body=json.dumps({"esearchresult": {"ERROR": "Search Backend failed: invented"}}).encode())


def short(_: Asked, reply: Reply) -> Reply:
    """Send a whole answer that holds half of the JSON."""
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def cut(_: Asked, reply: Reply) -> Reply:
    """End the connection in the middle."""
    return replace(reply, is_cut=True)


def silent(seconds: float) -> Fault:
    """Say nothing for a while."""
    return lambda _, reply: replace(reply, hang_s=seconds)


RATE_LIMIT = refused("API rate limit exceeded")


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Keep quiet: clients that have waited long enough are gone."""


def _handler_for(server: EutilsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            at = time.monotonic()
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._answer(dict(parse_qsl(body, keep_blank_values=True)), at)

        def do_GET(self) -> None:
            self._answer(dict(parse_qsl(self.path.partition("?")[2])), time.monotonic())

        def _answer(self, form: dict[str, str], at: float) -> None:
            utility = self.path.partition("?")[0].rpartition("/")[2].removesuffix(".fcgi")
            reply = server.reply(Asked(utility, form, self.command, at))
            time.sleep(reply.hang_s)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.is_cut else reply.body)
            self.close_connection = reply.is_cut

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


def known_series() -> list[Summary]:
    """Return recorded summaries where there are some, and invented ones elsewhere."""
    return recorded() if RECORDINGS.is_dir() else [series(number) for number in range(900_001, 900_011)]


def main() -> None:
    """Serve until interrupted, and say how a shell finds the server."""
    with EutilsServer(known_series()) as server:
        print(f"export EDVIZ_GEO_EUTILS={server.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
