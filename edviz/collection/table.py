"""The table of designs as a CSV file."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edviz.collection.record import Record
from edviz.collection.row import ConditionRow, DesignRow
from edviz.diagram.width import printable
from edviz.errors import OutputError
from edviz.output import writing

HEADER = (
    "path",
    "n_obs",
    "unit",
    "n_units",
    "conditions",
    "batches",
    "blocks",
    "paired",
    "errors",
    "warnings",
    "findings",
    "questions",
    "design",
    "error",
)
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def writing_table(output: str) -> Iterator[Callable[[Record[DesignRow]], None]]:
    """Write a CSV file of designs row by row; it is there when all rows are.

    Columns are those of `HEADER`; several values in one cell are separated by "; ". A cell that a spreadsheet
    would take for a formula has an apostrophe in front, as names come from files of others.

    Parameters
    ----------
    output
        Path of the file, or - for standard output.

    Yields
    ------
    A function that writes one record.

    Raises
    ------
    OutputError
        If the file cannot be written, or something that is no table of designs is in its place.
    """
    if output == "-":
        yield _writer(sys.stdout)
        return
    target = Path(output)
    _require_table_or_nothing(target)
    with writing(target) as stream:
        yield _writer(stream)


def condition_text(condition: ConditionRow) -> str:
    """Say a condition with its levels.

    Examples
    --------
    >>> condition_text(ConditionRow("dose", "treatment", 3, ("low", "high"), (), True))
    'dose(3): low, high, …'
    """
    more = ["…"] if condition.n_levels > len(condition.levels) else []
    return f"{condition.name}({condition.n_levels}): {', '.join([*condition.levels, *more])}"


def unit_text(row: DesignRow) -> str:
    """Name the unit of a design; empty if none was found."""
    if row.unit is None:
        return ""
    return " × ".join(row.unit) or "every observation"


def one_line(design: str) -> str:
    """Write the statements of a design on one line."""
    return "; ".join(design.splitlines())


def _writer(stream: TextIO) -> Callable[[Record[DesignRow]], None]:
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(HEADER)

    def write(record: Record[DesignRow]) -> None:
        rows.writerow([_cell(value) for value in _values(record)])

    return write


def _values(record: Record[DesignRow]) -> list[object]:
    row = record.result
    if row is None:
        return [record.path, *[""] * (len(HEADER) - 2), record.error]
    return [
        record.path,
        row.n_obs,
        unit_text(row),
        "" if row.n_units is None else row.n_units,
        "; ".join(map(condition_text, row.conditions)),
        "; ".join(row.batches),
        "; ".join(dict.fromkeys(block for condition in row.conditions for block in condition.blocks)),
        "yes" if row.paired else "no",
        row.errors,
        row.warnings,
        "; ".join(row.findings),
        row.questions,
        one_line(row.design),
        "",
    ]


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _require_table_or_nothing(target: Path) -> None:
    try:
        if not target.exists():
            return
        with target.open("rb") as file:
            start = file.read(len(",".join(HEADER)))
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from error
    if start != ",".join(HEADER).encode():
        raise OutputError(f"{target} exists and is not a table of designs; choose another output, or remove it first")
