# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""Download files of a GEO series, whole and checked; a download that was interrupted goes on where it was."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from _cli import Page, arguments, counted, page_of, print_json, run
from _progress import DownloadBars

from mcp_server.geo.download.downloading import DownloadedFile, Downloads, check_downloads, download_files
from mcp_server.geo.download.errors import DownloadError
from mcp_server.geo.download.record import Source
from mcp_server.geo.download.settings import download_settings
from mcp_server.geo.download.sizes import CAP, read_size, shown_size
from mcp_server.geo.selection import find_sources

EXAMPLES = """examples:
  download_geo.py GSE123456
  download_geo.py GSE123456 --file '*_donor?.h5ad.gz' -o data/
  download_geo.py GSE123456 --file barcodes.tsv.gz --file 'GSE*metadata*'
  download_geo.py GSE123456 --max-size 20GB
  download_geo.py GSE123456 --background

Beside each file stands NAME.download.json with its address, size and SHA-256. GEO publishes no checksums: files are
checked by their size, the checksums in gzip, and the signature and the stated end of HDF5."""
STOPPED = 130


def main() -> None:
    """Read the arguments, say what will come, download it, print what came."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("accession", metavar="ACCESSION", help="a series, such as GSE123456, or a sample")
    parser.add_argument(
        "--file",
        metavar="PATTERN",
        action="append",
        default=[],
        help="a name or pattern of files, may be given several times (default: the .h5ad files)",
    )
    parser.add_argument("-o", "--output", metavar="DIR", help="where to (default: ACCESSION, in this folder)")
    parser.add_argument(
        "--max-size",
        metavar="SIZE",
        type=_size,
        default=CAP,
        help=f"bytes of all files that may be downloaded, such as 20GB (default: {shown_size(CAP)})",
    )
    parser.add_argument("--yes", action="store_true", help="download however much it is")
    parser.add_argument("--background", action="store_true", help="start a job; jobs.py shows it")
    args = parser.parse_args()
    sources = find_sources(args.accession, args.file)
    folder = Path(args.output or args.accession.upper())
    size = sum(source.size for source in sources)
    most = size if args.yes else args.max_size
    print_plan(sources, folder, page_of(args))
    if args.background:
        download_in_background(sources, folder, most, args)
    else:
        download_here(sources, folder, most, args)


def print_plan(sources: Sequence[Source], folder: Path, page: Page) -> None:
    """Say on standard error what will come, before it does."""
    widest = max(len(shown_size(source.size)) for source in sources)
    for source in sources:
        page.paragraph(source.name, first=f"  {shown_size(source.size):>{widest}}  ", file=sys.stderr)
    total = shown_size(sum(source.size for source in sources))
    page.paragraph(f"{counted(len(sources), 'file')}, {total}, into {folder}", file=sys.stderr)


def download_here(sources: Sequence[Source], folder: Path, most: int, args: argparse.Namespace) -> None:
    """Download, and exit with 1 if a file could not be had."""
    settings = download_settings()
    check_downloads(sources, folder, settings, max_size=most)
    page = page_of(args)
    try:
        with DownloadBars(ascii=page.ascii) as bars:
            found = download_files(sources, folder, settings, max_size=most, watch=bars)
    except KeyboardInterrupt:
        page.paragraph(f"stopped; what has arrived is in {folder}, and the same command goes on", file=sys.stderr)
        sys.exit(STOPPED)
    if args.json:
        print_json(found)
    else:
        print_downloads(found, page)
    for failed in found.failed:
        page.paragraph(failed.error, file=sys.stderr)
    if found.failed:
        sys.exit(1)


def download_in_background(sources: Sequence[Source], folder: Path, most: int, args: argparse.Namespace) -> None:
    """Start a job, and print its handle."""
    from mcp_server.geo.download.job import request_for
    from mcp_server.jobs.start import start_job

    status = start_job("download_geo", request_for(sources, folder, max_size=most))
    if args.json:
        print_json(status)
    else:
        page_of(args).paragraph(f"job {status.id} is started; jobs.py wait {status.id} waits for it")


def print_downloads(found: Downloads, page: Page) -> None:
    """Print what came, for people."""
    for file in found.files:
        page.paragraph(file.path)
        page.fields(_fields(file))


def _fields(file: DownloadedFile) -> list[tuple[str, str]]:
    return [
        ("size", f"{file.size:,} bytes"),
        ("SHA-256", file.sha256),
        ("checked", ", ".join(file.checks)),
        *([("changed", file.last_modified)] if file.last_modified else []),
        ("record", file.record + (" (it was there)" if file.was_there else "")),
    ]


def _size(text: str) -> int:
    try:
        return read_size(text)
    except DownloadError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    run(main)
