# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13"]
# ///
"""Compare experimental designs: what is the same, what differs, and whether the data could be pooled."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING

from _cli import Page, arguments, page_of, print_json, run, said

from edviz.comparison import Comparison, ComparisonTable, Subject, Traits, compare_all, read_condition, subject_of
from edviz.comparison.comparing import range_text
from edviz.comparison.table import MOST_COMPARED, SORTABLE
from edviz.comparison.where import TRAITS
from edviz.errors import EdvizError
from edviz.export.spreadsheet import write_csv

if TYPE_CHECKING:
    from edviz.comparison.comparing import FactorComparison

EXAMPLES = """examples:
  compare_designs.py first.design-card.md second.h5ad
  compare_designs.py 'stim(2) > donor(8)' 'drug(2) × patient(8)'
  compare_designs.py *.design-card.md --where 'paired and units >= 5, treatments = 2' --sort units"""
SOURCE = "a design card, an .h5ad file or its address, JSON, or a text in the edviz language"
WHERE = """take only designs that fulfil this condition: traits (%(traits)s) and names of factors, compared
with = != < <= > >= and joined by and, or, not, commas and parentheses"""
MOST_PAIRS = 10
FLAGS = ("paired", "crossed", "partly_crossed", "nested", "aliased", "batched")


def main() -> None:
    """Read the arguments, read the designs, compare them."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("sources", metavar="DESIGN", nargs="+", help=SOURCE)
    parser.add_argument("--where", metavar="CONDITION", help=WHERE % {"traits": ", ".join(TRAITS)})
    parser.add_argument("--sort", metavar="TRAIT", help="sort the table by a trait")
    parser.add_argument("--descending", action="store_true", help="sort from high to low")
    parser.add_argument("--csv", action="store_true", help="print the table as CSV")
    args = parser.parse_args()
    where = None if args.where is None else read_condition(args.where)
    subjects = list(_read(args.sources))
    table = compare_all(subjects, where=where, sort=args.sort, descending=args.descending)
    if args.json:
        print_json(table)
    elif args.csv:
        write_csv(sys.stdout, SORTABLE, map(astuple, table.designs))
    elif len(table.designs) == 2 and where is None:
        print_comparison(table.comparisons[0], page_of(args))
    else:
        print_table(table, page_of(args))
    if len(subjects) < len(args.sources):
        sys.exit(1)


def print_comparison(comparison: Comparison, page: Page) -> None:
    """Print two designs side by side."""
    page.fields(
        [
            ("first", comparison.a),
            ("second", comparison.b),
            (
                "alike",
                f"structure {_percent(comparison.structure_similarity)}, content "
                f"{_percent(comparison.content_similarity)}",
            ),
        ]
    )
    page.heading("Factors")
    header = ["first", "second", "matched by", "kind", "levels", "in common"]
    page.table(header, map(_factor, comparison.factors), numbers=["levels"])
    page.heading("Relations")
    page.fields(_relations(comparison))
    page.heading("Numbers")
    page.table(["", "first", "second"], [[each.what, each.a, each.b] for each in comparison.numbers])
    page.heading(f"Could the data be pooled? {comparison.pooling.verdict}")
    for reason in comparison.pooling.reasons:
        page.paragraph(reason, first="  - ")


def print_table(table: ComparisonTable, page: Page) -> None:
    """Print a table of designs, and how alike the likest of them are."""
    names = _short_names(table.designs)
    header = ["design", "n", "units", "conditions", "batches", "classes", "is"]
    rows = ([names[traits.name], *_row(traits)] for traits in table.designs)
    page.table(header, rows, numbers=header[1:6])
    if table.left_out:
        page.heading(f"{len(table.left_out)} of {len(table.left_out) + len(table.designs)} do not fulfil the condition")
    if len(table.designs) > MOST_COMPARED:
        page.heading(f"Pairs are compared of at most {MOST_COMPARED} designs; --where picks some")
    if table.comparisons:
        page.heading("How alike")
        likest = sorted(table.comparisons, key=lambda pair: (-pair.content_similarity, -pair.structure_similarity))
        header = ["first", "second", "structure", "content", "pooled"]
        page.table(header, ([names[pair.a], names[pair.b], *_likeness(pair)] for pair in likest[:MOST_PAIRS]))


def _read(sources: Sequence[str]) -> Iterator[Subject]:
    """Read the designs; of many, those that cannot be read are named, and the others compared."""
    for source in sources:
        try:
            yield subject_of(source)
        except (EdvizError, OSError) as error:
            if len(sources) < 3:
                raise
            print(said(error), file=sys.stderr)


def _factor(each: FactorComparison) -> list[str]:
    kinds = dict.fromkeys(kind or "?" for name, kind in ((each.a, each.kind_a), (each.b, each.kind_b)) if name)
    levels = dict.fromkeys(range_text(count) for count in (each.levels_a, each.levels_b) if count is not None)
    common = "" if each.n_common_levels is None else f"{each.n_common_levels:,}"
    return [each.a or "", each.b or "", each.by or "", " / ".join(kinds), " / ".join(levels), common]


def _relations(comparison: Comparison) -> Iterator[tuple[str, str]]:
    for name, relations in (
        ("in both", comparison.relations_in_both),
        ("only first", comparison.relations_in_a),
        ("only second", comparison.relations_in_b),
    ):
        if relations:
            yield name, ", ".join(relations)


def _row(traits: Traits) -> list[str]:
    numbers = (traits.observations, traits.units, traits.conditions, traits.batches, traits.classes)
    flags = [flag.replace("_", " ") for flag in FLAGS if getattr(traits, flag)]
    return [*("?" if number is None else f"{number:,}" for number in numbers), ", ".join(flags)]


def _likeness(pair: Comparison) -> list[str]:
    return [_percent(pair.structure_similarity), _percent(pair.content_similarity), pair.pooling.verdict]


def _short_names(designs: Sequence[Traits]) -> dict[str, str]:
    """Call files by their names without folders, where that tells them apart."""
    short = {traits.name: traits.name.rpartition("/")[2].removesuffix(".h5ad") for traits in designs}
    return short if len(set(short.values())) == len(short) else {name: name for name in short}


def _percent(share: float) -> str:
    return f"{share:.0%}"


if __name__ == "__main__":
    run(main)
