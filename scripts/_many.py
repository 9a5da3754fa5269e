"""What the scripts that take many files share: which files, a line for each, and how it ended."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from _cli import COLOURS, CYAN, INDENT, RED, Page, add_trusted, counted, page_of
from _progress import ProgressBar

from edviz.diagram.width import display_width, elide, pad
from edviz.plain import to_plain

if TYPE_CHECKING:
    from edviz.collection.record import Record
    from edviz.infer.result import Severity

Result = TypeVar("Result")

MOST_JOBS = 4
"""More processes than this, unasked, would surprise those who share a machine."""
AMOUNT = 10
"""Columns of the number on the line of a file, with the space before it."""
MARKS: dict[Severity, str] = {"error": "!!", "warning": "! ", "note": "  "}
FAILED = "x "
KINDS = re.compile(r"\{kind=\w+\}")
"""Kinds of factors in a design; left out where there is one line for all of it."""
TERMINATED = 128 + signal.SIGTERM


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the files to read, how many at once, and whether they are trusted."""
    parser.add_argument(
        "paths",
        metavar="FILE",
        nargs="*",
        help="the .h5ad file, or a series of GEO that has one (GSE123456, GSE123456/NAME); or several, patterns like "
        "'data/*.h5ad' and 'GSE123456/*', and folders, each of which gives a line",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=_at_least_one,
        default=min(_usable_cores(), MOST_JOBS),
        help="read N of several files at once (here: %(default)s)",
    )
    add_trusted(parser)


def is_single(args: argparse.Namespace) -> bool:
    """Say whether one file is named by its path or address, so that its result is shown at length."""
    from edviz.collection.files import is_one_file

    return is_one_file(args.paths)


class Run:
    """A run over the files that the arguments name.

    Attributes
    ----------
    locations
        The files.
    page
        Where their lines are printed.
    n_read, n_failed
        Files, and arguments that led to none, with a result so far and without.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        from edviz.collection.files import common_folder, find_files

        files = find_files(args.paths)
        self.locations = files.locations
        self.page: Page = page_of(args)
        self.n_read = self.n_failed = 0
        self._missing = files.missing
        self._jobs: int = args.jobs
        self._for_people = not args.json and getattr(args, "csv", None) != "-"
        self._folder = common_folder(self.locations)
        self._here = ""
        longest = max((display_width(self.page.text(os.path.basename(path))) for path in self.locations), default=0)
        self._names = min(longest, self.page.width * 2 // 5)

    def for_each(self, work: Callable[[str], Result], *show: Callable[[Record[Result]], None]) -> None:
        """Work on all files, say on standard error which have no result, and show every record."""
        from edviz.collection.processes import records

        # A batch system ends a run by this signal; nothing half-written may stay then, either.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
        bar = ProgressBar(len(self.locations), ascii=self.page.ascii)
        try:
            with closing(records(self.locations, work, jobs=self._jobs, waiting=bar.draw)) as found:
                every: Iterator[Record[Any]] = itertools.chain(self._missing, found)
                for record in every:
                    bar.clear()
                    self._count(record)
                    for print_or_write in show:
                        print_or_write(record)
                    sys.stdout.flush()
                    bar.n_done = self.n_read + self.n_failed - len(self._missing)
        except KeyboardInterrupt:
            bar.clear()
            print(f"stopped after {self.n_read + self.n_failed:,} of {self._all}", file=sys.stderr)
            raise
        finally:
            bar.clear()

    def heading(self, amount: str, text: str) -> None:
        """Print which files there are, and what the columns of their lines say."""
        if self.locations:
            self.page.paragraph(f"{self._all} in {self._folder}" if self._folder else self._all)
            self.page.heading(self._line("  ", "file", amount, text))

    def line(self, path: str, amount: str, text: str, gravest: Severity = "note") -> None:
        """Print the result of a file on one line, marked by its gravest finding."""
        self._go_to_folder_of(path)
        mark = MARKS[gravest]
        line = self._line(mark, os.path.basename(path), amount, text)
        print(self.page.styled(mark, COLOURS[gravest]) + line.removeprefix(mark))

    def summary(self, rows: Iterable[tuple[str, str]]) -> None:
        """Print how the run ended; rows without a value are left out."""
        if self.locations:
            failed = f", {self.n_failed:,} failed" if self.n_failed else ""
            self.page.heading(f"{counted(self.n_read, 'file')} read{failed}")
            self.page.fields((name, value) for name, value in rows if value and self.n_read)

    def gravest(self, totals: Mapping[str, int]) -> Iterator[tuple[str, str]]:
        """Yield rows of the summary on files by their gravest finding."""
        if totals["error"]:
            yield "!! error", f"in {totals['error']:,}: something cannot be compared, whatever the method"
        if totals["warning"]:
            yield "!  warning", f"in {totals['warning']:,}" + (" more" if totals["error"] else "")

    def end(self, status: int = 0) -> NoReturn:
        """Exit with a status if all files have a result, and with 1 otherwise: what was not read may hold worse."""
        sys.exit(1 if self.n_failed else status)

    def name(self, path: str) -> str:
        """Name a file by its path within the folder that holds all of them."""
        plain = path if "://" in path else os.path.normpath(path)
        return self.page.text(plain.removeprefix(os.path.join(self._folder, "") if self._folder else ""))

    @property
    def _all(self) -> str:
        return counted(len(self.locations), "file")

    def _count(self, record: Record[Any]) -> None:
        if record.error is None:
            self.n_read += 1
            return
        self.n_failed += 1
        if self._for_people and self.locations and self.page.is_terminal and sys.stderr.isatty():
            self._go_to_folder_of(record.path)
            first = f"{FAILED} {self._cell(os.path.basename(record.path))}  "
            self.page.paragraph(record.reason or "", first=first, colour=RED, file=sys.stderr)
        else:
            named = record.error if record.reason != record.error else f"{record.path}: {record.error}"
            print(self.page.text(named), file=sys.stderr)

    def _go_to_folder_of(self, path: str) -> None:
        """Print the folder of a file where it is another than that of the file before."""
        folder = os.path.dirname(self.name(path))
        if folder != self._here:
            self._here = folder
            shown = _end_of(f"{folder or '.'}/", self.page.width - len(INDENT), self._ellipsis)
            print(INDENT + self.page.styled(shown, CYAN))

    def _line(self, mark: str, name: str, amount: str, text: str) -> str:
        start = f"{mark} {self._cell(name)}{' ' * (AMOUNT - display_width(amount))}{amount}  "
        return (start + elide(self.page.text(text), self.page.width - display_width(start), self._ellipsis)).rstrip()

    def _cell(self, name: str) -> str:
        return pad(_end_of(self.page.text(name), self._names, self._ellipsis), self._names)

    @property
    def _ellipsis(self) -> str:
        return "..." if self.page.ascii else "…"


def print_json_line(record: object) -> None:
    """Print a record as one line of JSON; every character that is not ASCII is escaped."""
    print(json.dumps(to_plain(record), ensure_ascii=True, allow_nan=False))


def in_short(design: str) -> str:
    """Write a design on one line, for reading.

    >>> in_short("batch(2) == sample\\ndose(2){kind=treatment} > sample(3)")
    'batch(2) == sample; dose(2) > sample(3)'
    """
    return "; ".join(KINDS.sub("", design).splitlines()) or "no factors"


def _end_of(name: str, columns: int, ellipsis: str) -> str:
    """Shorten a name to its end, which tells files apart.

    >>> _end_of("pancreas_of_donor_12.h5ad", 13, "…")
    '…nor_12.h5ad'
    """
    return elide(name[::-1], columns, ellipsis)[::-1]


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; give 1 or more")
    return int(text)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
