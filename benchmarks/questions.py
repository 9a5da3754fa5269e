"""Put in the way of questions to GEO what NCBI is known to answer instead: what a person sees then.

Run as `python -m benchmarks.questions` from the root of the repository: the servers are those of the tests, the
commands are scripts in cold processes, each with a folder of its own for what it keeps.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import print_table
from tests.geo import server as eutils_faults
from tests.geo.download import faults as file_faults
from tests.geo.files_server import CAPTCHA, FORBIDDEN, HTML, FilesServer
from tests.geo.server import EutilsServer, series
from tests.geo.trial import fill
from tests.remote.server import Reply

ROOT = Path(__file__).resolve().parents[1]
ONE = "GSE999001"
SEARCH, LIST, LOOK = ("search_geo.py", "invented"), ("list_geo_files.py", ONE), ("inspect_h5ad.py", ONE)
AT_ONCE = 4
LONGEST_SAID = 300
MOST_SECONDS = 280
ALWAYS = 9
"""Times that a fault is met if it does not pass: more often than anything is asked again."""


@dataclass(frozen=True)
class Place:
    """Both servers, and a folder for what commands keep."""

    eutils: EutilsServer
    files: FilesServer
    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a script."""
        environment = os.environ | {
            "EDVIZ_GEO_EUTILS": self.eutils.url,
            "EDVIZ_GEO_FILES": self.files.origin,
            "EDVIZ_GEO_STATE": str(self.folder / "state"),
            "EDVIZ_ALLOW_PRIVATE_ADDRESSES": "1",
            "COLUMNS": "100",
        }
        return subprocess.run(
            [sys.executable, str(ROOT / "scripts" / command[0]), *command[1:]],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )


@dataclass(frozen=True)
class Case:
    """What goes wrong, and the command that meets it."""

    what: str
    command: Sequence[str]
    happens: Callable[[Place], None]


def cases() -> tuple[Case, ...]:
    """Return all that is tried."""
    of_eutils = (
        ("HTTP 429 with Retry-After, once", [eutils_faults.with_status(429, retry_after="1")]),
        ("HTTP 429, always", [eutils_faults.with_status(429)] * ALWAYS),
        ("HTTP 429, asks to wait an hour", [eutils_faults.with_status(429, retry_after="3600")] * ALWAYS),
        ("rate limit exceeded with HTTP 200, once", [eutils_faults.RATE_LIMIT]),
        ("HTTP 500, once", [eutils_faults.with_status(500)]),
        ("HTTP 503, always", [eutils_faults.with_status(503)] * ALWAYS),
        ("web page with HTTP 200, once", [eutils_faults.page()]),
        ("web page with HTTP 200, always", [eutils_faults.page()] * ALWAYS),
        ("page with a captcha, always", [eutils_faults.captcha] * ALWAYS),
        ("half of the JSON, once", [eutils_faults.short]),
        ("connection dropped, once", [eutils_faults.cut]),
        ("connection dropped, always", [eutils_faults.cut] * ALWAYS),
        ("search backend failed, always", [eutils_faults.search_failed] * ALWAYS),
        ("silence, once", [eutils_faults.silent(40)]),
        ("HTTP 400", [eutils_faults.with_status(400)] * ALWAYS),
        ("HTTP 414", [eutils_faults.with_status(414)] * ALWAYS),
        ("records fail after the search", [_passed, *[eutils_faults.back_end_failed] * ALWAYS]),
    )
    of_folders = (
        ("HTTP 403, once", [_forbidden]),
        ("HTTP 403, always", [_forbidden] * ALWAYS),
        ("HTTP 404", [file_faults.status(404)] * ALWAYS),
        ("HTTP 503, always", [file_faults.status(503)] * ALWAYS),
        ("page with a captcha, always", [_captcha] * ALWAYS),
        ("web page that is no list", [file_faults.page] * ALWAYS),
        ("folder cut off in the middle, once", [file_faults.cut(300)]),
        ("redirect to another host", [file_faults.to("https://example.org/")]),
    )
    of_parts = (
        ("HTTP 403, once", [None, None, _forbidden]),
        ("HTTP 404", [None, None, *[file_faults.status(404)] * ALWAYS]),
        ("HTTP 416", [None, None, *[file_faults.status(416)] * ALWAYS]),
        ("HTTP 503, always", [None, None, *[file_faults.status(503)] * 4 * ALWAYS]),
        ("web page instead of a part", [None, None, *[file_faults.page] * ALWAYS]),
        ("connection dropped in a part, once", [None, None, file_faults.cut(1000)]),
        ("another range than asked for", [None, None, *[file_faults.other_range("bytes 0-9/10")] * ALWAYS]),
    )
    return (
        *(
            Case(f"search: {what}", SEARCH, lambda place, faults=faults: place.eutils.fail(*faults))
            for what, faults in of_eutils
        ),
        Case("search: NCBI is not there", SEARCH, lambda place: place.eutils.__exit__()),
        Case("search: one record is missing", SEARCH, lambda place: place.eutils.unknown.add("200999002")),
        *(
            Case(f"files: {what}", LIST, lambda place, faults=faults: place.files.faults.extend(faults))
            for what, faults in of_folders
        ),
        *(
            Case(f"parts: {what}", LOOK, lambda place, faults=faults: place.files.faults.extend(faults))
            for what, faults in of_parts
        ),
        Case("parts: E-utilities are not there", LOOK, lambda place: place.eutils.__exit__()),
    )


def main() -> None:
    """Run all, print the table; exit 1 if a command ended in a traceback."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(lambda case: _met(case, Path(folder)), cases()))
    print_table(["fault", "requests", "seconds", "exit", "what a person sees"], rows)
    sys.exit(any("Traceback" in row[-1] for row in rows))


def _met(case: Case, folder: Path) -> tuple[str, ...]:
    with _place(folder) as place:
        case.happens(place)
        start = time.monotonic()
        done = place.run(*case.command)
        seconds = time.monotonic() - start
        n_requests = len(place.eutils.asked) + len(place.files.asked)
        return (case.what, str(n_requests), f"{seconds:.0f}", str(done.returncode), _said(done))


def _said(done: subprocess.CompletedProcess[str]) -> str:
    said = " ".join(done.stderr.split()) if done.returncode else f"the answer: {' '.join(done.stdout.split())}"
    shown = said if len(said) <= LONGEST_SAID or "Traceback" in said else f"{said[:LONGEST_SAID]}…"
    return shown.replace("|", "/").replace("─", "")


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    known = [series(999_000 + number) for number in range(1, 5)]
    with FilesServer() as files, EutilsServer(known) as eutils:
        fill(files)
        yield Place(eutils, files, Path(tempfile.mkdtemp(dir=folder)))


def _passed(_: object, reply: eutils_faults.Reply) -> eutils_faults.Reply:
    return reply


def _forbidden(*_: object) -> Reply:
    return Reply(403, FORBIDDEN, dict(HTML))


def _captcha(*_: object) -> Reply:
    return Reply(200, CAPTCHA, dict(HTML))


if __name__ == "__main__":
    main()
