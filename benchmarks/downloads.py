"""Interrupt and mislead downloads in every way: what a person sees, what is left, and what the next call makes of it.

Run as `python -m benchmarks.downloads` from the root of the repository: the server is that of the tests, the command is
`download_geo.py` in cold processes. Beside the table, one download is interrupted 20 times at random.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.measure import print_table
from tests.geo.download import faults
from tests.geo.files_server import FilesServer
from tests.geo.server import EutilsServer
from tests.remote.server import Asked, Fault, Reply

ROOT = Path(__file__).resolve().parents[1]
SERIES, NAME = "GSE900001", "GSE900001_cells.csv.gz"
BODY = gzip.compress(random.Random(1).randbytes(6_000_000), compresslevel=1)
HALF = len(BODY) // 2
STALL_SECONDS = 2
ATTEMPTS = 6
"""Of the command, before it gives up what brings nothing."""
AT_ONCE = 4
MOST_SECONDS = 300


@dataclass(frozen=True)
class Case:
    """What goes wrong, how often, and how the command is run."""

    what: str
    faults: Sequence[Fault] = ()
    arguments: Sequence[str] = ()
    signal: int | None = None
    limit: int | None = None
    before: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Place:
    """A server, and a folder of its own for each case."""

    server: FilesServer
    eutils: EutilsServer
    folder: Path

    @property
    def target(self) -> Path:
        """Where the file is to be."""
        return self.folder / SERIES / NAME

    @property
    def part(self) -> Path:
        """What has arrived of it."""
        return self.target.with_name(NAME + ".part")

    def start(self, *arguments: str, limit: int | None = None) -> subprocess.Popen[str]:
        """Start the command."""
        environment = os.environ | {
            "EDVIZ_GEO_FILES": self.server.origin,
            "EDVIZ_GEO_EUTILS": self.eutils.url,
            "EDVIZ_GEO_STATE": str(self.folder / "state"),
            "EDVIZ_GEO_STALL_SECONDS": str(STALL_SECONDS),
            "COLUMNS": "100",
        }
        limits = None if limit is None else partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
        return subprocess.Popen(
            [sys.executable, str(ROOT / "scripts/download_geo.py"), SERIES, "--file", NAME, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=limits,
        )

    def is_whole(self) -> bool:
        """Say whether the file is the one of the server, by its SHA-256."""
        return self.target.is_file() and _sha256(self.target.read_bytes()) == _sha256(BODY)


def cases() -> tuple[Case, ...]:
    """Return all that is tried."""
    forever = ATTEMPTS + 1
    return (
        Case("nothing"),
        Case("HTTP 403, once", [faults.status(403)]),
        Case("HTTP 403, always", [faults.status(403)] * forever),
        Case("HTTP 404", [faults.status(404)]),
        Case("HTTP 416, of the rest", [faults.cut(HALF), faults.status(416)]),
        Case("HTTP 429 with Retry-After, once", [faults.status(429, Retry_After="1")]),
        Case("HTTP 429, always", [faults.status(429)] * forever),
        Case("HTTP 503, once", [faults.status(503)]),
        Case("HTTP 500, always", [faults.status(500)] * forever),
        Case("silence in the middle, once", [faults.stall(HALF)]),
        Case("silence, always", [faults.stall(0)] * forever),
        Case("connection dropped in the middle, once", [faults.cut(HALF)]),
        Case("connection dropped, always", [faults.cut(0)] * forever),
        Case("last byte missing, once", [faults.cut(len(BODY) - 1)]),
        Case("web page instead of the file", [faults.page]),
        Case("web page without a type", [faults.page_without_a_type]),
        Case("another length than listed", [faults.of_length(1000)]),
        Case("more bytes than announced", [faults.endless]),
        Case("encoded against our wish", [faults.encoded]),
        Case("whole file sent for the rest", [faults.cut(HALF), _all_of_it]),
        Case("another range sent than the rest", [faults.cut(HALF), faults.other_range("bytes 0-9/10")]),
        Case("another version while it comes", [faults.cut(HALF), _other_version]),
        Case("redirect to another host", [faults.to("https://example.org/cells.csv.gz")]),
        Case("redirect in circles", [faults.to(f"/geo/series/GSE900nnn/{SERIES}/suppl/{NAME}")] * forever),
        Case("bytes damaged on the way", [_damaged]),
        Case("Ctrl-C in the middle", [faults.stall(HALF)], signal=signal.SIGINT),
        Case("SIGTERM in the middle", [faults.stall(HALF)], signal=signal.SIGTERM),
        Case("SIGKILL in the middle", [faults.stall(HALF)], signal=signal.SIGKILL),
        Case("limit of the system on the size of files", limit=HALF),
        Case("more than the cap", arguments=["--max-size", "1MB"]),
        Case("another file in its place", before=_put_another),
    )


def main() -> None:
    """Run all cases, print the table, then interrupt one download again and again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=6, help="of the interruptions")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            rows = list(pool.map(lambda pair: _row(pair[1], Path(folder) / str(pair[0])), enumerate(cases())))
        rows.append(_full_disk(Path(folder) / "disk"))
        print_table(["fault", "requests", "exit", "what a person sees", "left behind", "next call"], rows)
        is_good = all(row[-1].startswith("whole") for row in rows if row[-1])
        is_same = _interrupted(Path(folder) / "interrupted", args.seed)
    sys.exit(0 if is_good and is_same else 1)


def _row(case: Case, folder: Path) -> tuple[str, ...]:
    with _place(folder) as place:
        place.server.fault = faults.of_file(NAME, *case.faults)
        if case.before is not None:
            case.before(place.target)
        child = place.start(*case.arguments, limit=case.limit)
        if case.signal is not None:
            _wait_for(place, HALF)
            child.send_signal(case.signal)
        status, seen = _end(child)
        return (case.what, _requests(place), str(status), seen, _left(place), _next(place, case))


def _next(place: Place, case: Case) -> str:
    """Call again with nothing in the way, and say whether the file is whole then."""
    if case.before is not None:
        return "whole" if place.target.read_bytes() == b"precious" else "REPLACED"
    place.server.fault = None
    before = len(place.server.asked)
    status, seen = _end(place.start())
    if status or not place.is_whole():
        return f"NOT WHOLE: {seen}"
    asked = [one.range or "all of it" for one in place.server.asked[before:] if one.method == "GET"][1:]
    return "whole" + (f", asked for {asked[-1]}" if asked else ", nothing asked")


def _full_disk(folder: Path) -> tuple[str, ...]:
    """Let a disk of its own fill up while a file arrives, where one can be mounted."""
    folder.mkdir()
    megabytes = 300
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)],  # noqa: S607
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        return ("disk fills up in the middle", "", "", "not tried: no file system can be mounted here", "", "")
    try:
        with _place(folder / "case") as place:
            place.server.fault = faults.of_file(NAME, _pausing)
            child = place.start()
            _wait_for(place, 1)
            filler = folder / "filler"
            with filler.open("wb") as file:
                free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
                file.write(bytes(free - HALF))
            status, seen = _end(child)
            left = _left(place)
            requests = _requests(place)
            filler.unlink()
            return ("disk fills up in the middle", requests, str(status), seen, left, _next(place, Case("")))
    finally:
        subprocess.run(["umount", str(folder)], check=False)  # noqa: S607


def _interrupted(folder: Path, seed: int) -> bool:
    """Interrupt a download 20 times at random, and say whether it ends as the same bytes."""
    chance, there = random.Random(seed), 0
    hows = ("SIGKILL", "SIGINT", "SIGTERM", "dropped, then HTTP 404")
    rows = []
    with _place(folder) as place:
        for number in range(20):
            gain = chance.randrange(1, 2 * (len(BODY) - there) // (21 - number))
            there, how = there + gain, chance.choice(hows)
            is_signal = how.startswith("SIG")
            happens = [faults.stall(gain)] if is_signal else [faults.cut(gain), faults.status(404)]
            place.server.fault = faults.of_file(NAME, *happens)
            child = place.start()
            if is_signal:
                _wait_for(place, there)
                child.send_signal(signal.Signals[how])
            status, _ = _end(child)
            kept = place.part.read_bytes()
            rows.append((str(number + 1), how, f"{there:,}", str(status), "yes" if kept == BODY[:there] else "NO"))
        place.server.fault = None
        status, _ = _end(place.start())
        print()
        print_table(["interruption", "how", "bytes there", "exit", "are those of the file"], rows)
        found = _sha256(place.target.read_bytes())
        print(f"\nthen: exit {status}, SHA-256 {found}\nfile on the server:  {_sha256(BODY)}")
        return found == _sha256(BODY) and all(row[-1] == "yes" for row in rows)


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    folder.mkdir()
    with FilesServer() as server, EutilsServer([]) as eutils:
        server.add(SERIES, NAME, BODY)
        yield Place(server, eutils, folder)


def _end(child: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = child.communicate(timeout=MOST_SECONDS)
    lines = errors.strip().splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("1 file,")), -1)
    said = " ".join(" ".join(lines[start + 1 :]).split()).replace("|", "/")
    return child.returncode, said or ("the file and its record" if child.returncode == 0 else "nothing")


def _wait_for(place: Place, n_bytes: int) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not place.part.exists() or place.part.stat().st_size < n_bytes:
        if time.monotonic() > deadline:
            sys.exit("a download did not come as far as it should")
        time.sleep(0.01)


def _left(place: Place) -> str:
    if place.target.exists():
        return "the whole file" if place.is_whole() else "what was there"
    return f"{place.part.stat().st_size:,} bytes in .part" if place.part.exists() else "nothing"


def _requests(place: Place) -> str:
    return str(sum(one.method == "GET" and one.path.endswith(NAME) for one in place.server.asked))


def _other_version(asked: Asked, reply: Reply) -> None:
    reply.headers["ETag"] = '"second"'


def _all_of_it(asked: Asked, reply: Reply) -> Reply:
    return Reply(200, BODY, {"ETag": reply.headers["ETag"]})


def _damaged(asked: Asked, reply: Reply) -> None:
    reply.body = reply.body[:HALF] + bytes(100) + reply.body[HALF + 100 :]


def _pausing(asked: Asked, reply: Reply) -> None:
    reply.send, reply.hang_s, reply.is_cut = 1000, STALL_SECONDS / 2, True


def _put_another(target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"precious")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main()
