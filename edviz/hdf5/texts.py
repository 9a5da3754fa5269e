"""Which heaps hold the texts of a dataset, told from all of its values or from a spread of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from edviz.hdf5.chunks import Piece
from edviz.hdf5.datatypes import Datatype, heap_places
from edviz.hdf5.heaps import longest_items, merge_longest
from edviz.hdf5.pages import LONGEST_READ, Pages, Steps
from edviz.hdf5.rows import Part, Rows, Sample, Selection, parts_of, place_of
from edviz.hdf5.structure import StoredObject
from edviz.hdf5.unpacking import unpack


def has_texts(dataset: StoredObject) -> bool:
    """Say whether values of a dataset are in heaps."""
    return dataset.datatype is not None and bool(heap_places(dataset.datatype))


def find_texts(
    pages: Pages, dataset: StoredObject, pieces: Sequence[Piece], selection: Selection
) -> Steps[dict[int, int]]:
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
    parts = parts_of(dataset, datatype, pieces, _limited(selection, datatype).of(prod(dataset.shape)))
    for part in parts:
        pages.want(*place_of(part, dataset, datatype))
    longest: dict[int, int] = {}
    for part in parts:
        values = yield from _read(pages, part, dataset, datatype)
        longest = merge_longest([longest, longest_items(datatype, values)])
    return longest


def _limited(selection: Selection, datatype: Datatype) -> Selection:
    longest, places = LONGEST_READ // max(1, datatype.size), len(heap_places(datatype))
    if isinstance(selection, Rows):
        return Rows(selection.start, min(selection.stop, selection.start + max(1, longest // places)))
    return Sample(selection.blocks, max(1, min(selection.rows, longest) // places))


def _read(pages: Pages, part: Part, dataset: StoredObject, datatype: Datatype) -> Steps[bytes]:
    stored = yield from pages.read(*place_of(part, dataset, datatype))
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
