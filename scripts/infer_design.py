# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13"]
# ///
"""Infer the experimental design of an .h5ad file, and say what it rests on and what stays open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from _cli import Page, add_file, add_overrides, amount_read, arguments, counted, overrides_of, page_of, print_json, run

from edviz.supervised import start_reading

if TYPE_CHECKING:
    from edviz.infer import Inference, Report
    from edviz.infer.result import FactorReport
    from edviz.remote import RemoteReport

EXAMPLES = """examples:
  infer_design.py cells.h5ad
  infer_design.py cells.h5ad --unit donor --kind stim=treatment --ignore leiden"""


def main() -> None:
    """Read the arguments, infer the design, print it."""
    parser = arguments(__doc__, examples=EXAMPLES)
    add_file(parser)
    add_overrides(parser)
    args = parser.parse_args()
    overrides = overrides_of(args)
    with start_reading(args.path, factors=True, also=overrides.columns, trusted=args.trusted) as reading:
        from edviz.infer import infer_design  # while the file is being read

        inference = infer_design(reading.factors(), overrides)
        remote = reading.report()
    if args.json:
        print_json(inference.report, remote)
    else:
        print_inference(inference, page_of(args), remote)


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
