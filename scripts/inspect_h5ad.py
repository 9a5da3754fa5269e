# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13"]
# ///
"""Say what an .h5ad file holds: shape, species, where the raw counts are, and its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from _cli import Page, add_file, amount_read, arguments, counted, page_of, print_json, run

from edviz.contents import H5adSummary, MatrixSummary, NamedMatrix
from edviz.supervised import start_reading

if TYPE_CHECKING:
    from edviz.remote import RemoteReport


def main() -> None:
    """Read the arguments, summarise the file, print the summary."""
    parser = arguments(__doc__, examples="example:\n  inspect_h5ad.py cells.h5ad")
    add_file(parser)
    args = parser.parse_args()
    with start_reading(args.path, summary=True, trusted=args.trusted) as reading:
        summary, remote = reading.summary(), reading.report()
    if args.json:
        print_json(summary, remote)
    else:
        print_summary(summary, page_of(args), remote)


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
