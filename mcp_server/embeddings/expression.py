"""Principal components of a matrix of counts, for files that hold no coordinates yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from edviz.h5ad.counts import COUNTS, locate_counts
from edviz.h5ad.matrices import MOST_MATRIX_CHUNK_BYTES
from edviz.h5ad.parts import HDF5_ERRORS, check_storage, find_part, unreadable
from edviz.h5ad.reader import OLD_RAW, H5adFile
from edviz.h5ad.strings import harmless
from mcp_server.embeddings.errors import EmbeddingError, needs
from mcp_server.embeddings.pca import N_COMPONENTS, principal_components
from mcp_server.embeddings.reading import Codes, Coordinates
from mcp_server.embeddings.reporting import Tell

N_GENES = 2_000
TARGET_SUM = 10_000
VALUES_AT_ONCE = 1 << 22
LAYOUTS = ("array", "csr_matrix", "csc_matrix")


@dataclass(frozen=True)
class ComponentsOfCounts:
    """Principal components and what they were made of.

    Attributes
    ----------
    made_of
        In words, for a caption.
    """

    points: Coordinates
    made_of: str


def components_of_counts(h5ad: H5adFile, rows: Codes, *, seed: int, tell: Tell) -> ComponentsOfCounts:
    """Normalise the counts of some cells and reduce them to 50 principal components.

    The usual steps: counts per 10,000, log(1 + x), the 2,000 genes that vary most, components of the centred values.
    A matrix X that is normalised already is taken as it is. Memory depends on the chosen cells and genes.

    Parameters
    ----------
    rows
        Places of the cells, in order.

    Raises
    ------
    EmbeddingError
        If there is no such matrix.
    """
    location, are_counts = matrix_to_use(h5ad)
    part = find_part(h5ad.root, location) or find_part(h5ad.root, OLD_RAW)
    matrix = h5ad.matrix(location)
    if part is None or matrix is None or matrix.shape is None or matrix.encoding not in LAYOUTS:
        stored = "nothing" if matrix is None else matrix.encoding
        raise EmbeddingError(
            f"{harmless(location)} of {h5ad.path} is stored as {stored}, which cannot be read cell by cell; "
            "name coordinates with --obsm, or write the file with a sparse matrix"
        )
    genes = _most_variable(part, matrix.shape, rows, are_counts, tell)
    try:
        from scipy.sparse import vstack
    except ImportError as error:
        raise needs("scipy", "embedding") from error
    chosen = vstack([block[:, genes] for block in normalised_blocks(part, matrix.shape, rows, are_counts)]).tocsr()
    tell(0.9)
    points = principal_components(chosen, seed=seed)
    how = "log counts per 10,000" if are_counts else "values as they are"
    made_of = f"{points.shape[1]} principal components of {harmless(location)} ({how}, {len(genes):,} genes)"
    return ComponentsOfCounts(points, made_of)


def matrix_to_use(h5ad: H5adFile) -> tuple[str, bool]:
    """Choose the matrix: counts wherever they are, else X if it can be log-normalised values."""
    located = locate_counts(h5ad)
    if located.location is not None:
        return located.location, True
    of_x = next((checked for checked in located.checked if checked.location == "X"), None)
    if of_x is None or of_x.verdict in ("no matrix", "empty") or of_x.verdict.startswith("not looked at"):
        raise EmbeddingError(f"{h5ad.path} holds neither coordinates in obsm nor a matrix to make some of")
    if of_x.verdict == COUNTS or "missing or infinite" not in of_x.verdict:
        return "X", False
    raise EmbeddingError(f"X of {h5ad.path} is {of_x.verdict}; name coordinates with --obsm")


def _most_variable(
    part: h5py.Group | h5py.Dataset, shape: tuple[int, ...], rows: Codes, are_counts: bool, tell: Tell
) -> Codes:
    """Choose the genes whose normalised values vary most."""
    sums, squares = np.zeros(shape[1]), np.zeros(shape[1])
    n_done = 0
    for block in normalised_blocks(part, shape, rows, are_counts):
        sums += np.asarray(block.sum(axis=0)).ravel()
        squares += np.asarray(block.multiply(block).sum(axis=0)).ravel()
        n_done += block.shape[0]
        tell(0.5 * n_done / max(len(rows), 1))
    variances = squares / max(len(rows), 1) - (sums / max(len(rows), 1)) ** 2
    n = min(max(N_GENES, N_COMPONENTS), shape[1])
    return np.sort(np.argsort(-variances, kind="stable")[:n])


def normalised_blocks(
    part: h5py.Group | h5py.Dataset, shape: tuple[int, ...], rows: Codes, are_counts: bool
) -> Iterator[Any]:
    """Read the chosen rows in blocks, normalised if they are counts."""
    from scipy.sparse import csr_matrix

    for block, chosen in _stored_blocks(part, shape, rows):
        sparse = csr_matrix(block)[chosen].astype(np.float64)
        if are_counts:
            totals = np.asarray(sparse.sum(axis=1)).ravel()
            factors = TARGET_SUM / np.where(totals > 0, totals, 1)
            sparse.data = np.log1p(sparse.data * np.repeat(factors, np.diff(sparse.indptr)))
        yield sparse


def _stored_blocks(
    part: h5py.Group | h5py.Dataset, shape: tuple[int, ...], rows: Codes
) -> Iterator[tuple[Any, NDArray[np.int64]]]:
    """Yield consecutive rows of the matrix, and which of them are chosen."""
    try:
        pieces = _dense(part, shape) if isinstance(part, h5py.Dataset) else _sparse(part, shape)
        for start, block in pieces:
            stop = start + block.shape[0]
            chosen = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)] - start
            if len(chosen):
                yield block, chosen
    except HDF5_ERRORS as error:
        raise unreadable(error) from error


def _dense(dataset: h5py.Dataset, shape: tuple[int, ...]) -> Iterator[tuple[int, Any]]:
    check_storage(dataset, most_chunk_bytes=MOST_MATRIX_CHUNK_BYTES)
    step = max(1, VALUES_AT_ONCE // max(shape[1], 1))
    for start in range(0, shape[0], step):
        yield start, dataset[start : start + step]


def _sparse(group: h5py.Group, shape: tuple[int, ...]) -> Iterator[tuple[int, Any]]:
    from scipy.sparse import csc_matrix, csr_matrix

    data, indices, pointers = (group[name] for name in ("data", "indices", "indptr"))
    for dataset in (data, indices, pointers):
        check_storage(dataset, most_chunk_bytes=MOST_MATRIX_CHUNK_BYTES)
    ends = pointers[()].astype(np.int64)
    if _is_by_genes(group):
        # There is no block of cells in the file, so all of it is turned in memory.
        yield 0, csc_matrix((data[()], indices[()], ends), shape=shape).tocsr()
        return
    start = 0
    while start < shape[0]:
        stop = int(np.searchsorted(ends, ends[start] + VALUES_AT_ONCE, side="right")) - 1
        stop = min(max(stop, start + 1), shape[0])
        values = slice(int(ends[start]), int(ends[stop]))
        block = csr_matrix(
            (data[values], indices[values], ends[start : stop + 1] - ends[start]), shape=(stop - start, shape[1])
        )
        yield start, block
        start = stop


def _is_by_genes(group: h5py.Group) -> bool:
    # The second is how anndata before 0.7 said it.
    return any(group.attrs.get(name) in ("csc_matrix", "csc") for name in ("encoding-type", "h5sparse_format"))
