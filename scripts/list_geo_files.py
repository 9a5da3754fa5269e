# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""List the files of GEO series with their exact sizes, those of single samples included."""

from __future__ import annotations

import sys

from _cli import Page, arguments, counted, page_of, print_json, run, said

from edviz.errors import EdvizError
from mcp_server.geo.client import GeoClient
from mcp_server.geo.files import GeoFile, GeoFiles, H5adPlace, list_geo_files
from mcp_server.geo.settings import geo_settings

EXAMPLES = """examples:
  list_geo_files.py GSE123456
  list_geo_files.py GSE123456 GSE234567 --json"""
PLACES: dict[H5adPlace, str] = {
    "series": "the series itself has some",
    "samples only": "only single samples have some; each can be read and downloaded on its own",
    "none": "none found",
}


def main() -> None:
    """Read the arguments, list the files, print them."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument(
        "accessions", metavar="GSE", nargs="+", help="a series, such as GSE123456, or a sample, such as GSM123456"
    )
    args = parser.parse_args()
    page = page_of(args)
    found, failed = [], []
    with GeoClient(geo_settings()) as client:
        for accession in args.accessions:
            try:
                found.append(list_geo_files(accession, client))
            except EdvizError as error:
                # The others are listed all the same.
                failed.append({"accession": accession, "error": str(error)})
                print(said(error), file=sys.stderr)
    if args.json:
        print_json({"series": found, "failed": failed, "requests": client.requests})
    else:
        for each in found:
            print_files(each, page)
        page.heading(f"Asked for in {counted(client.requests, 'request')}")
    sys.exit(1 if failed else 0)


def print_files(found: GeoFiles, page: Page) -> None:
    """Print the files of one accession, for people."""
    page.heading(found.accession)
    page.fields([("page", found.page), (".h5ad files", PLACES[found.h5ad])])
    if found.files:
        print()
        page.table(["file", "bytes", "how it is read", "holds"], map(_row, found.files), numbers=["bytes"])
    for note in found.notes:
        page.paragraph(note, first="  - ")


def _row(file: GeoFile) -> tuple[str, str, str, str]:
    size = "unknown" if file.size is None else f"{file.size:,}"
    told = [*([file.compression] if file.compression else []), *(["in place"] if file.in_place else [])]
    name = file.name if file.sample is None else f"{file.name}\n(of sample {file.sample})"
    return name, size, ", ".join(told), f"{file.kind}: {file.evidence}"


if __name__ == "__main__":
    run(main)
