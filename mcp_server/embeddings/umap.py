"""UMAP by umap-learn, with exact neighbours."""

from __future__ import annotations

import warnings

import numpy as np

from mcp_server.embeddings.errors import EmbeddingError, needs
from mcp_server.embeddings.neighbours import nearest
from mcp_server.embeddings.reading import Coordinates
from mcp_server.embeddings.reporting import Tell

FEWEST_CELLS = 4
N_NEIGHBOURS = 15
LEAST_DISTANCE = 0.5
"""What scanpy uses, too; umap-learn's own 0.1 packs cells more densely."""
NEIGHBOURS_SHARE = 0.2


def umap(points: Coordinates, seed: int, tell: Tell) -> Coordinates:
    """Embed points in two dimensions by UMAP (McInnes, Healy and Melville 2018).

    Parameters
    ----------
    points
        A row a cell.
    tell
        Called with the share of the work that is done.

    Raises
    ------
    EmbeddingError
        If umap-learn is missing, or there are fewer than 4 cells.
    """
    if len(points) < FEWEST_CELLS:
        raise EmbeddingError(f"UMAP needs at least {FEWEST_CELLS} cells, and there are {len(points)}")
    try:
        from umap import UMAP
    except ImportError as error:
        raise needs("umap-learn", "embedding") from error
    k = min(N_NEIGHBOURS, len(points) - 1)
    found, distances = nearest(points, k - 1)
    # umap-learn counts every cell as its own first neighbour.
    rows = np.arange(len(points))
    found = np.column_stack([rows, found])
    distances = np.column_stack([np.zeros(len(points)), distances])
    tell(NEIGHBOURS_SHARE)
    method = UMAP(
        n_neighbors=k,
        min_dist=LEAST_DISTANCE,
        random_state=seed,
        # With a seed there is one thread whatever is said, and saying so saves a warning.
        n_jobs=1,
        precomputed_knn=(found, distances.astype(np.float32)),
    )
    with warnings.catch_warnings():
        # New cells are not to be placed later, which is what the warning is about.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        return np.asarray(method.fit_transform(points), dtype=np.float32)
