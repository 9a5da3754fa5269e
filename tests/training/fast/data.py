"""Data and trainings for the tests of this folder."""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np
import pandas as pd
from lightning.pytorch.callbacks import Callback
from scipy import sparse
from scvi import settings
from scvi.model import SCVI

from mcp_server.training.fast.speed_up import speed_up


def counts(n_cells: int = 600, n_genes: int = 800, density: float = 0.3, seed: int = 0) -> sparse.csr_matrix:
    """Return counts of three kinds of cells, some of them large."""
    random = np.random.default_rng(seed)
    means = random.gamma(0.5, 4, (3, n_genes))[random.integers(3, size=n_cells)] * random.lognormal(
        0, 0.5, (n_cells, 1)
    )
    values = random.negative_binomial(2, 2 / (2 + means)) * (random.random(means.shape) < density)
    values[:, 0] += 1
    return sparse.csr_matrix(values.astype(np.float32))


def cells(matrix: Any = None, **options: Any) -> anndata.AnnData:
    """Return cells with batches and covariates."""
    matrix = counts(**options) if matrix is None else matrix
    random = np.random.default_rng(1)
    n = matrix.shape[0]
    obs = pd.DataFrame(
        {
            "donor": pd.Categorical(random.choice(["d1", "d2", "d3"], n)),
            "sex": pd.Categorical(random.choice(["f", "m"], n)),
            "age": random.normal(size=n),
        },
        index=[f"cell{i}" for i in range(n)],
    )
    return anndata.AnnData(matrix, obs=obs)


class Steps(Callback):
    """Keeps the loss of each step."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: Any, plan: Any, outputs: Any, batch: Any, number: int) -> None:
        self.losses.append(float(outputs["loss"]))


def train(
    data: anndata.AnnData,
    setup: dict[str, Any],
    options: dict[str, Any],
    *,
    fast: bool,
    epochs: int = 6,
    device: str = "cpu",
    **settings_of_training: Any,
) -> tuple[SCVI, list[float]]:
    """Return a model trained from seed 0, and the losses of its steps."""
    settings.seed = 0
    SCVI.setup_anndata(data, **setup)
    # Few units: whether a unit whose input is within rounding of zero passes on a gradient is decided by rounding, in
    # scvi-tools too.
    model = SCVI(data, **({"n_hidden": 32} | options))
    if fast:
        assert speed_up(model, device=device).fast
    steps = Steps()
    keywords = {"batch_size": 54, "accelerator": "cpu", "enable_progress_bar": False, "callbacks": [steps]}
    model.train(epochs, **(keywords | settings_of_training))
    return model, steps.losses
