# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""Find series of GEO that have .h5ad files, by words in the language of NCBI, or by accession."""

from __future__ import annotations

import argparse
import sys

from _cli import Page, arguments, page_of, print_json, run

from mcp_server.geo.questions import H5AD
from mcp_server.geo.records import SeriesRecord
from mcp_server.geo.search import SearchResult, search_geo

EXAMPLES = """examples:
  search_geo.py lung fibrosis --organism human
  search_geo.py '"pancreatic islets" AND diabetes' --since 2023
  search_geo.py atlas --type rds --limit 500 --json
  search_geo.py GSE132042 GSE156628 --files
  search_geo.py fibrosis --offline

Answers are kept in $EDVIZ_GEO_STATE; --refresh asks NCBI again. With NCBI_API_KEY more can be asked in a second.
NCBI's disclaimer and copyright notice: https://www.ncbi.nlm.nih.gov/home/about/policies/"""
LIMIT = 20
SAMPLES = {
    "libraries": "libraries, most likely",
    "libraries or cells": "libraries, or single cells of a plate-based protocol",
    "probably cells": "probably single cells of a plate-based protocol",
}


def main() -> None:
    """Read the arguments, search, print what is found."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("query", metavar="QUERY", nargs="*", help="words, or accessions of series (GSE123456)")
    parser.add_argument("--organism", metavar="NAME", help="a species, such as human or 'Danio rerio'")
    parser.add_argument("--since", metavar="DAY", help="made public on this day or later: 2024-01-31, 2024-01 or 2024")
    parser.add_argument("--until", metavar="DAY", help="made public on this day or earlier")
    parser.add_argument(
        "--type", metavar="T", default=H5AD, help="ending of a supplementary file, or any (default: %(default)s)"
    )
    parser.add_argument(
        "--limit", metavar="N", type=_from_one, default=LIMIT, help="most series (default: %(default)s)"
    )
    parser.add_argument("--offset", metavar="N", type=int, default=0, help="series to pass over")
    parser.add_argument("--refresh", action="store_true", help="ask NCBI even if it was asked before")
    parser.add_argument("--offline", action="store_true", help="search what is known on this machine, and ask nobody")
    parser.add_argument("--files", action="store_true", help="list the files of series that are named")
    args = parser.parse_args()
    if not args.query and not (args.organism or args.since or args.until):
        parser.error("give words to search for, accessions, an organism or days")
    if args.refresh and args.offline:
        parser.error("--refresh asks NCBI, and --offline does not")
    result = search_geo(
        " ".join(args.query),
        organism=args.organism,
        since=args.since,
        until=args.until,
        file_type=args.type,
        limit=args.limit,
        offset=args.offset,
        refresh=args.refresh,
        offline=args.offline,
        with_files=args.files,
    )
    if args.json:
        print_json(result)
    else:
        print_result(result, page_of(args))
    if not result.complete:
        page_of(args).paragraph(f"not complete: {result.reason}", file=sys.stderr)


def print_result(result: SearchResult, page: Page) -> None:
    """Print what is found, for people."""
    page.paragraph(_summary(result))
    page.fields(_about(result))
    for record in result.series:
        page.heading(record.accession)
        page.paragraph(record.title, first="  ")
        page.fields([*_fields(record), *_files(record, result)])
    rest = result.total - result.offset - len(result.series) - len(result.repeated) - len(result.failed)
    if result.repeated or result.failed:
        page.heading("not listed")
        for each in (*result.repeated, *result.failed):
            page.paragraph(f"{each.accession}: {each.reason}", first="  ")
    if rest > 0:
        page.heading(f"{rest:,} more; --offset {result.total - rest} goes on")


def _summary(result: SearchResult) -> str:
    found = f"{result.total:,} series"
    if result.asked is None:
        return f"{found}, of those that are known on this machine"
    day = f"{result.asked[:10]} {result.asked[11:16]} UTC"
    return f"{found}; asked on {day}" + ("; --refresh asks again" if result.source == "catalogue" else "")


def _about(result: SearchResult) -> list[tuple[str, str]]:
    return [
        ("query", result.term),
        *([("understood as", result.translation)] if result.translation else []),
        *(("warning", warning) for warning in result.warnings),
    ]


def _fields(record: SeriesRecord) -> list[tuple[str, str]]:
    rows = [
        ("organism", ", ".join(record.organisms)),
        ("published", record.published),
        ("samples", f"{record.n_samples:,}: {SAMPLES[record.samples_are]}"),
        ("file types", ", ".join(record.file_types)),
        ("platforms", ", ".join(record.platforms)),
        ("relation", " of ".join(filter(None, (record.relation, ", ".join(record.related))))),
        ("papers", ", ".join(f"https://pubmed.ncbi.nlm.nih.gov/{number}" for number in record.pubmed)),
        ("BioProject", record.bioproject or ""),
        ("page", record.page),
    ]
    return [row for row in rows if row[1]]


def _files(record: SeriesRecord, result: SearchResult) -> list[tuple[str, str]]:
    from mcp_server.geo.choosing import in_words

    listed = (each.files for each in result.files if each.accession == record.accession)
    return [("file", in_words(file)) for files in listed for file in files]


def _from_one(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    run(main)
