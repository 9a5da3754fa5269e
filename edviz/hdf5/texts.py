"""Which heaps hold the texts of a dataset, told from all of its values or from a spread of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

from edviz.hdf5.chunks import Piece
from edviz.hdf5.datatypes import Datatype, heap_places
from edviz.hdf5.heaps import longest_items, merge_longest
from edviz.hdf5.pages import LONGEST_READ, Pages, Steps
from edviz.hdf5.structure import StoredObject
from edviz.hdf5.unpacking import unpack


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


class _Part(NamedTuple):
    """Rows of one piece, counted from its start."""

    piece: Piece
    rows: range


def has_texts(dataset: StoredObject) -> bool:
    """Say whether values of a dataset are in heaps."""
    return dataset.datatype is not None and bool(heap_places(dataset.datatype))


def find_texts(pages: Pages, dataset: StoredObject, pieces: Sequence[Piece], sample: Sample) -> Steps[dict[int, int]]:
    """Return the heaps that texts are in, with the bytes of the longest that is said to be in each.

    Raises
    ------
    StructureError
        If the references to them cannot be read.
    """
    layout, datatype = dataset.layout, dataset.datatype
    if layout is None or datatype is None or dataset.shape is None:
        return {}
    if layout.kind == "compact":
        return longest_items(datatype, layout.values)
    if not pieces:
        return {}
    piece_rows = prod(layout.chunk) if dataset.filters else pieces[0].size // datatype.size
    parts = list(_parts(_limited(sample, datatype).of(prod(dataset.shape)), pieces, piece_rows))
    for part in parts:
        pages.want(*_place(part, dataset, datatype))
    longest: dict[int, int] = {}
    for part in parts:
        values = yield from _read(pages, part, dataset, datatype)
        longest = merge_longest([longest, longest_items(datatype, values)])
    return longest


def _limited(sample: Sample, datatype: Datatype) -> Sample:
    rows = min(sample.rows, LONGEST_READ // max(1, datatype.size)) // len(heap_places(datatype))
    return Sample(sample.blocks, max(1, rows))


def _parts(blocks: Sequence[range], pieces: Sequence[Piece], piece_rows: int) -> Iterator[_Part]:
    for block in blocks:
        for number in range(block.start // piece_rows, min((block.stop - 1) // piece_rows + 1, len(pieces))):
            first = number * piece_rows
            rows = range(max(block.start - first, 0), min(block.stop - first, piece_rows))
            yield _Part(pieces[number], rows)


def _place(part: _Part, dataset: StoredObject, datatype: Datatype) -> tuple[int, int]:
    """Return address and size of what has to be read for a part."""
    if dataset.filters:
        return part.piece.address, part.piece.size
    return part.piece.address + part.rows.start * datatype.size, len(part.rows) * datatype.size


def _read(pages: Pages, part: _Part, dataset: StoredObject, datatype: Datatype) -> Steps[bytes]:
    stored = yield from pages.read(*_place(part, dataset, datatype))
    if not dataset.filters:
        return stored
    values = unpack(
        stored,
        dataset.filters,
        skipped=part.piece.skipped,
        item_bytes=datatype.size,
        most_bytes=part.rows.stop * datatype.size,
    )
    pages.spend(len(values))
    return values[part.rows.start * datatype.size : part.rows.stop * datatype.size]
