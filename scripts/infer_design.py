# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13"]
# ///
"""Infer the experimental design of .h5ad files, and say what it rests on and what stays open."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from _cli import Page, add_overrides, arguments, counted, overrides_of, page_of, print_json, run
from _many import Run, add_files, in_short, is_single, print_json_line

from edviz.supervised import start_reading

if TYPE_CHECKING:
    from edviz.collection.row import DesignRow
    from edviz.infer import Inference, Report
    from edviz.infer.result import FactorReport, Severity

EXAMPLES = """examples:
  infer_design.py cells.h5ad
  infer_design.py cells.h5ad --unit donor --kind stim=treatment --ignore leiden
  infer_design.py data/ --table --csv designs.csv
  infer_design.py data/*.h5ad --json > designs.jsonl"""


def main() -> None:
    """Read the arguments, infer the design or the designs, print them."""
    parser = arguments(__doc__, examples=EXAMPLES)
    add_files(parser)
    parser.add_argument("--table", action="store_true", help="print a table of designs; with --json, its rows")
    parser.add_argument("--csv", metavar="OUT", help="write a table of designs as CSV, or print it if OUT is -")
    add_overrides(parser)
    args = parser.parse_intermixed_args()
    if args.csv == "-" and (args.json or args.table):
        parser.error("--csv - prints the table as CSV, so neither --json nor --table can be given")
    if is_single(args) and not args.table and args.csv is None:
        infer_one(args)
    else:
        infer_many(args)


def infer_one(args: argparse.Namespace) -> None:
    """Print the design of one file, and all that it rests on."""
    overrides = overrides_of(args)
    with start_reading(args.paths[0], factors=True, also=overrides.columns, trusted=args.trusted) as reading:
        from edviz.infer import infer_design  # while the file is being read

        inference = infer_design(reading.factors(), overrides)
    if args.json:
        print_json(inference.report)
    else:
        print_inference(inference, page_of(args))


def infer_many(args: argparse.Namespace) -> None:
    """Print a line of JSON, a line for people or a row of a table for every file."""
    files = Run(args)
    if args.json and not args.table and args.csv is None:
        print_reports(files, args)
    else:
        print_rows(files, args)
    files.end()


def print_reports(files: Run, args: argparse.Namespace) -> None:
    """Print all that was found in every file as JSON Lines."""
    from edviz.collection.work import report_of_file

    for record in files.records(partial(report_of_file, overrides=overrides_of(args), trusted=args.trusted)):
        print_json_line(record)


def print_rows(files: Run, args: argparse.Namespace) -> None:
    """Print the designs in short, and write them to a table if one is asked for."""
    from edviz.collection.table import writing_table
    from edviz.collection.work import row_of_file

    work = partial(row_of_file, overrides=overrides_of(args), trusted=args.trusted)
    for_people = not args.json and args.csv != "-"
    rows: list[tuple[str, DesignRow]] = []
    totals = Counter[str]()
    with writing_table(args.csv) if args.csv else nullcontext() as write:
        if for_people and not args.table:
            files.heading("n_obs", "design")
        for record in files.records(work):
            if write is not None:
                write(record)
            if args.json:
                print_json_line(record)
            elif record.result is not None and for_people:
                totals.update(_counts(record.result))
                if args.table:
                    rows.append((files.name(record.path), record.result))
                else:
                    _print_line(files, record.path, record.result)
    if for_people:
        if rows:
            print_table(rows, files.page)
        files.summary([*_told(files, totals), ("table", args.csv or "")])


def print_table(rows: list[tuple[str, DesignRow]], page: Page) -> None:
    """Print designs as a table for people, each with its text below the name of its file."""
    header = ["file, design", "n_obs", "unit, conditions, findings"]
    page.heading("Designs")
    page.table(header, [_cells(name, row) for name, row in rows], numbers=["n_obs"])


def _cells(name: str, row: DesignRow) -> list[str]:
    from edviz.collection.table import unit_text

    told = ["no unit found" if row.unit is None else f"unit {unit_text(row)}({row.n_units})"]
    told += [f"{condition.name}({condition.n_levels})" for condition in row.conditions]
    told += [f"batch {name}" for name in row.batches] + (["paired"] if row.paired else [])
    counts = [(row.errors, "error"), (row.warnings, "warning"), (row.questions, "question")]
    told += [counted(n, noun) for n, noun in counts if n]
    return [f"{name}\n{in_short(row.design)}\n", f"{row.n_obs:,}", "\n".join([*told, ""])]


def _print_line(files: Run, path: str, row: DesignRow) -> None:
    files.line(path, f"{row.n_obs:,}", in_short(row.design), _gravest(row))


def _gravest(row: DesignRow) -> Severity:
    return "error" if row.errors else "warning" if row.warnings else "note"


def _counts(row: DesignRow) -> dict[str, int]:
    return {
        "observations": row.n_obs,
        "unit": row.unit is not None,
        "conditions": bool(row.conditions),
        _gravest(row): 1,
        "questions": bool(row.questions),
    }


def _told(files: Run, totals: Counter[str]) -> Iterator[tuple[str, str]]:
    yield "observations", f"{totals['observations']:,}"
    yield "unit found", f"in {totals['unit']:,} of {files.n_read:,}"
    yield "conditions", f"in {totals['conditions']:,} of {files.n_read:,}"
    yield from files.gravest(totals)
    if totals["questions"]:
        yield "questions", f"in {totals['questions']:,}; infer_design.py FILE asks them"


def print_inference(inference: Inference, page: Page) -> None:
    """Print an inferred design for people."""
    from edviz.diagram import render
    from edviz.grammar import dumps

    report = inference.report
    text = dumps(inference.design, ascii=page.ascii)
    page.block(render(inference.design, width=page.width, ascii=page.ascii, text="", totals=inference.totals))
    page.heading("Design")
    for line in text.splitlines() or ["no factors"]:
        page.paragraph(line, first="  ", indent="    ")
    print()
    page.fields(_fields(report))
    if drawn := [factor for factor in report.factors if factor.in_design]:
        page.heading("Factors")
        page.table(["factor", "levels", "kind", "because"], map(_row, drawn), numbers=["levels"])
    if report.findings:
        page.heading("Findings")
        page.findings(report.findings)
    if report.questions:
        page.heading("Questions that the data cannot settle")
        page.questions(report.questions)


def _fields(report: Report) -> Iterator[tuple[str, str]]:
    yield "observations", f"{report.n_obs:,}"
    yield "unit", _unit(report)
    if report.given:
        yield "given", "; ".join(report.given)
    if others := [factor.name for factor in report.factors if not factor.in_design]:
        yield "not drawn", ", ".join(others)
    if aside := [column.column for column in report.set_aside]:
        yield "set aside", f"{counted(len(aside), 'column')}; list_factors.py says why"


def _unit(report: Report) -> str:
    if report.unit is None:
        return "none found"
    columns = " × ".join(report.unit.columns) or "every observation"
    origin = "given" if report.unit.given else "; ".join(report.unit.evidence)
    return f"{columns}, {counted(report.unit.n_units, 'unit')}" + (f" ({origin})" if origin else "")


def _row(factor: FactorReport) -> list[str]:
    kind = factor.kind if factor.given or factor.confidence != "low" else f"{factor.kind}?"
    return [factor.name, f"{factor.n_levels:,}", kind, "; ".join(factor.evidence)]


if __name__ == "__main__":
    run(main)
