"""Tables as CSV that does nothing in a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def write_csv(stream: TextIO, header: Sequence[str], rows: Iterable[Sequence[str | int | float | None]]) -> None:
    """Write a table as CSV (RFC 4180, but for line feeds as ends of lines).

    Parameters
    ----------
    stream
        Where to write.
    header
        Names of the columns.
    rows
        A cell for each column; None is written as an empty cell.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([harmless_cell(name) for name in header])
    writer.writerows([harmless_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


def harmless_cell(text: str) -> str:
    """Return text as a cell that no spreadsheet takes for a formula: with an apostrophe before it if need be.

    >>> harmless_cell("=1+1"), harmless_cell("-0.5"), harmless_cell("donor-1")
    ("'=1+1", '-0.5', 'donor-1')
    """
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    # Half a character, as a damaged file may hold, cannot be written as UTF-8.
    return ("'" if is_formula else "") + text.encode("utf-8", "backslashreplace").decode("utf-8")
