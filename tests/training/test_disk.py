"""Training on counts that stay in the file: the same cells and genes, the same model, and going on after a kill."""

import json
import os
import signal
import subprocess
import sys

import anndata
import numpy as np
import pandas
import pytest
from scipy import sparse

from mcp_server.training.errors import TrainingError
from mcp_server.training.hardware import Hardware
from mcp_server.training.plan import plan_training
from mcp_server.training.settings import TrainingRequest
from tests.h5ad.files import REPOSITORY, shared_file
from tests.training.files import QUIET, cells, needs_scvi, silent, written

WORK = """
import sys
from pathlib import Path
from mcp_server.training.settings import TrainingRequest
from mcp_server.training.train import resume, train
tell = lambda fraction, message: print(message, flush=True)
how, path, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
asked = TrainingRequest(epochs=6, check=False, checkpoint_seconds=0.0, from_disk=True)
resume(folder, tell) if how == "resume" else train(path, asked, folder, tell)
"""
LOAD = """
import sys, anndata, numpy, scvi
data = anndata.read_h5ad(sys.argv[1])
data = data[anndata.read_h5ad(sys.argv[2] + "/latent.h5ad").obs_names, data.var["feature_types"] == "Gene Expression"]
model = scvi.model.SCVI.load(sys.argv[2] + "/model", adata=data.copy())
numpy.save(sys.argv[3], model.get_latent_representation())
assert "mcp_server" not in sys.modules
"""


def machine(free_bytes: int | None) -> Hardware:
    return Hardware("cpu", 2, 0.0, 1, free_bytes)


def test_counts_are_read_from_the_file_where_they_take_more_than_half_of_the_free_memory():
    path = shared_file("lung_lca_3donors_2methods.h5ad")
    with_all = plan_training(path, hardware=machine(None))
    size = 8 * with_all.counts.n_stored
    assert not with_all.from_disk
    assert not plan_training(path, hardware=machine(2 * size + 8)).from_disk
    beside = plan_training(path, hardware=machine(2 * size - 8))
    assert beside.from_disk
    assert beside.estimate.memory_mb <= with_all.estimate.memory_mb
    asked = TrainingRequest(from_disk=False)
    assert not plan_training(path, asked, hardware=machine(2 * size - 8)).from_disk


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"fast": False}, "scvi-tools trains as it is"), ({"devices": 2}, "several devices"), ({}, "csc_matrix")],
)
def test_what_cannot_be_read_from_the_file_is_refused_when_asked_for_and_else_held_in_memory(asked, words, tmp_path):
    data = cells()
    if not asked:
        data.X = sparse.csc_matrix(data.X)
    path = written(data, tmp_path)
    with pytest.raises(TrainingError, match=words):
        plan_training(path, TrainingRequest(from_disk=True, **asked))
    assert not plan_training(path, TrainingRequest(**asked), hardware=machine(1)).from_disk


@needs_scvi
@pytest.mark.parametrize("location", ["X", "layers/counts", "raw/X"])
def test_cells_genes_and_columns_are_those_that_are_read_into_memory(location, tmp_path):
    from mcp_server.training.reading import read_cells, read_cells_on_disk

    data = cells()
    data.X[[3, 150]] = 0
    data.var["feature_types"] = ["Gene Expression"] * 25 + ["Antibody Capture"] * 5
    if location != "X":
        data.raw = data.copy()
        data.layers["counts"] = data.X.copy()
        data.X = data.X * 0.5
    path = written(data, tmp_path)
    held, on_disk = (read(path, location, ["batch"]) for read in (read_cells, read_cells_on_disk))
    pandas.testing.assert_frame_equal(on_disk.data.obs, held.data.obs)
    pandas.testing.assert_index_equal(on_disk.data.var_names, held.data.var_names)
    assert on_disk.layer == held.layer
    matrix = held.data.X if held.layer is None else held.data.layers[held.layer]
    blocks = [block for _, block in on_disk.on_disk.read(np.arange(4), 64)]
    assert (sparse.vstack(blocks) != matrix).nnz == 0


@needs_scvi
def test_a_model_trained_from_the_file_is_used_by_plain_scvi_tools_with_the_same_latents(tmp_path):
    from mcp_server.training.train import train

    data = cells()
    data.X[3] = 0
    data.var["feature_types"] = ["Gene Expression"] * 25 + ["Antibody Capture"] * 5
    path, folder = written(data, tmp_path), tmp_path / "scvi"
    result = train(path, TrainingRequest(**QUIET | {"batch_key": "batch", "from_disk": True}), folder, silent)
    assert (result.n_cells, result.n_genes, result.batch_key) == (199, 25, "batch")
    assert any("read from the file in every epoch" in notice for notice in result.notices)
    assert json.loads((folder / "training.json").read_text())["plan"]["from_disk"]
    words = [sys.executable, "-c", LOAD, str(path), str(folder), str(tmp_path / "latent.npy")]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = anndata.read_h5ad(folder / "latent.h5ad").obsm["X_scVI"]
    np.testing.assert_allclose(np.load(tmp_path / "latent.npy"), found, atol=1e-5)


@needs_scvi
def test_a_training_from_the_file_that_is_killed_goes_on_to_the_same_result(tmp_path):
    path = written(cells(n_cells=700), tmp_path)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

    def start(how: str, name: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", WORK, how, str(path), str(tmp_path / name)]
        return subprocess.Popen(
            words, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    killed = start("train", "killed")
    for line in killed.stdout:
        if line.startswith("epoch 3 of 6"):
            os.kill(killed.pid, signal.SIGKILL)
            break
    assert killed.wait() == -signal.SIGKILL
    for how, name in (("resume", "killed"), ("train", "whole")):
        process = start(how, name)
        process.communicate()
        assert process.returncode == 0
    columns = ["epoch", "kl_weight", "elbo_train", "elbo_validation"]
    losses = [pandas.read_csv(tmp_path / name / "losses.csv")[columns] for name in ("killed", "whole")]
    pandas.testing.assert_frame_equal(*losses, check_exact=True)
    latents = [anndata.read_h5ad(tmp_path / name / "latent.h5ad").obsm["X_scVI"] for name in ("killed", "whole")]
    np.testing.assert_array_equal(*latents)
