"""Principal components of coordinates or of a sparse matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from mcp_server.embeddings.errors import EmbeddingError, needs
from mcp_server.embeddings.reading import Coordinates

N_COMPONENTS = 50


def principal_components(matrix: Any, n_components: int = N_COMPONENTS, *, seed: int = 0) -> Coordinates:
    """Return the first principal components, fewer if the matrix has fewer rows or columns.

    Parameters
    ----------
    matrix
        A row a cell; an array or a sparse matrix, which is centred without being filled.

    Returns
    -------
    A row a cell, a column a component, the one with the most variance first.

    Raises
    ------
    EmbeddingError
        If scikit-learn is missing, or there are fewer than 2 rows.
    """
    if matrix.shape[0] < 2:
        raise EmbeddingError(f"principal components need at least 2 cells, and there are {matrix.shape[0]}")
    try:
        from sklearn.decomposition import PCA
    except ImportError as error:
        raise needs("scikit-learn", "embedding") from error
    n = min(n_components, *matrix.shape)
    found = PCA(n, svd_solver="covariance_eigh", random_state=seed).fit_transform(matrix)
    return np.asarray(found, dtype=np.float32)
