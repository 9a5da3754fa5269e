"""Findings that end a script with an exit status of its own, so that a pipeline stops."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from edviz.card import CardResult
    from edviz.collection.record import Record
    from edviz.collection.row import DesignRow
    from edviz.infer import Report
    from edviz.infer.result import Finding

FOUND = 3
"""Exit status where a finding is there that must not be; 1 and 2 are errors of reading and of arguments."""
RULES = """exit status:
  0  done
  1  an error that the message explains; of many files: at least one failed
  2  wrong arguments
  3  all files were read, and something that --fail-on names was found"""


def add_fail_on(parser: argparse.ArgumentParser) -> None:
    """Add what must not be found."""
    parser.add_argument(
        "--fail-on",
        metavar="WHAT",
        action="append",
        default=[],
        type=_severity_or_id,
        help="exit with status 3, after the usual output, on a finding of this severity or a graver one (error, "
        "warning, note) or of this id, such as confounded; may be given several times",
    )


class FailOn:
    """What must not be found, and whether it was."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._named: Collection[str] = _with_graver(args.fail_on)
        self._found = False

    def look_at(self, findings: Iterable[Finding]) -> None:
        """Look at the findings of a file."""
        self._look_for(word for finding in findings for word in (finding.id, finding.severity))

    def look_at_record(self, record: Record[Report] | Record[CardResult]) -> None:
        """Look at what became of one file of many."""
        if record.result is not None:
            self.look_at(record.result.findings)

    def look_at_row(self, record: Record[DesignRow]) -> None:
        """Look at the row of one file of many, which has ids, and numbers of findings by severity."""
        row = record.result
        if row is not None:
            numbers = {"error": row.errors, "warning": row.warnings, "note": row.notes}
            self._look_for([*row.findings, *(severity for severity, n in numbers.items() if n)])

    @property
    def status(self) -> int:
        """Exit status of what was looked at."""
        return FOUND if self._found else 0

    def end(self) -> None:
        """Exit with the status of what was looked at, if it is another than 0."""
        if self._found:
            sys.stdout.flush()
            sys.exit(FOUND)

    def _look_for(self, words: Iterable[str]) -> None:
        self._found = self._found or any(word in self._named for word in words)


def _with_graver(named: Iterable[str]) -> set[str]:
    """Add to severities those that are graver; none is spelled like an id."""
    from edviz.infer.result import SEVERITIES

    wanted = set(named)
    lowest = max((SEVERITIES.index(severity) for severity in SEVERITIES if severity in wanted), default=-1)
    return wanted.union(SEVERITIES[: lowest + 1])


def _severity_or_id(text: str) -> str:
    from edviz.infer.result import SEVERITIES, FindingId

    known = (*SEVERITIES, *get_args(FindingId))
    if text in known:
        return text
    near = difflib.get_close_matches(text, known, n=2)
    right = f"did you mean {' or '.join(near)}?" if near else "ids are in references/findings.md"
    raise argparse.ArgumentTypeError(f"{text!r} is neither error, warning or note nor the id of a finding; {right}")
