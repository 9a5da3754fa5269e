"""The fast path is the same optimisation as that of scvi-tools: same seed, same minibatches, same losses."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scvi")

import torch

from tests.training.fast.data import cells, counts, train

COVARIATES = {
    "batch_key": "donor",
    "categorical_covariate_keys": ["sex"],
    "continuous_covariate_keys": ["age"],
}
MODELS = {
    "nb": ({}, {"gene_likelihood": "nb"}),
    "zinb": ({}, {"gene_likelihood": "zinb"}),
    "batches": ({"batch_key": "donor"}, {"gene_likelihood": "nb"}),
    "covariates": (COVARIATES, {"gene_likelihood": "zinb"}),
    "covariates encoded": (COVARIATES, {"gene_likelihood": "nb", "encode_covariates": True, "n_layers": 2}),
    "layer norm": (
        {"batch_key": "donor"},
        {"gene_likelihood": "nb", "n_layers": 2, "use_layer_norm": "both", "use_batch_norm": "none"},
    ),
    "two layers": (
        COVARIATES,
        {"gene_likelihood": "zinb", "n_layers": 2, "encode_covariates": True, "latent_distribution": "ln"},
    ),
}


@pytest.mark.parametrize(
    ("case", "density"),
    [(case, 0.07) for case in MODELS] + [("zinb", 0.3), ("covariates encoded", 0.3)],
)
def test_sixty_steps_have_the_losses_of_scvi_tools(case: str, density: float) -> None:
    setup, options = MODELS[case]
    data = cells(density=density)

    _, expected = train(data, setup, options, fast=False)
    _, found = train(data, setup, options, fast=True)

    assert len(expected) == 60
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("likelihood", ["nb", "zinb"])
def test_the_path_for_accelerators_has_the_same_losses(likelihood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts stay on the device and operations are those of torch; the device here is the processor."""
    monkeypatch.setattr("mcp_server.training.fast.compiling.has_numba", lambda: False)
    setup, options = {"batch_key": "donor"}, {"gene_likelihood": likelihood}
    data = cells()

    _, expected = train(data, setup, options, fast=False)
    _, found = train(data, setup, options, fast=True, device="gpu")

    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_history_and_validation_are_those_of_scvi_tools() -> None:
    data = cells()
    settings = {"early_stopping": True, "check_val_every_n_epoch": 1}

    expected, _ = train(data, {}, {}, fast=False, epochs=3, **settings)
    found, _ = train(data, {}, {}, fast=True, epochs=3, **settings)

    assert set(found.history) == set(expected.history)
    for name, values in expected.history.items():
        np.testing.assert_allclose(
            found.history[name].to_numpy(float)[-1], values.to_numpy(float)[-1], rtol=1e-4, err_msg=name
        )
    np.testing.assert_array_equal(found.train_indices, expected.train_indices)


def test_the_file_of_counts_may_be_dense_or_hold_stored_zeros() -> None:
    matrix = counts(density=0.05)
    with_zeros = matrix.copy()
    with_zeros.data[::7] = 0
    clean = with_zeros.copy()
    clean.eliminate_zeros()

    _, expected = train(cells(clean), {}, {}, fast=False, epochs=1)
    for same in (with_zeros, clean.toarray(), clean.astype(np.int64)):
        _, found = train(cells(same), {}, {}, fast=True, epochs=1)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (with_zeros.data == 0).any()


def test_two_threads_give_what_one_gives() -> None:
    data, before = cells(density=0.07), torch.get_num_threads()
    losses = []
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        losses.append(train(data, {}, {}, fast=True, epochs=1)[1])
    torch.set_num_threads(before)

    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_a_saved_model_is_used_by_plain_scvi_tools_in_another_process(tmp_path: Path) -> None:
    data = cells(density=0.07)
    model, _ = train(data, {"batch_key": "donor"}, {"gene_likelihood": "nb"}, fast=True, epochs=2)
    model.save(tmp_path / "model", save_anndata=True)
    expected = model.get_latent_representation()
    program = """
import sys, numpy, scvi
assert not [name for name in sys.modules if name.startswith("mcp_server")]
model = scvi.model.SCVI.load(sys.argv[1])
assert type(model) is scvi.model.SCVI and model.is_trained
model.get_normalized_expression(n_samples=1)
numpy.save(sys.argv[2], model.get_latent_representation())
model.train(1, accelerator="cpu", enable_progress_bar=False)
assert not [name for name in sys.modules if name.startswith("mcp_server")]
"""

    subprocess.run(
        [sys.executable, "-c", program, tmp_path / "model", tmp_path / "latent.npy"],
        check=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin"},
    )

    np.testing.assert_allclose(np.load(tmp_path / "latent.npy"), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("setup", "options", "word"),
    [
        ({}, {"dispersion": "gene-cell"}, "dispersion"),
        ({}, {"gene_likelihood": "poisson"}, "poisson"),
        ({}, {"use_observed_lib_size": False}, "library"),
        ({"size_factor_key": "size"}, {}, "size factors"),
    ],
)
def test_what_is_not_covered_is_trained_by_scvi_tools_with_a_notice(setup: dict, options: dict, word: str) -> None:
    from scvi.model import SCVI

    from mcp_server.training.fast.speed_up import speed_up

    data = cells(n_cells=100)
    data.obs["size"] = 1.0
    SCVI.setup_anndata(data, **setup)
    model = SCVI(data, **options)

    done = speed_up(model)

    assert not done.fast
    assert word in done.notices[0]
    assert not {"_data_splitter_cls", "_training_plan_cls", "_train_runner_cls"} & set(vars(model))
    model.train(1, accelerator="cpu", enable_progress_bar=False)


def test_values_that_are_not_counts_are_not_covered() -> None:
    from scvi.model import SCVI

    from mcp_server.training.fast.speed_up import speed_up

    data = cells(n_cells=100)
    data.X = data.X * 0.5
    SCVI.setup_anndata(data)

    assert "not whole" in speed_up(SCVI(data)).notices[0]
