"""Compare reading over HTTP with remfile and h5py, from a server of our own that lets every request wait."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from measure import (
    LIMIT,
    MB,
    ROOT,
    Rounds,
    Row,
    Run,
    Spread,
    interleaved,
    print_costs,
    print_machine,
    print_rows,
    ratios,
    run,
    say,
    script,
    spread,
)

FILES = {"1m": 0.35, "1m_gzip": 0.5}
"""The files, and the targets of their whole reading."""
HEADER_TARGET = 0.4
NO_RANGES_RATE = 20 * MB
"""Slow enough that what lies in the buffers of the connection, sent but never read, is little."""
REMOTE_COSTS = {"wall": "s", "served": "s", "cpu": "s", "requests": "", "moved": "MB"}


@dataclass(frozen=True)
class RemoteRun(Run):
    """A run and what the server saw of it: seconds from the first request to the last byte, requests, MB."""

    served: float = 0.0
    requests: int = 0
    moved: float = 0.0


@dataclass(frozen=True)
class Served:
    """A server that is running."""

    port: int

    def url(self, name: str) -> str:
        """Return the address of a file."""
        return f"http://127.0.0.1:{self.port}/{name}.h5ad"

    def run(self, command: Sequence[str], limit: float = LIMIT) -> RemoteRun:
        """Run a command and ask the server what it served meanwhile."""
        self._counters()
        # The project refuses addresses of the machine itself unless it is told.
        done = run(command, limit=limit, environment={"EDVIZ_ALLOW_PRIVATE_ADDRESSES": "1"})
        counters = self._counters()
        return RemoteRun(
            **vars(done),
            served=counters["last"] - counters["first"],
            requests=counters["requests"],
            moved=counters["bytes"] / MB,
        )

    def _counters(self) -> dict[str, float]:
        with urlopen(f"http://127.0.0.1:{self.port}/counters") as answer:
            return json.load(answer)


def main() -> None:
    """Read the arguments, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of 1m.h5ad and 1m_gzip.h5ad, made by inference.py --make")
    parser.add_argument("--baseline", default=sys.executable, metavar="PYTHON", help="a Python with remfile and h5py")
    parser.add_argument("--delay", type=float, default=0.05, help="seconds that every request waits")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    names = [name for name in FILES if (args.folder / f"{name}.h5ad").exists()]
    if not names:
        sys.exit(f"neither {' nor '.join(FILES)} is in {args.folder}")
    if run([args.baseline, "-c", "import remfile, h5py"]).status:
        sys.exit(f"{args.baseline} has no remfile; install it in an environment of its own and name it: --baseline")
    with serving(args.folder, "--delay", str(args.delay)) as server:
        tried = server.run(script("inspect_h5ad.py", server.url(names[0]), "--json"))
        if tried.status:
            sys.exit(f"the project reads no URL: {tried.errors.strip().splitlines()[-1]}")
        print_machine()
        rounds = interleaved(_commands(server, names, args.baseline), args.rounds, runner=server.run)
    print_costs(rounds, REMOTE_COSTS)
    print_rows([*_rows(rounds, names), _without_ranges(args.folder, names[0])])


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """Run a server for as long as it is needed."""
    command = [sys.executable, str(ROOT / "benchmarks" / "range_server.py"), str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Served(int(process.stdout.readline()))
        finally:
            process.terminate()


def _commands(server: Served, names: list[str], baseline: str) -> dict[str, list[str]]:
    reading = [baseline, str(ROOT / "benchmarks" / "column_reading.py")]
    commands = {}
    for name in names:
        commands[f"project {name}"] = script("infer_design.py", server.url(name), "--json")
        commands[f"remfile {name}"] = [*reading, server.url(name), "all"]
    header = names[0]
    commands["project header"] = script("inspect_h5ad.py", server.url(header), "--json")
    commands["remfile header"] = [*reading, server.url(header), "header"]
    return commands


def _rows(rounds: Rounds, names: list[str]) -> Iterator[Row]:
    for name, target in [*((name, FILES[name]) for name in names), ("header", HEADER_TARGET)]:
        yield from ratios(
            rounds,
            [(f"project {name}", f"remfile {name}", cost, most) for cost, most in (("wall", target), ("served", None))],
        )
    for name in names:
        if f"project {name}" in rounds and f"remfile {name}" in rounds:
            stored = json.loads(rounds[f"remfile {name}"][0].output)["stored_bytes"] / MB
            moved = spread(rounds[f"project {name}"], "moved")
            yield Row(f"project {name}, columns of {stored:.1f} MB", "MB moved", moved, round(1.05 * stored + 2, 1))


def _without_ranges(folder: Path, name: str) -> Row:
    with serving(folder, "--no-ranges", "--bytes-per-second", str(NO_RANGES_RATE)) as server:
        left = server.run(script("infer_design.py", server.url(name), "--json"), limit=20)
    said = "was still reading and was killed" if left.timed_out else f"exit {left.status}, {left.errors.strip()}"
    say(f"without ranges: {said}")
    return Row("project, server without ranges", "MB moved", Spread.of([left.moved]), 2)


if __name__ == "__main__":
    main()
