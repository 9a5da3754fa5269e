"""Where in a matrix the reader looks to see what its values are: a few thousand of them, spread over the whole."""

from __future__ import annotations

from math import ceil, prod

from edviz.hdf5.chunks import find_chunks
from edviz.hdf5.faults import Notes
from edviz.hdf5.pages import Pages, Steps
from edviz.hdf5.structure import StoredObject

MOST_SLICES = 8
SLICE_VALUES = 4096
SAMPLED_VALUES = MOST_SLICES * SLICE_VALUES
LARGEST_CHUNK = 4 * 2**20
"""Bytes of chunks that are fetched beforehand; larger ones are fetched when they are read."""


def chosen_pieces(n: int) -> list[int]:
    """Choose a few of `n` pieces, the first and the last among them.

    Examples
    --------
    >>> chosen_pieces(3), chosen_pieces(71)
    ([0, 1, 2], [0, 10, 20, 30, 40, 50, 60, 70])
    """
    return sorted({(n - 1) * place // (MOST_SLICES - 1) for place in range(MOST_SLICES)}) if n else []


def want_sample(pages: Pages, matrix: StoredObject, notes: Notes) -> Steps[None]:
    """Ask for the values that the reader will look at.

    Raises
    ------
    StructureError
        If the index of the chunks cannot be followed.
    """
    layout, shape, datatype = matrix.layout, matrix.shape, matrix.datatype
    if layout is None or layout.address is None or datatype is None or not shape or len(shape) > 2 or 0 in shape:
        return
    if layout.kind == "contiguous":
        _want_rows(pages, layout.address, shape, datatype.size)
        return
    places = _chunks_of_list(shape[0], layout.chunk[0]) if len(shape) == 1 else _chunks_of_table(shape, layout.chunk)
    for piece in (yield from find_chunks(pages, matrix, places, notes)):
        if piece.size <= LARGEST_CHUNK:
            pages.check(piece.address, piece.size)
            pages.want_values(piece.address, piece.size)


def _want_rows(pages: Pages, address: int, shape: tuple[int, ...], item_bytes: int) -> None:
    row_bytes = prod(shape[1:]) * item_bytes
    size = ceil(shape[0] / MOST_SLICES)
    chosen = chosen_pieces(ceil(shape[0] / size))
    width = min(prod(shape[1:]), SLICE_VALUES)
    each = max(1, SAMPLED_VALUES // width // len(chosen))
    for piece in chosen:
        rows = min(each, shape[0] - piece * size)
        pages.want_values(address + piece * size * row_bytes, min(rows * row_bytes, LARGEST_CHUNK))


def _chunks_of_list(n: int, chunk: int) -> list[tuple[int, ...]]:
    return [(piece * chunk,) for piece in chosen_pieces(ceil(n / chunk))]


def _chunks_of_table(shape: tuple[int, ...], chunk: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the first rows and columns of chunks: further to the right, the further down."""
    pieces = enumerate(chosen_pieces(ceil(shape[0] / chunk[0])))
    return [(piece * chunk[0], shape[1] * place // MOST_SLICES // chunk[1] * chunk[1]) for place, piece in pieces]
