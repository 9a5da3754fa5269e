# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13"]
# ///
"""Draw an experimental design that is written in the edviz language, as text or in the format of another program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _cli import arguments, page_of, run

from edviz.description import describe_design
from edviz.errors import OutputError
from edviz.export.formats import FORMATS, SUFFIXES, Format, export_bytes
from edviz.output import is_same_file, writing
from edviz.source import KnownDesign, known_design_of, known_design_of_text

SOURCE = """the design: a text in the edviz language; or, if there is a file of this name, that file
(a text, JSON, a design card, or an .h5ad file, whose design is inferred); or - for standard input"""
EXAMPLES = """examples:
  render_design.py 'Genotype(2) > Mouse(4) > Cell(~5000) : CellType(12)'
  render_design.py cells.design-card.md --ascii
  render_design.py cells.h5ad -o design.svg
  echo 'Treatment(2) × Donor(8)' | render_design.py - --format mermaid"""


def main() -> None:
    """Read the arguments, read the design, draw it."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("source", metavar="TEXT|FILE|-", help=SOURCE)
    parser.add_argument("--width", metavar="N", type=int, help="most columns that a diagram of text may take")
    parser.add_argument(
        "--format", choices=FORMATS, help="what to draw (default: what the name of the output says, or text)"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write to, instead of printing")
    args = parser.parse_args()
    form = _format(args)
    page = page_of(args)
    for_people = form == "text" and args.output is None
    # What others read must not depend on the terminal that happens to be there.
    width = args.width if args.width is not None else page.width if for_people else 80
    ascii = page.ascii if for_people else args.ascii
    read = _read(args.source)
    if for_people:
        description = describe_design(read.design, width=width, ascii=ascii, totals=read.totals)
        page.block(description.diagram)
        page.findings(description.remarks)
        return
    drawn = export_bytes(read.design, form, width=width, ascii=ascii, totals=read.totals)
    if args.output is not None:
        _write(Path(args.output), args.source, drawn)
    else:
        _print(drawn, form)


def _format(args: argparse.Namespace) -> Format:
    if args.json:
        return "json"
    if args.format is not None:
        found: Format = args.format
        return found
    if args.output is None:
        return "text"
    suffix = Path(args.output).suffix
    if suffix not in SUFFIXES:
        raise OutputError(f"the name {args.output} says no format; end it in {', '.join(SUFFIXES)}, or give --format")
    return SUFFIXES[suffix]


def _read(source: str) -> KnownDesign:
    return known_design_of_text(sys.stdin.read()) if source == "-" else known_design_of(source)


def _print(drawn: bytes, form: Format) -> None:
    if form == "png" and sys.stdout.isatty():
        raise OutputError("a PNG picture is no text for a terminal; name a file with -o design.png")
    sys.stdout.buffer.write(drawn)


def _write(target: Path, source: str, drawn: bytes) -> None:
    if is_same_file(target, source):
        raise OutputError(f"the drawing would overwrite {source}, where the design comes from; choose another output")
    with writing(target) as stream:
        stream.buffer.write(drawn)


if __name__ == "__main__":
    run(main)
