# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13"]
# ///
"""Write the design card of an .h5ad file, and show its diagram and what to know first."""

from __future__ import annotations

import sys

from _cli import Page, add_file, add_overrides, amount_read, arguments, overrides_of, page_of, print_json, run

from edviz.card import CardResult, make_card, write_card
from edviz.diagram import render
from edviz.grammar import loads

EXAMPLES = """examples:
  write_card.py cells.h5ad
  write_card.py cells.h5ad -o cards/cells.md --unit donor --kind stim=treatment"""


def main() -> None:
    """Read the arguments, write the card, say what is on it."""
    parser = arguments(__doc__, examples=EXAMPLES)
    add_file(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="CARD.md",
        help="the card, or - to print it (default: the name of FILE with .design-card.md, in this folder)",
    )
    add_overrides(parser)
    args = parser.parse_args()
    if args.output == "-":
        sys.stdout.write(make_card(args.path, overrides_of(args), trusted=args.trusted)[1])
        return
    result = write_card(args.path, args.output, overrides_of(args), trusted=args.trusted)
    if args.json:
        print_json(result)
    else:
        print_result(result, page_of(args))


def print_result(result: CardResult, page: Page) -> None:
    """Print the diagram, the grave findings, the questions and where the card is."""
    page.block(render(loads(result.design), width=page.width, ascii=page.ascii, totals=result.totals))
    grave = [finding for finding in result.findings if finding.severity != "note"]
    if grave:
        page.heading("What to know first")
        page.findings(grave)
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
