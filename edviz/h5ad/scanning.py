"""All values of a matrix, looked at once and not kept: whether they are counts, and where they are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from edviz.contents import CountsScan, FeatureKind, RowsAtFault
from edviz.errors import H5adError
from edviz.h5ad.columns import Content, Labelled, Plain
from edviz.h5ad.frame import Frame
from edviz.h5ad.matrices import MOST_MATRIX_CHUNK_BYTES, Matrix
from edviz.h5ad.parts import HDF5_ERRORS, PartError, check_storage, find_dataset, find_part, unreadable
from edviz.h5ad.reader import OLD_RAW, H5adFile
from edviz.h5ad.strings import harmless
from edviz.h5ad.values import Array, labels_of, read_labels

VALUES_AT_ONCE = 1 << 20
ROWS_NAMED = 5
DUPLICATES_NAMED = 5
FAULTS = ("fractional", "negative", "not_finite")
FEATURE_COLUMNS = ("feature_types", "feature_type", "modality")
"""Columns of var in which writers say what was measured: 10x Genomics the first, muon the last."""


Ints = NDArray[np.int64]


@dataclass(frozen=True)
class StoredValues:
    """Some values of a matrix with the places where they stand; zeros may be left out."""

    values: Array
    rows: Array
    columns: Array


@dataclass(frozen=True)
class CountsMatrix:
    """A matrix of numbers that can be read as a whole, piece by piece.

    Attributes
    ----------
    encoding
        `array`, `csr_matrix` or `csc_matrix`.
    part
        The dataset, or the group of a sparse matrix.
    """

    location: str
    encoding: str
    shape: tuple[int, int]
    part: h5py.Group | h5py.Dataset

    @property
    def n_stored(self) -> int:
        """How many values are stored."""
        return self.shape[0] * self.shape[1] if self.encoding == "array" else int(self.part["data"].shape[0])

    def pieces(self) -> Iterator[StoredValues]:
        """Read everything, in pieces of about a million values.

        Raises
        ------
        H5adError
            If they cannot be read.
        """
        try:
            yield from _dense_pieces(self.part) if self.encoding == "array" else _sparse_pieces(self)
        except HDF5_ERRORS as error:
            raise H5adError(f"{self.location} {unreadable(error)}") from error


@dataclass
class _Tally:
    """What has been seen of a matrix so far."""

    totals: Array
    faults: dict[str, Ints]
    largest: float = 0.0
    n_values: int = 0


def counts_matrix(h5ad: H5adFile, location: str) -> CountsMatrix:
    """Open a matrix to read all of it.

    Parameters
    ----------
    location
        `X`, `raw/X` or `layers/<name>`.

    Raises
    ------
    H5adError
        If there is no such matrix, or its parts do not fit together.
    """
    named = _as_stored(h5ad, location)
    matrix, part = h5ad.matrix(named), find_part(h5ad.root, named)
    if part is None and named == "raw/X":
        part = find_part(h5ad.root, OLD_RAW)
    if matrix is None or part is None:
        raise H5adError(f"{h5ad.path} has no matrix {harmless(location)}; it has {', '.join(_matrices(h5ad))}.")
    shape = matrix.shape
    if matrix.stored is None or shape is None or len(shape) != 2 or matrix.encoding not in _ENCODINGS:
        raise H5adError(f"{harmless(location)} is {matrix.encoding}, not a matrix of numbers that can be read.")
    found = CountsMatrix(harmless(location), matrix.encoding, (shape[0], shape[1]), part)
    _check(found, matrix)
    return found


def scan_counts(h5ad: H5adFile, location: str) -> CountsScan:
    """Look at every value of a matrix, and at the names of its columns.

    Memory depends on the number of rows and columns, not on that of the values.

    Raises
    ------
    H5adError
        If there is no such matrix, or it cannot be read.
    """
    matrix = counts_matrix(h5ad, location)
    n_rows = matrix.shape[0]
    tally = _Tally(np.zeros(n_rows), {fault: np.zeros(n_rows, np.int64) for fault in FAULTS})
    for piece in matrix.pieces():
        _add(tally, piece)
    names = feature_names(h5ad, location, matrix.shape[1])
    repeated = [name for name, n in Counter(names).items() if n > 1]
    return CountsScan(
        location=matrix.location,
        encoding=matrix.encoding,
        n_obs=matrix.shape[0],
        n_vars=matrix.shape[1],
        n_stored=tally.n_values,
        largest=float(tally.largest),
        total=float(tally.totals.sum()),
        **{fault: _rows_at_fault(h5ad, n_each) for fault, n_each in tally.faults.items()},
        n_empty=int((tally.totals == 0).sum()),
        n_duplicates=len(repeated),
        duplicates=tuple(repeated[:DUPLICATES_NAMED]),
        features=feature_kinds(h5ad, location, matrix.shape[1]),
        n_namesakes=_n_namesakes(h5ad.obs),
    )


def feature_names(h5ad: H5adFile, location: str, n: int) -> list[str]:
    """Return the names of the columns of a matrix; empty if they have none."""
    var = _var_of(h5ad, location, n)
    if var is None or var.index is None:
        return []
    return _texts(var.index.content, n)


def feature_kinds(h5ad: H5adFile, location: str, n: int) -> tuple[FeatureKind, ...]:
    """Say of what kinds the columns are, the commonest first; empty if the file does not say."""
    counted = Counter(feature_kind_of_each(h5ad, location, n))
    return tuple(FeatureKind(name, count) for name, count in counted.most_common())


def feature_kind_of_each(h5ad: H5adFile, location: str, n: int) -> list[str]:
    """Return the kind of every column as the file says it; empty if it does not."""
    var = _var_of(h5ad, location, n)
    columns = () if var is None else map(var.column, FEATURE_COLUMNS)
    return next((texts for column in columns if column is not None and (texts := _texts(column.content, n))), [])


_ENCODINGS = ("array", "csr_matrix", "csc_matrix", "sparse without attributes")


def _check(matrix: CountsMatrix, seen: Matrix) -> None:
    try:
        if matrix.encoding == "array":
            check_storage(matrix.part, most_chunk_bytes=MOST_MATRIX_CHUNK_BYTES)
            return
        parts = {name: find_dataset(matrix.part, name) for name in ("data", "indices", "indptr")}
        for name, part in parts.items():
            if part is None or part.dtype.kind not in "iufb":
                raise PartError(f"its {name} are missing")
            check_storage(part, most_chunk_bytes=MOST_MATRIX_CHUNK_BYTES)
        n_along = matrix.shape[0 if matrix.encoding != "csc_matrix" else 1]
        shapes = [None if part is None else part.shape for part in parts.values()]
        if shapes[0] != shapes[1] or shapes[2] != (n_along + 1,):
            raise PartError("its data, indices and indptr do not fit together")
    except PartError as error:
        raise H5adError(f"{matrix.location} cannot be read: {error}.") from error


def _dense_pieces(dataset: h5py.Dataset) -> Iterator[StoredValues]:
    n_rows, n_columns = dataset.shape
    chunk = dataset.chunks[0] if dataset.chunks else 1
    step = max(chunk, VALUES_AT_ONCE // max(1, n_columns) // chunk * chunk)
    for start in range(0, n_rows, step):
        block = np.asarray(dataset[start : start + step])
        rows, columns = np.nonzero(block)
        yield StoredValues(block[rows, columns], rows + start, columns)


def _sparse_pieces(matrix: CountsMatrix) -> Iterator[StoredValues]:
    data, indices = matrix.part["data"], matrix.part["indices"]
    pointers: Ints = np.asarray(matrix.part["indptr"]).astype(np.int64)
    is_csc = matrix.encoding == "csc_matrix"
    across = matrix.shape[0 if is_csc else 1]
    if pointers[0] != 0 or pointers[-1] != data.shape[0] or (np.diff(pointers) < 0).any():
        raise H5adError(f"{matrix.location} is damaged: its indptr does not fit its data; download or write it again.")
    for start in range(0, data.shape[0], VALUES_AT_ONCE):
        stop = min(start + VALUES_AT_ONCE, data.shape[0])
        first = int(np.searchsorted(pointers, start, side="right")) - 1
        last = int(np.searchsorted(pointers, stop - 1, side="right")) - 1
        bounds: Ints = np.clip(pointers[first : last + 2], start, stop)
        lengths = bounds[1:] - bounds[:-1]
        along = np.repeat(np.arange(first, last + 1), lengths)
        places = np.asarray(indices[start:stop]).astype(np.int64)
        if len(places) and (places.min() < 0 or places.max() >= across):
            raise H5adError(f"{matrix.location} is damaged: an index is outside the matrix; download it again.")
        values = np.asarray(data[start:stop])
        yield StoredValues(values, places, along) if is_csc else StoredValues(values, along, places)


def _add(tally: _Tally, piece: StoredValues) -> None:
    values = piece.values.astype(np.float64)
    finite = np.isfinite(values)
    tally.n_values += int(np.count_nonzero(values))
    for fault, wrong in zip(FAULTS, (finite & (values != np.trunc(values)), values < 0, ~finite), strict=True):
        if wrong.any():
            tally.faults[fault] += np.bincount(piece.rows[wrong], minlength=len(tally.totals))
    values = np.where(finite, values, 0.0)
    tally.largest = max(tally.largest, float(values.max(initial=0.0)))
    tally.totals += np.bincount(piece.rows, weights=np.abs(values), minlength=len(tally.totals))


def _rows_at_fault(h5ad: H5adFile, n_each: Ints) -> RowsAtFault:
    rows = np.flatnonzero(n_each)
    named = tuple(_name_of_row(h5ad.obs, row) for row in rows[:ROWS_NAMED].tolist())
    return RowsAtFault(len(rows), int(n_each.sum()), named)


def _name_of_row(obs: Frame, row: int) -> str:
    content = None if obs.index is None else obs.index.content
    if not isinstance(content, Plain):
        return f"row {row}"
    try:
        return labels_of(content.values.read(row, row + 1))[0]
    except PartError:
        return f"row {row}"


def _n_namesakes(obs: Frame) -> int:
    """Count the rows whose name another row has, too; none where there are no names that can be read."""
    content = None if obs.index is None else obs.index.content
    if not isinstance(content, Plain):
        return 0
    try:
        # Of millions of names the numbers that stand for them are kept, not the names.
        numbers = [np.array([hash(name) for name in labels_of(block.values)]) for block in content.values.blocks()]
    except PartError:
        return 0
    _, n_each = np.unique(np.concatenate([np.zeros(0, np.int64), *numbers]), return_counts=True)
    return int(n_each[n_each > 1].sum())


def _var_of(h5ad: H5adFile, location: str, n: int) -> Frame | None:
    if location != "raw/X":
        return h5ad.frame("var", n_columns=n)
    return h5ad.frame("raw/var", n_columns=n) or h5ad.frame("raw.var", n_columns=n)


def _texts(content: Content, n: int) -> list[str]:
    """Read all texts of a column; none where there is not one for each row."""
    try:
        if isinstance(content, Plain):
            texts = [text for block in content.values.blocks() for text in labels_of(block.values)]
        elif isinstance(content, Labelled):
            texts = _texts_of_levels(content, n)
        else:
            return []
    except PartError:
        return []
    return texts if len(texts) == n else []


def _texts_of_levels(content: Labelled, n: int) -> list[str]:
    names = list(content.labels) if isinstance(content.labels, tuple) else read_labels(content.labels, n_obs=n)
    codes = [code for block in content.codes.blocks() for code in block.values.tolist()]
    return [names[code] if 0 <= code < len(names) else "" for code in codes]


def _as_stored(h5ad: H5adFile, location: str) -> str:
    """Return a location as the file spells it; results spell names without what could act on a terminal."""
    layers = (f"layers/{name}" for name in h5ad.names("layers"))
    return next((layer for layer in layers if harmless(layer) == harmless(location)), location)


def _matrices(h5ad: H5adFile) -> list[str]:
    known = ["X", "raw/X", *(f"layers/{name}" for name in h5ad.names("layers"))]
    return [harmless(location) for location in known if h5ad.matrix(location) is not None] or ["none"]
