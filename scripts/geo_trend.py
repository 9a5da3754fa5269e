# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "matplotlib>=3.8", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""Count the series of GEO that have .h5ad files, year by year, and among how many; as NCBI counts them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from _cli import Page, arguments, page_of, print_json, run

from edviz.errors import OutputError
from edviz.output import refuse_to_replace, writing
from mcp_server.geo.questions import H5AD
from mcp_server.geo.trend import FIRST_YEAR, SINGLE_CELL, Trend, check_format, count_by_year, picture_of

if TYPE_CHECKING:
    import io

EXAMPLES = """examples:
  geo_trend.py
  geo_trend.py -o trend.png
  geo_trend.py '"single cell" AND brain' --organism human --since 2018

Two questions a year are asked of NCBI. Series are counted as they are: SuperSeries repeat the files of others.
NCBI's disclaimer and copyright notice: https://www.ncbi.nlm.nih.gov/home/about/policies/"""
WIDEST = 30
EIGHTHS = " ▏▎▍▌▋▊▉█"


def main() -> None:
    """Read the arguments, count, print and draw."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument(
        "query",
        metavar="QUERY",
        nargs="?",
        default=SINGLE_CELL,
        help="which series are counted (default: single cells)",
    )
    parser.add_argument("--organism", metavar="NAME", help="a species, such as human or 'Danio rerio'")
    parser.add_argument("--since", metavar="YEAR", type=int, default=FIRST_YEAR, help="first year (%(default)s)")
    parser.add_argument("--until", metavar="YEAR", type=int, help="last year (default: this one)")
    parser.add_argument("--type", metavar="T", default=H5AD, help="ending of a supplementary file (%(default)s)")
    parser.add_argument("-o", "--output", metavar="FILE", help="write a picture as well: .png, .svg or .pdf")
    args = parser.parse_args()
    if args.output:
        check_target(Path(args.output))
    trend = count_by_year(
        args.query, organism=args.organism, first_year=args.since, last_year=args.until, file_type=args.type
    )
    page = page_of(args)
    if args.json:
        print_json(trend)
    else:
        print_trend(trend, page)
    if args.output:
        write_picture(trend, Path(args.output))
        page.paragraph(f"wrote {args.output}", file=sys.stderr)
    if not trend.complete:
        page.paragraph(f"not complete: {trend.reason}", file=sys.stderr)


def check_target(target: Path) -> None:
    """Refuse a picture that could not be written, before NCBI is asked."""
    check_format(_format(target))
    refuse_to_replace(target)
    if not target.parent.is_dir():
        raise OutputError(f"there is no folder {target.parent} for the picture; make it, or choose another output")


def write_picture(trend: Trend, target: Path) -> None:
    """Write a picture, whole or not at all."""
    picture = picture_of(trend, _format(target))
    refuse_to_replace(target)
    with writing(target) as stream:
        cast("io.TextIOWrapper", stream).buffer.write(picture)


def _format(target: Path) -> str:
    return target.suffix.lower().lstrip(".")


def print_trend(trend: Trend, page: Page) -> None:
    """Print numbers and bars, a line a year, with what they were made of."""
    page.paragraph(f"Series of GEO with {trend.file_type}, by year of being public; asked on {trend.asked[:10]}")
    most = max((each.n for each in trend.years), default=0)
    rows = [
        [
            f"{each.year}{'*' if each.is_partial else ''}",
            f"{each.n:,}",
            f"{each.n_all:,}",
            f"{100 * each.n / each.n_all:.1f} %" if each.n_all else "",
            bar(each.n, most, ascii=page.ascii),
        ]
        for each in trend.years
    ]
    with_type = f"with {trend.file_type}"
    page.table(["year", with_type, "of all", "share", ""], rows, numbers=["year", with_type, "of all", "share"])
    if any(each.is_partial for each in trend.years):
        page.paragraph("* the year is not over")
    if trend.super_series is not None:
        page.paragraph(f"{trend.super_series:,} of them are SuperSeries, which repeat the files of others")
    page.fields(
        [
            ("query", trend.term),
            ("of all", trend.term_of_all),
            *([("understood as", trend.translation)] if trend.translation else []),
            *(("warning", warning) for warning in trend.warnings),
        ]
    )


def bar(n: int, most: int, *, ascii: bool = False) -> str:
    """Draw a number as a bar; what is not nothing is seen.

    >>> bar(1, 1000), bar(0, 1000), bar(500, 1000) == "█" * 15
    ('▏', '', True)
    """
    eighths = max(round(8 * WIDEST * n / most), 1) if n else 0
    if ascii:
        return "#" * -(-eighths // 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + EIGHTHS[rest].strip()


if __name__ == "__main__":
    run(main)
