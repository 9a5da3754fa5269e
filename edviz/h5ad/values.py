"""One-dimensional values of a dataset, or of a field of one, read in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from h5py import h5t
from numpy.typing import NDArray

from edviz.h5ad.parts import HDF5_ERRORS, PartError, check_storage, unreadable
from edviz.h5ad.strings import harmless
from edviz.table import ColumnKind

TEXT_ROWS = 32_768
BLOCK_BYTES = 2**17
MOST_STORED_LEVELS = 1_000_000
"""More level names than this are read only if there are as many observations."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Block:
    """Consecutive values and the position of the first."""

    start: int
    values: Array

    @property
    def rows(self) -> slice:
        """Where the values stand in the column."""
        return slice(self.start, self.start + len(self.values))


class FieldsTogether:
    """Fields of a compound dataset that are read in step: the rows that one asks for are kept for the others."""

    def __init__(self, dataset: h5py.Dataset, fields: tuple[str, ...]) -> None:
        self._dataset = dataset
        self._fields = fields
        self._rows: tuple[int, int] | None = None
        self._table: Array | None = None

    def read(self, field: str, start: int, stop: int) -> Array:
        """Return values of one field."""
        if self._table is None or self._rows != (start, stop):
            self._table = self._dataset.fields(list(self._fields))[start:stop]
            self._rows = (start, stop)
        values: Array = self._table[field]
        return values


@dataclass(frozen=True)
class Values:
    """Values that can be read block by block; made by `values_of`, which checks that they may be."""

    dataset: h5py.Dataset
    field: str | None = None
    together: FieldsTogether | None = None

    def __len__(self) -> int:
        return int(self.dataset.shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one value."""
        dtype: np.dtype[Any] = self.dataset.dtype
        return dtype if self.field is None else dtype[self.field]

    def read(self, start: int, stop: int) -> Array:
        """Read values; text comes as bytes.

        Raises
        ------
        PartError
            If they cannot be read.
        """
        try:
            values = self._stored(start, stop)
            if values.dtype.kind == "S" and self._is_padded_with_spaces():
                values = np.char.rstrip(values, b" ")
        except HDF5_ERRORS as error:
            raise unreadable(error, self.dataset) from error
        return values

    def blocks(self) -> Iterator[Block]:
        """Read everything, in blocks that follow the chunks."""
        for rows in _row_blocks(self.dataset):
            yield Block(rows.start, self.read(rows.start, rows.stop))

    def _stored(self, start: int, stop: int) -> Array:
        if self.field is None:
            return np.asarray(self.dataset[start:stop])
        if self.together is not None:
            return self.together.read(self.field, start, stop)
        return np.asarray(self.dataset.fields(self.field)[start:stop])

    def _is_padded_with_spaces(self) -> bool:
        stored = self.dataset.id.get_type()
        if self.field is not None:
            stored = stored.get_member_type(stored.get_member_index(self.field.encode()))
        return bool(stored.get_strpad() == h5t.STR_SPACEPAD)


def values_of(dataset: h5py.Dataset, field: str | None = None) -> Values:
    """Take the values of a one-dimensional dataset, or of one field of it.

    Raises
    ------
    PartError
        If there is not one value per row, or they are outside the file, or cannot be unpacked.
    """
    one_value = field is None or dataset.dtype[field].shape == ()
    if dataset.shape is None or len(dataset.shape) != 1 or not one_value:
        raise PartError("not one value per observation")
    check_storage(dataset)
    return Values(dataset, field)


def kind_of(dtype: np.dtype[Any]) -> ColumnKind:
    """Say what kind of column values of this type make."""
    if h5py.check_string_dtype(dtype) is not None:
        return "string"
    if h5py.check_enum_dtype(dtype) is not None:
        return "categorical"
    kinds: dict[str, ColumnKind] = {"b": "boolean", "i": "integer", "u": "integer", "f": "float"}
    return kinds.get(dtype.kind, "other")


def count_labels(dataset: h5py.Dataset, *, n_obs: int) -> int:
    """Count the level names of a table.

    Raises
    ------
    PartError
        If it is no list, or far longer than the observations need.
    """
    shape = dataset.shape
    if shape is None or len(shape) > 1:
        raise PartError("its level names are no list")
    # anndata before 0.7 wrote a table of one level as a scalar.
    n_levels = int(shape[0]) if shape else 1
    if n_levels > max(n_obs, MOST_STORED_LEVELS):
        raise PartError(f"{n_levels:,} level names are declared for {n_obs:,} observations")
    return n_levels


def read_labels(dataset: h5py.Dataset, *, n_obs: int) -> list[str]:
    """Read a table of level names, whatever their type.

    Raises
    ------
    PartError
        If it is no list of texts or numbers, or far longer than the observations need.
    """
    check_storage(dataset)
    count_labels(dataset, n_obs=n_obs)
    if kind_of(dataset.dtype) == "other":
        raise PartError("its level names are neither texts nor numbers")
    if not dataset.shape:
        return labels_of(_read_scalar(dataset))
    return [label for block in Values(dataset).blocks() for label in labels_of(block.values)]


def labels_of(values: Array) -> list[str]:
    """Write values as level names."""
    if values.dtype.kind in "OS":
        return [harmless(value) for value in values.tolist()]
    # Through numpy's own scalars: a float32 of 0.1 is to be "0.1", not "0.10000000149011612".
    return [str(value) for value in values]


def _row_blocks(dataset: h5py.Dataset) -> Iterator[slice]:
    rows = max(1, BLOCK_BYTES // max(1, dataset.dtype.itemsize))
    if dataset.dtype.kind == "O":
        rows = TEXT_ROWS
    chunk = dataset.chunks[0] if dataset.chunks else 1
    # Less than a chunk at a time would unpack every chunk more than once.
    rows = max(chunk, rows // chunk * chunk)
    for start in range(0, dataset.shape[0], rows):
        yield slice(start, min(start + rows, dataset.shape[0]))


def _read_scalar(dataset: h5py.Dataset) -> Array:
    try:
        return np.asarray([dataset[()]], dtype=object if h5py.check_string_dtype(dataset.dtype) else None)
    except HDF5_ERRORS as error:
        raise unreadable(error, dataset) from error


def read_text(dataset: h5py.Dataset | None) -> str | None:
    """Return the one text of a dataset, or None if there is no such thing."""
    if dataset is None or h5py.check_string_dtype(dataset.dtype) is None or dataset.shape not in ((), (1,)):
        return None
    try:
        check_storage(dataset)
        return labels_of(np.asarray([dataset[()]], dtype=object).ravel())[0]
    except HDF5_ERRORS:
        return None
