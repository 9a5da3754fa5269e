# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""List the obs columns that may be factors of the design, with levels and counts, and why others are set aside."""

from __future__ import annotations

from collections.abc import Sequence

from _cli import Page, add_file, amount_read, arguments, counted, page_of, print_json, run
from _geo import find_place

from edviz.diagram.width import display_width
from edviz.supervised import start_reading
from edviz.table import Column, FactorListing

MOST_LINES = 2
"""How much of the levels a person will read in a list of columns."""


def main() -> None:
    """Read the arguments, read the columns, print them."""
    parser = arguments(
        __doc__,
        examples="examples:\n  list_factors.py cells.h5ad\n  list_factors.py cells.h5ad --column donor\n"
        "  list_factors.py GSE123456",
    )
    add_file(parser)
    parser.add_argument(
        "--column", metavar="C", action="append", default=[], help="column to show with all levels, even if set aside"
    )
    args = parser.parse_args()
    args.path = find_place(args.path, args)
    with start_reading(args.path, factors=True, also=args.column, trusted=args.trusted) as reading:
        listing, remote = reading.factors().listing, reading.report()
    for name in args.column:
        listing.column(name)
    if args.json:
        print_json(listing, remote)
    elif args.column:
        print_columns(listing, args.column, page_of(args))
    else:
        print_listing(listing, page_of(args))
    if remote is not None and not args.json:
        page_of(args).heading(f"Read from the server: {amount_read(remote)}")


def print_listing(listing: FactorListing, page: Page) -> None:
    """Print all columns, a line or two for each."""
    page.paragraph(f"{counted(listing.n_obs, 'observation')}, {counted(len(listing.columns), 'column')} in obs")
    page.heading(f"Candidate factors ({len(listing.candidates)})")
    if listing.candidates:
        _print_candidates(listing.candidates, page)
    aside = [(column.name, column.set_aside) for column in listing.columns if column.set_aside is not None]
    if aside:
        page.heading(f"Set aside ({len(aside)})")
        page.fields(aside)
    notes = [(column.name, column.note) for column in listing.columns if column.note is not None]
    if notes:
        page.heading("Notes")
        page.fields(notes)


def print_columns(listing: FactorListing, names: list[str], page: Page) -> None:
    """Print the columns of these names with all their levels."""
    for column in map(listing.column, names):
        kind = f"ordered {column.kind}" if column.ordered else column.kind
        page.heading(f"{column.name} ({kind})")
        page.paragraph(column.set_aside or "candidate factor", first="  ")
        if column.note is not None:
            page.paragraph(column.note, first="  ")
        if column.levels is None:
            page.paragraph("its levels cannot be listed", first="  ")
            continue
        rows = [[level.level, f"{level.n:,}"] for level in column.levels]
        page.table(["level", "observations"], rows, numbers=["observations"])
        if column.missing:
            page.paragraph(f"{column.missing:,} of {listing.n_obs:,} observations have no value", first="  ")


def _print_candidates(candidates: Sequence[Column], page: Page) -> None:
    missing = any(column.missing for column in candidates)
    taken = max(display_width(page.text(column.name)) for column in candidates) + (24 if missing else 14)
    rows = []
    for column in candidates:
        row = [column.name, f"{column.n_levels:,}", f"{column.missing:,}" if column.missing else ""]
        rows.append([*row[: 3 if missing else 2], _levels(column, max(page.width - taken, 16))])
    header = ["column", "levels", "missing", "observations of each level"]
    page.table(header if missing else [*header[:2], header[3]], rows, numbers=["levels", "missing"])


def _levels(column: Column, room: int) -> str:
    """Name the levels that occur, in stored order, as many as fit on two lines."""
    levels = [f"{level.level} ({level.n:,})" for level in column.levels or () if level.n]
    for n_shown in range(min(len(levels), room), 0, -1):
        rest = [f"… {len(levels) - n_shown:,} more"] if n_shown < len(levels) else []
        lines = _filled([*levels[:n_shown], *rest], room)
        if len(lines) <= MOST_LINES and max(map(display_width, lines)) <= room:
            return "\n".join(lines)
    return f"{len(levels):,} levels with long names"


def _filled(items: Sequence[str], room: int) -> list[str]:
    """Put a list into lines that break only between items."""
    lines = [items[0]]
    for item in items[1:]:
        if display_width(f"{lines[-1]}, {item},") <= room:
            lines[-1] += f", {item}"
        else:
            lines[-1] += ","
            lines.append(item)
    return lines


if __name__ == "__main__":
    run(main)
