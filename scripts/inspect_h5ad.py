# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13",
#     "filelock>=3.16", "httpx>=0.27", "pyrate-limiter>=4.5", "tenacity>=9",
# ]
# ///
"""Say what .h5ad files hold: shape, species, where the raw counts are, and their parts."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from _cli import Page, amount_read, arguments, counted, page_of, print_json, run
from _geo import find_places
from _many import Run, add_files, is_single, print_json_line

from edviz.contents import H5adSummary, MatrixSummary, NamedMatrix
from edviz.supervised import start_reading

if TYPE_CHECKING:
    from edviz.collection.record import Record
    from edviz.remote import RemoteReport

EXAMPLES = """examples:
  inspect_h5ad.py cells.h5ad
  inspect_h5ad.py data/
  inspect_h5ad.py GSE123456
  inspect_h5ad.py data/*.h5ad --json > files.jsonl"""


def main() -> None:
    """Read the arguments, summarise the file or the files, print the summaries."""
    parser = arguments(__doc__, examples=EXAMPLES)
    add_files(parser)
    args = parser.parse_intermixed()
    args.paths = list(find_places(args.paths, args).places)
    if is_single(args):
        inspect_one(args)
    else:
        inspect_many(args)


def inspect_one(args: argparse.Namespace) -> None:
    """Print all that is known of one file."""
    with start_reading(args.paths[0], summary=True, trusted=args.trusted) as reading:
        summary, remote = reading.summary(), reading.report()
    if args.json:
        print_json(summary, remote)
    else:
        print_summary(summary, page_of(args), remote)


def inspect_many(args: argparse.Namespace) -> None:
    """Print a line for every file, and what they are together."""
    from edviz.collection.work import summary_of_file

    files = Run(args)
    work = partial(summary_of_file, trusted=args.trusted)
    if args.json:
        files.for_each(work, print_json_line)
    else:
        print_lines(files, work)
    files.end()


def print_lines(files: Run, work: Callable[[str], H5adSummary]) -> None:
    """Print a line for every file, and what they are together, for people."""
    totals, species, counts = Counter[str](), Counter[str](), Counter[str]()

    def show(record: Record[H5adSummary]) -> None:
        summary = record.result
        if summary is not None:
            files.line(record.path, f"{summary.n_obs:,}", _in_short(summary))
            totals["n_obs"] += summary.n_obs
            species[summary.species.name] += 1
            counts[summary.counts.location or "none found"] += 1

    files.heading("n_obs", "n_vars, species, raw counts")
    files.for_each(work, show)
    told = [("observations", f"{totals['n_obs']:,}"), ("species", _tally(species)), ("raw counts", _tally(counts))]
    files.summary(told)


def _in_short(summary: H5adSummary) -> str:
    n_vars = "?" if summary.n_vars is None else f"{summary.n_vars:,}"
    species = "species unknown" if summary.species.name == "unknown" else summary.species.name
    counts = f"counts in {summary.counts.location}" if summary.counts.location else "no counts"
    return f"{n_vars} vars, {species}, {counts}"


def _tally(tally: Counter[str]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in tally.most_common())


def print_summary(summary: H5adSummary, page: Page, remote: RemoteReport | None = None) -> None:
    """Print a summary for people."""
    page.fields(_fields(summary))
    if remote is not None:
        page.paragraph(f"read from the server: {amount_read(remote)}", first="  ")
    page.heading("Matrices and their values")
    page.table(["place", "shape", "stored as", "sampled values"], _matrices(summary), numbers=["shape"])
    if summary.notes:
        page.heading("Notes")
        for note in summary.notes:
            page.paragraph(note, first="  - ")


def _fields(summary: H5adSummary) -> Iterator[tuple[str, str]]:
    n_vars = "an unknown number of variables" if summary.n_vars is None else counted(summary.n_vars, "variable")
    yield "file", f"{summary.path} ({_size(summary.file_size)})"
    yield "shape", f"{counted(summary.n_obs, 'observation')} × {n_vars}"
    yield "species", f"{summary.species.name} ({summary.species.evidence})"
    yield "raw counts", summary.counts.location or "none found"
    yield "obs", _obs(summary)
    yield "var", _var(summary)
    yield "uns", ", ".join(summary.uns) or "empty"
    yield "encoding", _encoding(summary)
    for hint in summary.schema:
        yield "schema", f"{hint.name}{' ' + hint.version if hint.version else ''} ({hint.evidence})"


def _obs(summary: H5adSummary) -> str:
    """Name the columns by kind, as most of a file's columns are of one kind."""
    of_kind: dict[str, list[str]] = {}
    for column in summary.obs:
        of_kind.setdefault(column.kind, []).append(column.name)
    return "; ".join(f"{len(names)} {kind}: {', '.join(names)}" for kind, names in of_kind.items()) or "no columns"


def _var(summary: H5adSummary) -> str:
    columns = ", ".join(summary.var.columns) or "no columns"
    examples = f"; names like {', '.join(summary.var.examples)}" if summary.var.examples else ""
    return columns + examples


def _encoding(summary: H5adSummary) -> str:
    encoding = summary.encoding
    root = encoding.root or "no mark at the root"
    return f"{root}; obs {encoding.obs}; probably written by {encoding.writer}"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e5 else f"{n_bytes:,} bytes"


def _matrices(summary: H5adSummary) -> Iterator[list[str]]:
    """Yield a row for every matrix, with what its values are where they were looked at."""
    verdicts = {checked.location: checked.verdict for checked in summary.counts.checked}
    yield ["X", *_described(summary.x), verdicts.get("X", "")]
    if summary.raw is not None:
        yield ["raw/X", *_described(summary.raw.x), verdicts.get("raw/X", "")]
    for place in ("layers", "obsm", "varm", "obsp", "varp"):
        matrices: Iterable[NamedMatrix] = getattr(summary, place)
        for matrix in matrices:
            location = f"{place}/{matrix.name}"
            yield [location, *_described(matrix), verdicts.get(location, "")]


def _described(matrix: MatrixSummary | NamedMatrix | None) -> tuple[str, str]:
    if matrix is None:
        return "", "not in the file"
    shape = " × ".join(f"{n:,}" for n in matrix.shape or ())
    return shape, " ".join(word for word in (matrix.encoding, matrix.dtype) if word)


if __name__ == "__main__":
    run(main)
