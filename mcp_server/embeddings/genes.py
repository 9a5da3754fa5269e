"""One gene in every cell, to colour cells by it."""

from __future__ import annotations

import numpy as np

from edviz.h5ad.parts import find_part
from edviz.h5ad.reader import OLD_RAW, H5adFile
from edviz.h5ad.scanning import feature_names
from edviz.h5ad.strings import harmless
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.expression import LAYOUTS, matrix_to_use, normalised_blocks
from mcp_server.embeddings.reading import Colouring, Numbers, read_column


def read_colouring(h5ad: H5adFile, name: str) -> Colouring:
    """Read a column of obs, or if there is none of that name, a gene.

    Raises
    ------
    EmbeddingError
        If there is neither, or several genes have that name.
    H5adError
        If it cannot be read.
    """
    gene = read_gene(h5ad, name) if h5ad.obs.column(name) is None else None
    return read_column(h5ad, name) if gene is None else gene


def read_gene(h5ad: H5adFile, name: str) -> Numbers | None:
    """Read a gene of every cell: log(1 + counts per 10,000), or values of X as they are where there are no counts.

    Returns
    -------
    None if no gene has that name, or there is no matrix to read.

    Raises
    ------
    EmbeddingError
        If several genes have that name.
    """
    try:
        location, are_counts = matrix_to_use(h5ad)
    except EmbeddingError:
        return None
    part = find_part(h5ad.root, location) or find_part(h5ad.root, OLD_RAW)
    matrix = h5ad.matrix(location)
    if part is None or matrix is None or matrix.shape is None or matrix.encoding not in LAYOUTS:
        return None
    names = feature_names(h5ad, location, matrix.shape[1])
    if name not in names:
        return None
    if (n := names.count(name)) > 1:
        raise EmbeddingError(f"{n} genes of {h5ad.path} are called {harmless(name)!r}; name them apart")
    place, rows = names.index(name), np.arange(h5ad.obs.n)
    blocks = normalised_blocks(part, matrix.shape, rows, are_counts)
    values = [block[:, [place]].toarray().ravel() for block in blocks]
    unit = "log counts per 10,000" if are_counts else f"values of {harmless(location)}"
    return Numbers(f"{name} ({unit})", np.concatenate([np.empty(0), *values]))
