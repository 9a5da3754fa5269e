"""Running commands as cold processes, in rounds, and comparing what they cost."""

from __future__ import annotations

import os
import platform
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[1]
MB = 1_000_000
LIMIT = 600.0
"""Seconds after which a command is taken to hang."""
MOST_ADDRESS_SPACE = 8 * 1024**3
"""Bytes; a command that asks for more fails by itself, instead of taking the memory of the whole machine."""


@dataclass(frozen=True)
class Run:
    """One command, from its start to its end.

    Attributes
    ----------
    wall, cpu
        Seconds; `cpu` is user and system time of the process and of all descendants that were waited for.
    peak
        Megabytes: the largest resident set of any single one of these processes, not of all of them together.
    status
        The exit code, or the negative number of the signal that ended the process.
    """

    wall: float
    cpu: float
    peak: float
    status: int
    output: str
    errors: str
    timed_out: bool = False


@dataclass(frozen=True)
class Spread:
    """A median with the lowest and the highest value."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Summarise values."""
        ordered = sorted(values)
        return cls(median(ordered), ordered[0], ordered[-1])

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.lowest:.3f}-{self.highest:.3f}]"


@dataclass(frozen=True)
class Row:
    """A line of the table of results: a ratio, or another number, and the most that it may be."""

    what: str
    cost: str
    found: Spread
    target: float | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the line as text."""
        if self.target is None:
            return self.what, self.cost, str(self.found), "", ""
        met = "yes" if self.found.median <= self.target else "NO"
        return self.what, self.cost, str(self.found), f"<= {self.target:g}", met


Rounds = Mapping[str, Sequence[Run]]
COSTS = {"wall": "s", "cpu": "s", "peak": "MB"}
"""What a run costs, by the names of its attributes, and the units."""


def script(name: str, *arguments: str | Path) -> list[str]:
    """Return the command that runs a script of the project."""
    return [sys.executable, str(ROOT / "scripts" / name), *map(str, arguments)]


def run(command: Sequence[str], *, limit: float = LIMIT, environment: Mapping[str, str] | None = None) -> Run:
    """Run a command and wait for it; kill it with all that it started when it takes longer than the limit.

    The kernel starts the peak of a new process at the size of the one that starts it, so whoever calls this must be
    smaller than what is measured: no numpy, no h5py.
    """
    # Inherited by what is started; the caller needs far less.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESS_SPACE, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        pid = os.posix_spawn(
            command[0],
            command,
            {**os.environ, **(environment or {})},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, errors.fileno(), 2),
            ],
            setpgroup=0,
        )
        overdue = threading.Event()
        timer = threading.Timer(limit, _kill_group, (pid, overdue))
        timer.start()
        try:
            _, status, usage = os.wait4(pid, 0)
        except BaseException:
            # Interrupted: the command is in a group of its own, where the interrupt does not reach it.
            _kill_group(pid, overdue)
            raise
        finally:
            timer.cancel()
        wall = time.perf_counter() - start
        return Run(
            wall=wall,
            cpu=usage.ru_utime + usage.ru_stime,
            peak=usage.ru_maxrss * 1024 / MB,
            status=os.waitstatus_to_exitcode(status),
            output=_text(output),
            errors=_text(errors),
            timed_out=overdue.is_set(),
        )


def interleaved(
    commands: Mapping[str, Sequence[str]], rounds: int, *, runner: Callable[[Sequence[str]], Run] = run
) -> Rounds:
    """Run all commands in turn, round after round, so that a busy moment of the machine meets all of them.

    A round before the first fills caches and is not counted. A command that fails is left out from then on.
    """
    done: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name in list(done):
            found = runner(commands[name])
            if number:
                done[name].append(found)
            if found.status:
                say(f"{name} is left out, it ended with {found.status}: {found.errors.strip()[-500:]}")
                del done[name]
        say(f"round {number} of {rounds}")
    return done


def spread(runs: Iterable[Run], cost: str) -> Spread:
    """Summarise a cost of one command."""
    return Spread.of(getattr(run, cost) for run in runs)


def ratios(rounds: Rounds, comparisons: Iterable[tuple[str, str, str, float | None]]) -> Iterator[Row]:
    """Compare commands within each round: of every comparison the two names, the cost, and the target of a / b."""
    for a, b, cost, target in comparisons:
        if a in rounds and b in rounds:
            pairs = zip(rounds[a], rounds[b], strict=True)
            found = Spread.of(getattr(one, cost) / getattr(other, cost) for one, other in pairs)
            yield Row(f"{a} / {b}", cost, found, target)


def print_costs(rounds: Rounds, costs: Mapping[str, str] = COSTS) -> None:
    """Print what each command took: median, lowest and highest."""
    header = ["command", *(f"{cost} ({unit})" if unit else cost for cost, unit in costs.items())]
    print_table(header, [[name, *(str(spread(runs, cost)) for cost in costs)] for name, runs in rounds.items()])


def print_rows(rows: Iterable[Row]) -> None:
    """Print results beside their targets."""
    print_table(["compared", "by", "median [min-max]", "target", "met"], [row.cells() for row in rows])


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    print()
    for row in (header, ["---"] * len(header), *rows):
        print("|", " | ".join(row), "|")
    sys.stdout.flush()


def print_machine() -> None:
    """Print where this was measured, as the numbers mean little without it."""
    packages = ", ".join(f"{name} {_version(name)}" for name in ("h5py", "numpy", "anndata", "pandas"))
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}; load {load:.1f} at the start")


def say(text: str) -> None:
    """Tell a person who waits how far it is."""
    print(text, file=sys.stderr)


def _kill_group(pid: int, overdue: threading.Event) -> None:
    overdue.set()
    # It may have ended this very moment.
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
