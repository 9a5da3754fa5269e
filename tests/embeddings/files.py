"""Small data for embeddings, and which extras are here."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

needs_tsne = pytest.mark.skipif(find_spec("openTSNE") is None, reason="openTSNE is not installed (extra embedding)")
needs_umap = pytest.mark.skipif(find_spec("umap") is None, reason="umap-learn is not installed (extra embedding)")
needs_sklearn = pytest.mark.skipif(find_spec("sklearn") is None, reason="scikit-learn is not installed")
needs_plots = pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed (extra plots)")


def blobs(n: int, n_groups: int, *, n_dimensions: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return points of groups that lie far apart, and the group of each."""
    random = np.random.default_rng(seed)
    groups = np.arange(n) % n_groups
    centres = random.normal(0, 10, (n_groups, n_dimensions))
    return (centres[groups] + random.normal(0, 1, (n, n_dimensions))).astype(np.float32), groups


def write_cells(path: Path, obs: dict, obsm: dict, counts: np.ndarray | None = None) -> Path:
    """Write an .h5ad file with anndata."""
    import anndata
    import pandas as pd

    frame = pd.DataFrame(obs)
    frame.index = [f"cell-{row}" for row in range(len(next(iter(obsm.values()))) if obsm else len(counts))]
    anndata.AnnData(X=counts, obs=frame, obsm=obsm).write_h5ad(path)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
