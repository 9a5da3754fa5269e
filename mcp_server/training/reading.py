"""The counts of a file and what belongs to them, in memory; the file is opened for reading only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edviz.errors import H5adError
from edviz.h5ad.reader import open_h5ad
from edviz.h5ad.scanning import CountsMatrix, counts_matrix, feature_kind_of_each, feature_names
from edviz.h5ad.strings import harmless
from mcp_server.training.problems import is_no_gene

if TYPE_CHECKING:
    from anndata import AnnData
    from pandas import DataFrame

    from mcp_server.training.fast.from_disk import CountsOnDisk

MISSING = "missing"
"""The level of cells that have none, where they are trained on nevertheless."""


@dataclass(frozen=True)
class Cells:
    """Cells to train on.

    Attributes
    ----------
    data
        Counts, names of cells and genes, and the columns of obs that were asked for; the counts are where the file
        has them, in X or in a layer, so that a model finds them in the file, too.
    layer
        Where they are, as scvi-tools names it: None for X.
    on_disk
        Where counts are read from in every epoch; then the data holds zeros in their place.
    """

    data: AnnData
    layer: str | None
    on_disk: CountsOnDisk | None = None


def read_cells(path: str | Path, location: str, columns: Sequence[str] = ()) -> Cells:
    """Read cells with counts and the features that are genes.

    Parameters
    ----------
    location
        `X`, `raw/X` or `layers/<name>`.
    columns
        Columns of obs to keep.

    Raises
    ------
    H5adError
        If the file cannot be read.
    """
    from anndata import AnnData

    with open_h5ad(path) as h5ad:
        matrix = counts_matrix(h5ad, location)
        names = feature_names(h5ad, location, matrix.shape[1])
        kinds = feature_kind_of_each(h5ad, location, matrix.shape[1])
        counts = read_counts(matrix)
    obs = read_obs(path, columns)
    has_counts = np.asarray(counts.sum(axis=1)).ravel() > 0
    is_gene = _are_genes(kinds, matrix.shape[1])
    if not has_counts.all():
        counts, obs = counts[has_counts], obs[has_counts]
    if not is_gene.all():
        counts = counts[:, is_gene]
    var = _genes(names, is_gene)
    layer = _layer(location)
    held: dict[str, Any] = {"X": counts} if layer is None else {"layers": {layer: counts}}
    return Cells(AnnData(obs=obs, var=var, **held), layer)


def read_cells_on_disk(path: str | Path, location: str, columns: Sequence[str] = ()) -> Cells:
    """Read what belongs to the counts, which stay in the file; of a matrix by rows (CSR), else as `read_cells`."""
    from mcp_server.training.fast.from_disk import cells_on_disk, counts_on_disk, looked_through

    with open_h5ad(path) as h5ad:
        n_features = counts_matrix(h5ad, location).shape[1]
        names = feature_names(h5ad, location, n_features)
        kinds = feature_kind_of_each(h5ad, location, n_features)
    is_gene = _are_genes(kinds, n_features)
    counts = looked_through(counts_on_disk(path, location), None if is_gene.all() else np.flatnonzero(is_gene))
    obs = read_obs(path, columns).iloc[counts.cells]
    layer = _layer(location)
    return Cells(cells_on_disk(counts, obs, _genes(names, is_gene), layer), layer, counts)


def _are_genes(kinds: Sequence[str] | None, n_features: int) -> NDArray[np.bool_]:
    return np.array([not is_no_gene(kind) for kind in kinds]) if kinds else np.ones(n_features, dtype=bool)


def _genes(names: Sequence[str] | None, is_gene: NDArray[np.bool_]) -> DataFrame:
    import pandas

    return pandas.DataFrame(index=np.array(names or [str(column) for column in range(len(is_gene))])[is_gene])


def _layer(location: str) -> str | None:
    return location.removeprefix("layers/") if location.startswith("layers/") else None


def sharing_counts(data: AnnData) -> AnnData:
    """Return the same cells for another model: scvi-tools writes into obs, and the counts stay where they are."""
    from anndata import AnnData

    return AnnData(X=data.X, layers=dict(data.layers), obs=data.obs.copy(), var=data.var.copy())


def read_counts(matrix: CountsMatrix) -> Any:
    """Read all values of a matrix by rows, as a `scipy.sparse.csr_matrix` of 4-byte floats, shape (n_obs, n_vars)."""
    from scipy import sparse

    if matrix.encoding == "array":
        return _from_dense(matrix)
    part = matrix.part
    along = np.asarray(part["indptr"]).astype(np.int64)
    parts = (part["data"].astype(np.float32)[:], part["indices"][:], along)
    if matrix.encoding == "csc_matrix":
        return sparse.csc_matrix(parts, shape=matrix.shape).tocsr()
    counts = sparse.csr_matrix(parts, shape=matrix.shape)
    counts.sum_duplicates()
    return counts


def read_obs(path: str | Path, columns: Sequence[str]) -> DataFrame:
    """Read names of cells and some columns of obs, named as results spell them, with the types that anndata gives them.

    Raises
    ------
    H5adError
        If there is no such column.
    """
    import h5py
    from anndata import read_h5ad
    from anndata.io import read_elem

    with h5py.File(path, "r") as file:
        is_frame = isinstance(file["obs"], h5py.Group)
        obs = read_elem(file["obs"]) if is_frame else None
    if obs is None:
        # Before anndata 0.7, obs was a table with its level names elsewhere in the file.
        obs = read_h5ad(path, backed="r").obs
    # Results spell names without what could act on a terminal.
    spelled = {harmless(str(name)): name for name in obs.columns}
    if unknown := [name for name in columns if name not in spelled]:
        raise H5adError(f"{path} has no column {unknown[0]!r} in obs.")
    kept = obs[[spelled[name] for name in columns]].copy()
    kept.columns = list(columns)
    kept.index = kept.index.astype(str)
    return kept


def fill_missing(obs: DataFrame, columns: Sequence[str]) -> None:
    """Make a level of its own of the cells that have none, and categories of all values."""
    for name in columns:
        values = obs[name].astype("category")
        if values.isna().any():
            values = values.cat.rename_categories(str).cat.add_categories(MISSING).fillna(MISSING)
        obs[name] = values.cat.remove_unused_categories()


def _from_dense(matrix: CountsMatrix) -> Any:
    from scipy import sparse

    blocks = [
        (piece.values.astype(np.float32), piece.rows, piece.columns.astype(np.int32)) for piece in matrix.pieces()
    ]
    if not blocks:
        return sparse.csr_matrix(matrix.shape, dtype=np.float32)
    values, rows, columns = (np.concatenate(each) for each in zip(*blocks, strict=True))
    along = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=matrix.shape[0]))])
    return sparse.csr_matrix((values, columns, along), shape=matrix.shape)
