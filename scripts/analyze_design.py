# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""Say what the design of an .h5ad file allows: which comparisons, at which unit, with which model, how sensitive."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from _cli import Page, add_file, add_overrides, amount_read, arguments, overrides_of, page_of, print_json, run
from _fail_on import RULES, FailOn, add_fail_on
from _geo import find_place

from edviz.diagram.width import elide
from edviz.source import inferring

if TYPE_CHECKING:
    from edviz.advice import DesignAnalysis
    from edviz.advice.analysis import ConditionAnalysis
    from edviz.advice.answer import Answer
    from edviz.advice.contrasts import Confounding, Contrast
    from edviz.advice.power import PowerTable
    from edviz.remote import RemoteReport

EXAMPLES = """examples:
  analyze_design.py cells.h5ad
  analyze_design.py cells.h5ad --contrast disease healthy COPD --given batch
  analyze_design.py GSE123456
  analyze_design.py cells.h5ad --power 0.9 --alpha 0.001
  analyze_design.py '(donor(8) × stim(2){kind=treatment}) > sample(1)' --power 0.8"""
MOST_LISTED = 8
VERDICTS = {
    "yes": "can be tested",
    "hardly": "can hardly be tested",
    "in part": "can be tested in part",
    "no": "cannot be tested",
}


def main() -> None:
    """Read the arguments, analyse the design, print what it allows."""
    parser = arguments(__doc__, examples=f"{EXAMPLES}\n\n{RULES}")
    add_file(
        parser,
        "the .h5ad file, a series of GEO that has one (GSE123456), or a text with a design that is only planned",
    )
    add_questions(parser)
    add_overrides(parser)
    add_fail_on(parser)
    args = parser.parse_args()
    fail_on = FailOn(args)
    if args.given is not None and not args.contrast:
        parser.error("--given says what contrasts are adjusted for, so it needs --contrast")
    args.path = find_place(args.path, args)
    with inferring(args.path, overrides_of(args), trusted=args.trusted) as (inference, reading):
        from edviz.advice.answer import answer

        found = answer(inference, contrasts=args.contrast, given=args.given, power=args.power, alpha=args.alpha)
        remote = None if reading is None else reading.report()
    if args.json:
        print_json(found, remote)
    else:
        print_answer(found, page_of(args), remote)
    fail_on.look_at(found.analysis.findings)
    fail_on.end()


def add_questions(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that ask for more than what is always said."""
    group = parser.add_argument_group("questions")
    group.add_argument(
        "--contrast",
        nargs=3,
        metavar=("CONDITION", "ONE", "OTHER"),
        action="append",
        default=[],
        help="say whether the difference of two levels can be estimated, and why not",
    )
    group.add_argument(
        "--given", metavar="C", action="append", help="adjust the contrasts for this column (default: as advised)"
    )
    group.add_argument(
        "--power", type=float, metavar="P", help="smallest differences that are found with this probability"
    )
    group.add_argument("--alpha", type=float, default=0.05, metavar="A", help="level of the tests (default: 0.05)")


def print_answer(answer: Answer, page: Page, remote: RemoteReport | None = None) -> None:
    """Print what a design allows for people."""
    analysis = answer.analysis
    page.fields(_fields(analysis, remote))
    for asked in answer.asked:
        page.heading(f"{asked.factor}: {asked.one} − {asked.other}")
        given = f" given {', '.join(asked.adjusted_for)}" if asked.adjusted_for else ""
        page.paragraph(f"can be estimated{given}" if asked.estimable else asked.because, first="  ")
    if analysis.nothing_to_compare is not None:
        page.heading("Comparisons")
        page.paragraph(analysis.nothing_to_compare, first="  ")
    for condition in analysis.conditions:
        print_condition(condition, page)
    if analysis.interactions:
        page.heading("Interactions")
        for interaction in analysis.interactions:
            page.paragraph(interaction.in_words(), first="  ")
    if answer.power is not None:
        print_power(answer.power, page)
    print_structure(analysis, page)
    print_integration(analysis, page)
    if analysis.findings:
        page.heading("Findings")
        page.findings(analysis.findings)


def print_condition(condition: ConditionAnalysis, page: Page) -> None:
    """Print one condition with its comparisons and models."""
    advice = condition.advice
    page.heading(f"{advice.condition}: {VERDICTS[condition.verdict]}")
    page.fields(_condition_fields(condition))
    if condition.contrasts:
        print()
        header = ["difference", "units", "blocks with both", "standard error", "estimable"]
        page.table(header, map(_contrast, condition.contrasts), numbers=["blocks with both", "standard error"])
    if condition.models:
        print()
    for model in (*condition.models, *condition.in_groups):
        if model in condition.in_groups:
            page.paragraph("effects in each group of blocks:", first="  ")
        for number, line in enumerate(model.call.splitlines()):
            page.paragraph(line, first=f"  {model.library if number == 0 else '':<13} ")


def print_power(power: PowerTable, page: Page) -> None:
    """Print the smallest differences that can be detected."""
    if not power.differences:
        page.heading("Power")
        page.paragraph("No two levels can be tested, so there is nothing to detect.", first="  ")
        return
    page.heading(f"Smallest differences found with probability {power.power:g} at level {power.alpha:g}")
    shares = list(power.differences[0].in_observations)
    header = ["difference", "df", "in SD of units", *(f"in SD of cells, {share} between units" for share in shares)]
    rows = [
        [
            f"{row.condition}: {row.one} − {row.other}",
            str(row.df),
            f"{row.in_units:.2f}",
            *(f"{value:.2f}" for value in row.in_observations.values()),
        ]
        for row in power.differences
    ]
    page.table(header, rows, numbers=header[1:])
    cells = {row.condition: row.cells_per_unit for row in power.differences if row.cells_per_unit is not None}
    if cells:
        counts = ", ".join(f"{n:,.0f} cells a unit of {condition}" for condition, n in cells.items())
        page.paragraph(
            f"The last columns assume the share of the variance of single cells that lies between units, and the "
            f"median number of cells: {counts}.",
            first="  ",
        )


def print_structure(analysis: DesignAnalysis, page: Page) -> None:
    """Print the lattice of the factors."""
    structure = analysis.structure
    if structure is None or not structure.hasse:
        return
    page.heading("Degrees of freedom")
    for line in structure.hasse.splitlines():
        print(elide(f"  {page.text(line)}".rstrip(), page.width, "..."))
    for note in structure.notes:
        page.paragraph(note, first="  - ")


def print_integration(analysis: DesignAnalysis, page: Page) -> None:
    """Print which columns may be integrated out."""
    if not analysis.integration:
        return
    page.heading("As batch_key of an integration")
    rows = [[key.column, key.verdict, key.reason] for key in analysis.integration]
    page.table(["column", "verdict", "why"], rows)


def _fields(analysis: DesignAnalysis, remote: RemoteReport | None) -> Iterator[tuple[str, str]]:
    yield "design", "; ".join(analysis.design.splitlines()) or "no factors"
    yield "observations", f"{analysis.n_obs:,}"
    if analysis.unit is None:
        yield "unit", "none found"
    else:
        yield "unit", f"{' × '.join(analysis.unit) or 'every row'}, {analysis.n_units:,} in all"
    if remote is not None:
        yield "read", amount_read(remote)


def _condition_fields(condition: ConditionAnalysis) -> Iterator[tuple[str, str]]:
    advice = condition.advice
    yield "unit", " × ".join(advice.unit) or "every row"
    yield "units per level", _listed([f"{level} {n}" for level, n in advice.units_per_level.items()])
    if advice.blocks:
        yield "blocks", ", ".join(advice.blocks)
    if condition.why:
        yield "because", condition.why
    if advice.testable:
        yield "adjusted for", ", ".join(advice.terms) or "nothing"
        yield "residual df", str(advice.residual_df)
    if condition.f_test is not None and condition.f_test.denominator is not None:
        yield "F", f"its mean square over {condition.f_test.denominator}"
    for found in condition.confounded_with:
        yield "confounded", _confounded(found)
    for among in condition.subsets:
        formula = next(model.formula for model in among.models if model.library == "DESeq2")
        yield "nevertheless", f"{_listed(among.levels)} on their samples alone: {formula} ({among.residual_df} df)"
    samples = condition.pseudobulk
    if samples is not None:
        yield "pseudobulk", f"sum over {' × '.join([*samples.sum_over, *filter(None, [samples.classification])])}"
        if samples.classification is not None:
            n_classes = len(samples.enough) + len(samples.lacking)
            yield "", f"{len(samples.enough)} of {n_classes} classes have samples enough: {_listed(samples.enough)}"


def _confounded(found: Confounding) -> str:
    why = f": {'; '.join(found.explanations)}" if found.explanations else ""
    return f"given {found.given}, {found.lost} of {found.df} degrees of freedom are lost{why}"


def _contrast(found: Contrast) -> list[str]:
    return [
        f"{found.one} − {found.other}",
        f"{found.n_one} and {found.n_other}",
        "" if found.n_blocks is None else str(found.n_blocks),
        "" if found.standard_error is None else f"{found.standard_error:.2f}",
        f"{'yes' if found.estimable else 'no'}{f': {found.because}' if found.because else ''}",
    ]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_LISTED])
    return f"{shown} and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else shown or "none"


if __name__ == "__main__":
    run(main)
