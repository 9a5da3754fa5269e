"""A summary of an .h5ad file: what is in it, of which species, where the counts are."""

from __future__ import annotations

from os import PathLike

import h5py

from edviz.contents import ColumnSummary, H5adSummary, MatrixSummary, NamedMatrix, RawSummary, VarSummary
from edviz.h5ad.counts import locate_counts
from edviz.h5ad.factors import reason_not_to_read
from edviz.h5ad.frame import Frame
from edviz.h5ad.matrices import Matrix
from edviz.h5ad.parts import find_part
from edviz.h5ad.reader import H5adFile, open_h5ad
from edviz.h5ad.sampling import texts_or_none
from edviz.h5ad.schema import describe_encoding, schema_hints
from edviz.h5ad.species import NAME_COLUMNS, recognise_species
from edviz.h5ad.strings import harmless

EXAMPLE_NAMES = 5
MOST_KEYS = 1000


def summarise(path: str | PathLike[str]) -> H5adSummary:
    """Summarise an .h5ad file without reading its matrices, but for a few thousand values.

    Raises
    ------
    H5adError
        If the file is no .h5ad file or cannot be read.
    """
    with open_h5ad(path, purpose="summary") as h5ad:
        return summary_of(h5ad)


def summary_of(h5ad: H5adFile) -> H5adSummary:
    """Summarise an open file."""
    h5ad.ahead.expect("summary")
    x = h5ad.matrix("X")
    var = h5ad.frame("var", n_columns=_n_columns(x))
    return H5adSummary(
        path=h5ad.path,
        file_size=h5ad.size,
        n_obs=h5ad.obs.n,
        n_vars=_n_columns(x) if var is None else var.n,
        species=recognise_species(h5ad, var),
        counts=locate_counts(h5ad),
        x=None if x is None else _summary_of(x),
        raw=_raw(h5ad),
        layers=_named(h5ad, "layers"),
        obs=_columns(h5ad.obs),
        var=_var(var),
        obsm=_named(h5ad, "obsm"),
        varm=_named(h5ad, "varm"),
        obsp=_named(h5ad, "obsp"),
        varp=_named(h5ad, "varp"),
        uns=tuple(harmless(name) for name in h5ad.names("uns")[:MOST_KEYS]),
        encoding=describe_encoding(h5ad, var),
        schema=schema_hints(h5ad),
        notes=h5ad.obs.notes if var is None else h5ad.obs.notes + tuple(f"var: {note}" for note in var.notes),
    )


def _n_columns(matrix: Matrix | None) -> int | None:
    return matrix.shape[1] if matrix is not None and matrix.shape is not None and len(matrix.shape) == 2 else None


def _summary_of(matrix: Matrix) -> MatrixSummary:
    return MatrixSummary(matrix.encoding, matrix.dtype, matrix.shape)


def _raw(h5ad: H5adFile) -> RawSummary | None:
    x = h5ad.matrix("raw/X")
    n_columns = _n_columns(x)
    var = h5ad.frame("raw/var", n_columns=n_columns) or h5ad.frame("raw.var", n_columns=n_columns)
    if x is None and var is None:
        return None
    return RawSummary(n_columns if var is None else var.n, None if x is None else _summary_of(x))


def _columns(obs: Frame) -> tuple[ColumnSummary, ...]:
    return tuple(
        ColumnSummary(column.name, column.content.kind, reason_not_to_read(column.content, obs.n))
        for column in obs.columns
    )


def _var(var: Frame | None) -> VarSummary:
    if var is None:
        return VarSummary(None, (), ())
    index = None if var.index is None else var.index.name
    return VarSummary(index, tuple(column.name for column in var.columns), _example_names(var))


def _example_names(var: Frame) -> tuple[str, ...]:
    for column in (var.index, *map(var.column, NAME_COLUMNS)):
        names = [] if column is None else texts_or_none(column.content, EXAMPLE_NAMES)
        # An index of numbers names no genes.
        if not all(name.isdigit() for name in names):
            return tuple(names)
    return ()


def _named(h5ad: H5adFile, place: str) -> tuple[NamedMatrix, ...]:
    part = find_part(h5ad.root, place)
    if isinstance(part, h5py.Dataset):
        return _fields_of(part)
    return tuple(_named_matrix(name, h5ad.matrix(f"{place}/{name}")) for name in h5ad.names(place)[:MOST_KEYS])


def _named_matrix(name: str, matrix: Matrix | None) -> NamedMatrix:
    if matrix is None:
        return NamedMatrix(harmless(name), "not readable", None, None)
    return NamedMatrix(harmless(name), matrix.encoding, matrix.dtype, matrix.shape)


def _fields_of(table: h5py.Dataset) -> tuple[NamedMatrix, ...]:
    """Describe the matrices that anndata before 0.7 stored as fields of one table."""
    dtype = table.dtype
    return tuple(
        NamedMatrix(harmless(name), "field", str(dtype[name].base), (*(table.shape or ()), *dtype[name].shape))
        for name in dtype.names or ()
    )
