# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""Write the design cards of .h5ad files, and show the diagram and what to know first."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from _cli import Page, add_overrides, amount_read, arguments, counted, overrides_of, page_of, print_json, run
from _fail_on import RULES, FailOn, add_fail_on
from _geo import find_places
from _many import Run, add_files, in_short, is_single, print_json_line

from edviz.card import CardResult, make_card, write_card
from edviz.diagram import render
from edviz.grammar import loads

if TYPE_CHECKING:
    from edviz.collection.record import Record
    from edviz.deposit import Deposit
    from edviz.infer.result import Severity

EXAMPLES = """examples:
  write_card.py cells.h5ad
  write_card.py cells.h5ad -o cards/cells.md --unit donor --kind stim=treatment
  write_card.py data/ -o cards/
  write_card.py GSE123456
  write_card.py 'GSE123456/*' -o cards/
  write_card.py cells.h5ad --fail-on error"""


def main() -> None:
    """Read the arguments, write the card or the cards, say what is on them."""
    parser = arguments(__doc__, examples=f"{EXAMPLES}\n\n{RULES}")
    add_files(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="CARD.md",
        help="the card, or - to print it (default: the name of FILE with .design-card.md, in this folder); "
        "of several files the folder of the cards",
    )
    add_fail_on(parser)
    add_overrides(parser)
    args = parser.parse_intermixed()
    found = find_places(args.paths, args)
    args.paths = list(found.places)
    if is_single(args):
        card_one(args, found.deposits.get(args.paths[0]))
    elif args.output == "-":
        parser.error("-o - prints one card; of several files, name a folder for the cards")
    else:
        card_many(args, found.deposits)


def card_one(args: argparse.Namespace, deposit: Deposit | None) -> None:
    """Write one card, and show what is on it."""
    path, limits = args.paths[0], FailOn(args)
    if args.output == "-":
        inference, text = make_card(path, overrides_of(args), trusted=args.trusted, deposit=deposit)
        sys.stdout.write(text)
        limits.look_at(inference.report.findings)
    else:
        result = write_card(path, args.output, overrides_of(args), trusted=args.trusted, deposit=deposit)
        if args.json:
            print_json(result)
        else:
            print_result(result, page_of(args))
        limits.look_at(result.findings)
    limits.end()


def card_many(args: argparse.Namespace, deposits: Mapping[str, Deposit]) -> None:
    """Write a card for every file into one folder, and print a line for each."""
    from edviz.collection.cards import card_paths
    from edviz.collection.work import card_of_file

    files, limits = Run(args), FailOn(args)
    cards = card_paths(files.locations, Path(args.output or ""))
    work = partial(
        card_of_file, overrides=overrides_of(args), cards=cards, deposits=dict(deposits), trusted=args.trusted
    )
    if args.json:
        files.for_each(work, limits.look_at_record, print_json_line)
    else:
        print_lines(files, work, Path(args.output or "").absolute(), limits)
    files.end(limits.status)


def print_lines(files: Run, work: Callable[[str], CardResult], folder: Path, limits: FailOn) -> None:
    """Print a line for every file, and what to know first of all."""
    totals = Counter[str]()

    def show(record: Record[CardResult]) -> None:
        card = record.result
        if card is not None:
            gravest = _gravest(card)
            totals.update({gravest: 1, "kept": int(card.kept_context), "questions": bool(card.questions)})
            files.line(record.path, f"{card.unit.n_units:,}" if card.unit else "", in_short(card.design), gravest)

    files.heading("units", "design")
    files.for_each(work, limits.look_at_record, show)
    rows = [*files.gravest(totals)]
    if totals["questions"]:
        rows.append(("questions", f"on {counted(totals['questions'], 'card')}"))
    if totals["kept"]:
        rows.append(("kept", f"the section 'Biological context' of {counted(totals['kept'], 'earlier card')}"))
    files.summary([*rows, ("cards", f"in {folder}")])


def _gravest(card: CardResult) -> Severity:
    severities = {finding.severity for finding in card.findings}
    return "error" if "error" in severities else "warning" if "warning" in severities else "note"


def print_result(result: CardResult, page: Page) -> None:
    """Print the diagram, the findings, the questions and where the card is."""
    page.block(render(loads(result.design), width=page.width, ascii=page.ascii, totals=result.totals))
    if result.findings:
        page.heading("What to know first")
        page.findings(result.findings)
    if result.questions:
        page.heading("Questions that the data cannot settle")
        page.questions(result.questions)
    if result.kept_context:
        page.heading("The section 'Biological context' of the earlier card was kept.")
    if result.remote is not None:
        page.heading(f"Read from the server: {amount_read(result.remote)}")
    print(f"\nDesign card: {page.text(result.path)}")


if __name__ == "__main__":
    run(main)
