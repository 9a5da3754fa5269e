# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13"]
# ///
"""Draw an experimental design that is written in the edviz language."""

from __future__ import annotations

import sys

from _cli import arguments, page_of, print_json, run

from edviz.description import describe_design
from edviz.model import Design
from edviz.source import design_of, design_of_text

SOURCE = """the design: a text in the edviz language; or, if there is a file of this name, that file
(a text, a design card, or an .h5ad file, whose design is inferred); or - for standard input"""
EXAMPLES = """examples:
  render_design.py 'Genotype(2) > Mouse(4) > Cell(~5000) : CellType(12)'
  render_design.py cells.design-card.md --ascii
  echo 'Treatment(2) × Donor(8)' | render_design.py -"""


def main() -> None:
    """Read the arguments, read the design, draw it."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("source", metavar="TEXT|FILE|-", help=SOURCE)
    parser.add_argument("--width", metavar="N", type=int, help="most columns that the diagram may take")
    args = parser.parse_args()
    page = page_of(args)
    # JSON must not depend on the terminal that happens to be there.
    width = args.width if args.width is not None else 80 if args.json else page.width
    ascii = args.ascii if args.json else page.ascii
    description = describe_design(_read(args.source), width=width, ascii=ascii)
    if args.json:
        print_json(description)
    else:
        page.block(description.diagram)
        page.findings(description.remarks)


def _read(source: str) -> Design:
    return design_of_text(sys.stdin.read()) if source == "-" else design_of(source)


if __name__ == "__main__":
    run(main)
