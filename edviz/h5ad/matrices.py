"""Matrices as they are stored: what they are, and a sample of what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from edviz.h5ad.parts import (
    HDF5_ERRORS,
    PartError,
    attribute,
    check_storage,
    find_dataset,
    text_attribute,
    texts_attribute,
    unreadable,
)
from edviz.h5ad.strings import harmless
from edviz.h5ad.values import Array
from edviz.hdf5.matrices import MOST_SLICES, SAMPLED_VALUES, SLICE_VALUES, chosen_pieces

MOST_MATRIX_CHUNK_BYTES = 256 * 2**20
"""Chunks of matrices may be larger than those of columns: some writers in R store all values in one."""


@dataclass(frozen=True)
class Matrix:
    """A stored matrix, or whatever stands in the place of one.

    Attributes
    ----------
    encoding
        `array`, `csr_matrix`, `csc_matrix`, `dataframe`, or the name that the file gives.
    shape
        None where it is not written down.
    stored
        The dataset of all values, or of the stored ones; None if it is no matrix of numbers.
    """

    encoding: str
    shape: tuple[int, ...] | None
    stored: h5py.Dataset | None

    @property
    def dtype(self) -> str | None:
        """Type of the values."""
        return None if self.stored is None else harmless(str(self.stored.dtype))


def matrix_of(part: h5py.Group | h5py.Dataset) -> Matrix:
    """Recognise a matrix in the encodings of all versions."""
    if isinstance(part, h5py.Group):
        return _matrix_of_group(part)
    if part.dtype.names:
        return Matrix("compound", part.shape, None)
    encoding = text_attribute(part, "encoding-type")
    if part.shape is None or part.dtype.kind not in "iufb":
        return Matrix(harmless(encoding or "no numbers"), part.shape, None)
    return Matrix("array", tuple(map(int, part.shape)), part)


def sample_values(matrix: Matrix) -> Array:
    """Read a few thousand of the stored values, spread over the whole.

    Raises
    ------
    PartError
        If they cannot be read.
    """
    stored = matrix.stored
    if stored is None:
        raise PartError(f"{matrix.encoding}, not a matrix of numbers")
    check_storage(stored, most_chunk_bytes=MOST_MATRIX_CHUNK_BYTES)
    if len(stored.shape) not in (1, 2):
        raise PartError("neither one nor two dimensions")
    places = _places_in_list(stored) if len(stored.shape) == 1 else _places_in_table(stored)
    try:
        parts = [np.asarray(stored[place]).ravel() for place in places]
    except HDF5_ERRORS as error:
        raise unreadable(error, stored) from error
    return np.concatenate(parts) if parts else np.empty(0, stored.dtype)


def _matrix_of_group(group: h5py.Group) -> Matrix:
    stored = find_dataset(group, "data")
    encoding = text_attribute(group, "encoding-type") or _old_sparse_encoding(group)
    if encoding == "dataframe":
        columns = texts_attribute(group, "column-order") or []
        return Matrix("dataframe", (_rows_of_frame(group), len(columns)), None)
    shape = _shape_attribute(group)
    if encoding in ("csr_matrix", "csc_matrix") or (encoding is None and stored is not None):
        numeric = stored is not None and stored.dtype.kind in "iufb" and len(stored.shape or ()) == 1
        return Matrix(encoding or "sparse without attributes", shape, stored if numeric else None)
    return Matrix(harmless(encoding or "group without encoding attributes"), shape, None)


def _old_sparse_encoding(group: h5py.Group) -> str | None:
    written = text_attribute(group, "h5sparse_format")
    return f"{written}_matrix" if written in ("csr", "csc") else None


def _shape_attribute(group: h5py.Group) -> tuple[int, ...] | None:
    for name in ("shape", "h5sparse_shape"):
        value = attribute(group, name)
        if isinstance(value, np.ndarray) and value.shape == (2,) and value.dtype.kind in "iu":
            return tuple(map(int, value))
    return None


def _rows_of_frame(group: h5py.Group) -> int:
    index = find_dataset(group, text_attribute(group, "_index") or "_index")
    return 0 if index is None or not index.shape else int(index.shape[0])


def _places_in_list(stored: h5py.Dataset) -> Iterator[slice]:
    return _spread(stored.shape[0], stored.chunks[0] if stored.chunks else None, SAMPLED_VALUES)


def _places_in_table(stored: h5py.Dataset) -> Iterator[tuple[slice, slice]]:
    """Choose some rows in each of a few chunks, and some columns of these rows."""
    n_rows, n_columns = stored.shape
    chunk_rows, chunk_columns = stored.chunks or (None, n_columns)
    if not n_rows or not n_columns:
        return
    width = min(chunk_columns, n_columns, SLICE_VALUES)
    for place, rows in enumerate(_spread(n_rows, chunk_rows, max(1, SAMPLED_VALUES // width))):
        start = n_columns * place // MOST_SLICES // chunk_columns * chunk_columns
        stop = min(start + chunk_columns, n_columns)
        yield rows, slice(start, stop, max(1, (stop - start) // width))


def _spread(n: int, chunk: int | None, wanted: int) -> Iterator[slice]:
    """Choose about `wanted` of `n` positions, so that few chunks are unpacked and none of them twice."""
    size = chunk or max(1, -(-n // MOST_SLICES))
    chosen = chosen_pieces(-(-n // size))
    for piece in chosen:
        start, stop = piece * size, min((piece + 1) * size, n)
        each = max(1, wanted // len(chosen))
        # Where there are no chunks, neighbours are read in one go; within a chunk all is unpacked anyway.
        step = max(1, (stop - start) // each) if chunk else 1
        yield slice(start, min(stop, start + each * step), step)
