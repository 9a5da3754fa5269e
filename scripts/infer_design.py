# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""Infer the experimental design of .h5ad files, and say what it rests on and what stays open."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from _cli import Page, add_overrides, amount_read, arguments, counted, overrides_of, page_of, print_json, run
from _fail_on import RULES, FailOn, add_fail_on
from _geo import find_places
from _many import Run, add_files, in_short, is_single, print_json_line

from edviz.errors import OutputError
from edviz.output import refuse_to_replace, writing
from edviz.supervised import start_reading

if TYPE_CHECKING:
    from edviz.collection.record import Record
    from edviz.collection.row import DesignRow
    from edviz.infer import Inference, Report
    from edviz.infer.result import FactorReport, Severity
    from edviz.remote import RemoteReport

EXAMPLES = """examples:
  infer_design.py cells.h5ad
  infer_design.py cells.h5ad --unit donor --kind stim=treatment --ignore leiden
  infer_design.py GSE123456
  infer_design.py cells.h5ad --sample-sheet samples.csv
  infer_design.py data/ --table --csv designs.csv
  infer_design.py data/*.h5ad --json > designs.jsonl
  infer_design.py data/ --background
  infer_design.py data/*.h5ad --fail-on error --fail-on no_unit"""


def main() -> None:
    """Read the arguments, infer the design or the designs, print them."""
    parser = arguments(__doc__, examples=f"{EXAMPLES}\n\n{RULES}")
    add_files(parser)
    parser.add_argument("--table", action="store_true", help="print a table of designs; with --json, its rows")
    parser.add_argument("--csv", metavar="OUT", help="write a table of designs as CSV, or print it if OUT is -")
    parser.add_argument(
        "--background", action="store_true", help="start a job that writes records and table; jobs.py shows it"
    )
    add_fail_on(parser)
    add_overrides(parser)
    add_tables(parser)
    args = parser.parse_intermixed()
    if args.csv == "-" and (args.json or args.table):
        parser.error("--csv - prints the table as CSV, so neither --json nor --table can be given")
    if args.background and (args.csv is not None or args.table or args.fail_on):
        parser.error(
            "--background goes without --table, --csv and --fail-on: the job writes its tables into its folder"
        )
    args.paths = list(find_places(args.paths, args).places)
    wants_tables = args.sample_sheet is not None or args.factor_table is not None
    if wants_tables and not (is_single(args) and not args.table and args.csv is None):
        parser.error("--sample-sheet and --factor-table are of one FILE, without --table and --csv")
    if args.background:
        infer_in_background(args)
    elif is_single(args) and not args.table and args.csv is None:
        infer_one(args)
    else:
        infer_many(args)


def infer_one(args: argparse.Namespace) -> None:
    """Print the design of one file, and all that it rests on."""
    overrides = overrides_of(args)
    with start_reading(args.paths[0], factors=True, also=overrides.columns, trusted=args.trusted) as reading:
        from edviz.infer import infer_design  # while the file is being read

        inference = infer_design(reading.factors(), overrides)
        remote = reading.report()
    write_tables(inference, args)
    if args.json:
        print_json(inference.report, remote)
    else:
        print_inference(inference, page_of(args), remote)
    limits = FailOn(args)
    limits.look_at(inference.report.findings)
    limits.end()


def infer_in_background(args: argparse.Namespace) -> None:
    """Start a job, and print its handle."""
    from mcp_server.jobs.designs import request_for
    from mcp_server.jobs.start import start_job

    request = request_for(args.paths, overrides_of(args), processes=args.jobs, trusted=args.trusted)
    status = start_job("infer_designs", request)
    if args.json:
        print_json(status)
    else:
        page_of(args).paragraph(f"job {status.id} is started; jobs.py wait {status.id} waits for it")


def add_tables(parser: argparse.ArgumentParser) -> None:
    """Add the tables that can be written beside the answer."""
    group = parser.add_argument_group("tables to write")
    group.add_argument("--sample-sheet", metavar="OUT.csv", help="the experimental units, a row each")
    group.add_argument("--with-constants", action="store_true", help="add columns with one level to the sample sheet")
    group.add_argument("--factor-table", metavar="OUT.md", help="the candidate factors with their evidence")


def write_tables(inference: Inference, args: argparse.Namespace) -> None:
    """Write the tables that were asked for."""
    outputs = [Path(output) for output in (args.sample_sheet, args.factor_table) if output is not None]
    for output in outputs:
        refuse_to_replace(output, args.paths[0])
    if len({output.resolve() for output in outputs}) < len(outputs):
        raise OutputError(f"{outputs[0]} cannot hold both tables; name two outputs")
    if args.sample_sheet is not None:
        from edviz.export.sample_sheet import sample_sheet, write_sample_sheet

        sheet = sample_sheet(inference, constants=args.with_constants)
        with writing(Path(args.sample_sheet)) as stream:
            write_sample_sheet(sheet, stream)
    if args.factor_table is not None:
        from edviz.export.factor_table import factors_to_markdown

        with writing(Path(args.factor_table)) as stream:
            stream.write(factors_to_markdown(inference.report) + "\n")


def infer_many(args: argparse.Namespace) -> None:
    """Print a line of JSON, a line for people or a row of a table for every file."""
    from edviz.collection.work import report_of_file, row_of_file

    files, limits = Run(args), FailOn(args)
    overrides, trusted = overrides_of(args), args.trusted
    if args.json and not args.table and args.csv is None:
        work = partial(report_of_file, overrides=overrides, trusted=trusted)
        files.for_each(work, limits.look_at_record, print_json_line)
    else:
        show_rows(files, partial(row_of_file, overrides=overrides, trusted=trusted), args, limits)
    files.end(limits.status)


def show_rows(files: Run, work: Callable[[str], DesignRow], args: argparse.Namespace, limits: FailOn) -> None:
    """Show the designs in short, as lines or as a table, for people, for programs or for a spreadsheet."""
    from edviz.collection.table import writing_table

    show: list[Callable[[Record[DesignRow]], None]] = [limits.look_at_row]
    designs = None
    with ExitStack() as stack:
        if args.csv is not None:
            show.append(stack.enter_context(writing_table(args.csv)))
        if args.json:
            show.append(print_json_line)
        elif args.csv != "-":
            designs = Designs(files, as_table=args.table)
            show.append(designs.add)
        files.for_each(work, *show)
    if designs is not None:
        designs.print_end(args.csv)


class Designs:
    """The designs of many files on a page for people: a line for each as it comes, or a table at the end."""

    def __init__(self, files: Run, *, as_table: bool) -> None:
        self._files = files
        self._as_table = as_table
        self._rows: list[tuple[str, DesignRow]] = []
        self._totals = Counter[str]()
        if not as_table:
            files.heading("n_obs", "design")

    def add(self, record: Record[DesignRow]) -> None:
        """Print the line of a file, or keep its row."""
        row = record.result
        if row is None:
            return
        gravest: Severity = "error" if row.errors else "warning" if row.warnings else "note"
        named = {"unit": row.unit is not None, "conditions": bool(row.conditions), "questions": bool(row.questions)}
        self._totals.update({"n_obs": row.n_obs, gravest: 1, **named})
        if self._as_table:
            self._rows.append((self._files.name(record.path), row))
        else:
            self._files.line(record.path, f"{row.n_obs:,}", in_short(row.design), gravest)

    def print_end(self, csv: str | None) -> None:
        """Print the table, and what the designs are together."""
        if self._rows:
            self._files.page.heading("Designs")
            rows = [_cells(name, row) for name, row in self._rows]
            self._files.page.table(["file, design", "n_obs", "unit, conditions, findings"], rows, numbers=["n_obs"])
        self._files.summary([*self._told(), ("table", csv or "")])

    def _told(self) -> Iterator[tuple[str, str]]:
        n_read, totals = self._files.n_read, self._totals
        yield "observations", f"{totals['n_obs']:,}"
        yield "unit found", f"in {totals['unit']:,} of {n_read:,}"
        yield "conditions", f"in {totals['conditions']:,} of {n_read:,}"
        yield from self._files.gravest(totals)
        if totals["questions"]:
            yield "questions", f"in {totals['questions']:,}; infer_design.py FILE asks them"


def _cells(name: str, row: DesignRow) -> list[str]:
    from edviz.collection.table import unit_text

    told = ["no unit found" if row.unit is None else f"unit {unit_text(row)}({row.n_units})"]
    told += [f"{condition.name}({condition.n_levels})" for condition in row.conditions]
    told += [f"batch {name}" for name in row.batches] + (["paired"] if row.paired else [])
    counts = [(row.errors, "error"), (row.warnings, "warning"), (row.questions, "question")]
    told += [counted(n, noun) for n, noun in counts if n]
    return [f"{name}\n{in_short(row.design)}\n", f"{row.n_obs:,}", "\n".join([*told, ""])]


def print_inference(inference: Inference, page: Page, remote: RemoteReport | None = None) -> None:
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
    page.fields(_fields(report, remote))
    if drawn := [factor for factor in report.factors if factor.in_design]:
        page.heading("Factors")
        page.table(["factor", "levels", "kind", "because"], map(_row, drawn), numbers=["levels"])
    if report.findings:
        page.heading("Findings")
        page.findings(report.findings)
    if report.questions:
        page.heading("Questions that the data cannot settle")
        page.questions(report.questions)


def _fields(report: Report, remote: RemoteReport | None) -> Iterator[tuple[str, str]]:
    yield "observations", f"{report.n_obs:,}"
    yield "unit", _unit(report)
    if report.given:
        yield "given", "; ".join(report.given)
    if others := [factor.name for factor in report.factors if not factor.in_design]:
        yield "not drawn", ", ".join(others)
    if aside := [column.column for column in report.set_aside]:
        yield "set aside", f"{counted(len(aside), 'column')}; list_factors.py says why"
    if remote is not None:
        yield "read", amount_read(remote)


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
