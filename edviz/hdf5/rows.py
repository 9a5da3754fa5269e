"""Which bytes of a dataset hold some of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

from edviz.hdf5.chunks import Piece
from edviz.hdf5.datatypes import Datatype
from edviz.hdf5.pages import Pages
from edviz.hdf5.structure import StoredObject


class Sample(NamedTuple):
    """How many values are looked at: blocks of rows, spread over the whole."""

    blocks: int
    rows: int

    def of(self, n: int) -> list[range]:
        """Return the rows of each block, or all rows if there are no more than in all blocks.

        Examples
        --------
        >>> Sample(blocks=2, rows=3).of(100)
        [range(0, 3), range(97, 100)]
        """
        if n <= self.blocks * self.rows:
            return [range(n)] if n else []
        last = n - self.rows
        starts = [last * block // max(1, self.blocks - 1) for block in range(self.blocks)]
        return [range(start, start + self.rows) for start in starts]


class Rows(NamedTuple):
    """The rows from `start` up to `stop`, as far as there are any."""

    start: int
    stop: int

    def of(self, n: int) -> list[range]:
        """Return them as one block, or none.

        Examples
        --------
        >>> Rows(10, 20).of(15)
        [range(10, 15)]
        """
        rows = range(self.start, min(self.stop, n))
        return [rows] if rows else []


Selection = Sample | Rows


class Part(NamedTuple):
    """Rows of one piece, counted from its start."""

    piece: Piece
    rows: range


def parts_of(dataset: StoredObject, datatype: Datatype, pieces: Sequence[Piece], blocks: Sequence[range]) -> list[Part]:
    """Return the parts of pieces that hold blocks of rows."""
    if not pieces or dataset.layout is None:
        return []
    piece_rows = prod(dataset.layout.chunk) if dataset.filters else pieces[0].size // datatype.size
    return list(_parts(blocks, pieces, max(1, piece_rows)))


def place_of(part: Part, dataset: StoredObject, datatype: Datatype) -> tuple[int, int]:
    """Return address and size of what has to be read for a part."""
    if dataset.filters:
        return part.piece.address, part.piece.size
    return part.piece.address + part.rows.start * datatype.size, len(part.rows) * datatype.size


def want_rows(pages: Pages, dataset: StoredObject, pieces: Sequence[Piece], rows: Selection) -> None:
    """Ask for the values of some rows, which only the reader will want."""
    datatype, layout = dataset.datatype, dataset.layout
    if datatype is None or layout is None:
        return
    for part in parts_of(dataset, datatype, pieces, rows.of(prod(dataset.shape or ()))):
        # HDF5 reads a chunk whole, even for a few of its rows.
        whole = layout.kind == "chunked" and len(pieces) > 1
        address, size = (part.piece.address, part.piece.size) if whole else place_of(part, dataset, datatype)
        pages.check(address, size)
        pages.want_values(address, size)


def _parts(blocks: Sequence[range], pieces: Sequence[Piece], piece_rows: int) -> Iterator[Part]:
    for block in blocks:
        for number in range(block.start // piece_rows, min((block.stop - 1) // piece_rows + 1, len(pieces))):
            first = number * piece_rows
            rows = range(max(block.start - first, 0), min(block.stop - first, piece_rows))
            yield Part(pieces[number], rows)
