"""Tiny files of cells for tests of training, and what a test of a training needs."""

from importlib.util import find_spec
from pathlib import Path

import anndata
import numpy as np
import pandas
import pytest
from scipy import sparse

needs_scvi = pytest.mark.skipif(find_spec("scvi") is None, reason="no scvi-tools here: pip install '.[training]'")
QUIET = {"check": False, "epochs": 2}


def silent(fraction: float, message: str) -> None:
    """Take progress and say nothing."""


def counts(n_cells: int = 200, n_genes: int = 30, seed: int = 0) -> np.ndarray:
    """Draw counts of two kinds of cells."""
    random = np.random.default_rng(seed)
    means = random.gamma(1.0, 2.0, (2, n_genes)) + 0.2
    return random.poisson(means[np.arange(n_cells) % 2]).astype(np.float32)


def cells(n_cells: int = 200, n_genes: int = 30, **columns: object) -> anndata.AnnData:
    """Make cells of two kinds in two batches."""
    numbers = np.arange(n_cells)
    obs = {
        "batch": [f"b{number // 2 % 2}" for number in numbers],
        "cell_type": [f"t{number % 2}" for number in numbers],
    }
    frame = pandas.DataFrame(obs | columns, index=[f"cell{number}" for number in numbers])
    genes = pandas.DataFrame(index=[f"gene{number}" for number in range(n_genes)])
    return anndata.AnnData(X=sparse.csr_matrix(counts(n_cells, n_genes)), obs=frame, var=genes)


def written(data: anndata.AnnData, folder: Path, name: str = "cells.h5ad") -> Path:
    """Write cells to a file."""
    data.write_h5ad(folder / name)
    return folder / name
