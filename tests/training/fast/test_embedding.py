"""The latent representation equals that of scvi-tools."""

import numpy as np
import pytest

pytest.importorskip("scvi")

from mcp_server.training.fast.embedding import latent_representation
from tests.training.fast.data import cells, counts, train
from tests.training.fast.test_identity import MODELS


@pytest.mark.parametrize("case", ["zinb", "covariates encoded", "layer norm"])
def test_the_latent_representation_is_that_of_scvi_tools(case: str) -> None:
    model, _ = train(cells(), *MODELS[case], fast=True, epochs=1)

    np.testing.assert_allclose(latent_representation(model), model.get_latent_representation(), atol=1e-5)


def test_other_cells_are_embedded_by_the_genes_and_batches_of_the_model() -> None:
    model, _ = train(cells(), *MODELS["covariates encoded"], fast=True, epochs=1)
    others = cells(counts(n_cells=90, seed=5))
    others.obs["donor"] = "d2"

    np.testing.assert_allclose(latent_representation(model, others), model.get_latent_representation(others), atol=1e-5)


def test_what_is_not_covered_is_embedded_by_scvi_tools() -> None:
    model, _ = train(cells(), {}, {"gene_likelihood": "poisson"}, fast=False, epochs=1)

    np.testing.assert_array_equal(latent_representation(model), model.get_latent_representation())
