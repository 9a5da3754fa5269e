"""Coordinates, columns and names of the cells of an .h5ad file; nothing else of it is read."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from edviz.h5ad.codes import NumberedCodes, column_codes, read_level_names
from edviz.h5ad.columns import Labelled, LeftOut, Plain, StoredColumn
from edviz.h5ad.matrices import MOST_MATRIX_CHUNK_BYTES
from edviz.h5ad.parts import HDF5_ERRORS, PartError, check_storage, find_part, part_names, unreadable
from edviz.h5ad.reader import H5adFile
from edviz.h5ad.strings import harmless
from mcp_server.embeddings.errors import EmbeddingError

Coordinates = NDArray[np.float32]
Codes = NDArray[np.int64]

MOST_WHOLE_LEVELS = 20
"""Whole numbers with at most so many values are taken for labels: clusters are often stored so."""
MOST_LEVELS = 100_000
LONGEST_LIST = 12


@dataclass(frozen=True)
class Levels:
    """A column of labels.

    Attributes
    ----------
    codes
        For each cell the place of its label in `names`, or -1.
    """

    name: str
    codes: Codes
    names: tuple[str, ...]

    def of(self, rows: Codes) -> Levels:
        """Return the column of some cells."""
        return Levels(self.name, self.codes[rows], self.names)


@dataclass(frozen=True)
class Numbers:
    """A column of numbers; NaN where there is none."""

    name: str
    values: NDArray[np.float64]

    def of(self, rows: Codes) -> Numbers:
        """Return the column of some cells."""
        return Numbers(self.name, self.values[rows])


Colouring = Levels | Numbers


def names_of_coordinates(h5ad: H5adFile) -> list[str]:
    """List what obsm holds, as the file names it."""
    part = find_part(h5ad.root, "obsm")
    if isinstance(part, h5py.Dataset):
        return list(part.dtype.names or ())
    return part_names(part) if part is not None else []


def read_coordinates(h5ad: H5adFile, name: str) -> Coordinates:
    """Read an entry of obsm, a row a cell.

    Raises
    ------
    EmbeddingError
        If there is no such entry, or it is no table of numbers with a row for each cell.
    H5adError
        If it cannot be read.
    """
    held = names_of_coordinates(h5ad)
    if name not in held:
        raise EmbeddingError(f"{h5ad.path} has no obsm {harmless(name)!r}; {offer('entries', held, name)}")
    part = find_part(h5ad.root, "obsm")
    values = _read_field(part, name) if isinstance(part, h5py.Dataset) else _read_table(part, name, h5ad)
    if values.ndim != 2 or values.shape[0] != h5ad.obs.n or not values.shape[1]:
        shape = " x ".join(map(str, values.shape)) if values.ndim > 1 else f"a row of {values.size:,} numbers"
        raise EmbeddingError(f"obsm {harmless(name)!r} of {h5ad.path} is {shape}, not a row for each of the "
                             f"{h5ad.obs.n:,} cells")  # fmt: skip
    return np.asarray(values, dtype=np.float32)


def read_column(h5ad: H5adFile, name: str) -> Colouring:
    """Read a column of obs as labels or as numbers.

    Whole numbers of few different values are labels, as clusters are often stored as such.

    Raises
    ------
    EmbeddingError
        If there is no such column, or it holds neither.
    """
    column = h5ad.obs.column(name)
    if column is None:
        known = [each.name for each in h5ad.obs.columns if not isinstance(each.content, LeftOut)]
        raise EmbeddingError(f"{h5ad.path} has no obs column {harmless(name)!r}; {offer('columns', known, name)}")
    try:
        return _column(column, h5ad.obs.n)
    except PartError as error:
        raise EmbeddingError(f"the obs column {harmless(name)!r} of {h5ad.path} cannot be read: {error}.") from error


def read_names(h5ad: H5adFile) -> list[str]:
    """Read the names of the cells exactly as they are stored; their numbers if they have none."""
    index = h5ad.obs.index
    if index is None or not isinstance(index.content, Plain) or len(index.content.values) != h5ad.obs.n:
        return [str(number) for number in range(h5ad.obs.n)]
    names: list[str] = []
    for block in index.content.values.blocks():
        names += [_exact(value) for value in block.values.tolist()]
    return names


def _exact(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _column(column: StoredColumn, n: int) -> Colouring:
    content = column.content
    if isinstance(content, LeftOut):
        raise PartError(content.reason)
    length = len(content.codes if isinstance(content, Labelled) else content.values)
    if length != n:
        raise PartError(f"it has {length:,} values for {n:,} cells")
    if isinstance(content, Plain) and content.kind in ("integer", "float"):
        values = _numbers(content, n)
        known = np.unique(values[np.isfinite(values)])
        if len(known) > MOST_WHOLE_LEVELS or not np.array_equal(known, np.trunc(known)):
            return Numbers(column.name, values)
        codes = np.where(np.isfinite(values), np.searchsorted(known, values), -1)
        return Levels(column.name, codes.astype(np.int64), tuple(f"{number:.0f}" for number in known))
    return _levels(column.name, content, n)


def _levels(name: str, content: Labelled | Plain, n: int) -> Levels:
    stored = column_codes(content, n, most_levels=MOST_LEVELS)
    codes = np.concatenate([np.empty(0, np.int64), *(run.astype(np.int64) for run in stored.runs())])
    if not isinstance(stored, NumberedCodes):
        assert isinstance(content, Labelled)  # noqa: S101 - for the type checker
        return Levels(name, codes, tuple(read_level_names(content, n)))
    names, place = stored.sorted_levels()
    return Levels(name, np.where(codes < 0, -1, place[codes]) if len(place) else codes, tuple(names))


def _numbers(content: Plain, n: int) -> NDArray[np.float64]:
    values = content.values.read(0, n).astype(np.float64)
    if content.mask is not None:
        values[content.mask.read(0, n) != 0] = np.nan
    return values


def _read_field(table: h5py.Dataset, name: str) -> NDArray[np.generic]:
    """Read coordinates as anndata before 0.7 stored them, all in one table."""
    try:
        check_storage(table, most_chunk_bytes=MOST_MATRIX_CHUNK_BYTES)
        return np.atleast_2d(np.asarray(table.fields(name)[()]))
    except HDF5_ERRORS as error:
        raise unreadable(error, table) from error


def _read_table(group: h5py.Group, name: str, h5ad: H5adFile) -> NDArray[np.generic]:
    part = find_part(group, name)
    if not isinstance(part, h5py.Dataset) or part.dtype.kind not in "iufb" or part.shape is None:
        stored = "a sparse matrix or a data frame" if isinstance(part, h5py.Group) else "no table of numbers"
        raise EmbeddingError(f"obsm {harmless(name)!r} of {h5ad.path} is {stored}; write it as an array of numbers")
    if part.ndim != 2 or part.shape[0] != h5ad.obs.n:
        return np.empty(part.shape, dtype=np.bool_)  # refused for its shape, so nothing of it is read
    try:
        check_storage(part, most_chunk_bytes=MOST_MATRIX_CHUNK_BYTES)
        return np.asarray(part[()])
    except HDF5_ERRORS as error:
        raise unreadable(error, part) from error


def offer(what: str, names: Sequence[str], wanted: str) -> str:
    """Say what there is instead, beginning with what was probably meant."""
    if not names:
        return f"it has no {what}"
    near = difflib.get_close_matches(wanted, names, n=2)
    listed = [*near, *(name for name in names if name not in near)]
    shown = ", ".join(harmless(name) for name in listed[:LONGEST_LIST])
    return f"the {what} are {shown}" + (f" and {len(listed) - LONGEST_LIST} more" if len(listed) > LONGEST_LIST else "")
