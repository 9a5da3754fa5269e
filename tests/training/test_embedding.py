"""New cells in the space of a model: genes are a matter of names, never of places."""

import json

import anndata
import numpy as np
import pytest

from edviz.errors import OutputError
from mcp_server.training.embedding import embed_cells, match_genes
from mcp_server.training.errors import TrainingError
from mcp_server.training.settings import TrainingRequest
from tests.training.files import QUIET, cells, needs_scvi, silent, written


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Train a model, and return its folder."""
    from mcp_server.training.train import train

    folder = tmp_path_factory.mktemp("model")
    train(written(cells(), folder), TrainingRequest(**QUIET, batch_key="batch"), folder / "scvi", silent)
    return folder / "scvi"


def embedded(model, data, folder):
    output = folder / f"out{len(list(folder.iterdir()))}.h5ad"
    result = embed_cells(model, written(data, folder), output, report=silent)
    return result, anndata.read_h5ad(output).obsm["X_scVI"]


@needs_scvi
def test_permuted_genes_are_put_in_order_by_name(model, tmp_path):
    shuffled = cells()[:, np.random.default_rng(1).permutation(30)].copy()
    result, latent = embedded(model, shuffled, tmp_path)
    assert (result.reordered, result.n_missing, result.overlap) == (True, 0, 1.0)
    assert np.allclose(latent, anndata.read_h5ad(model / "latent.h5ad").obsm["X_scVI"], atol=1e-5)


@needs_scvi
def test_missing_genes_are_taken_as_not_seen_and_named(model, tmp_path):
    few = cells()[:, :27].copy()
    result, latent = embedded(model, few, tmp_path)
    assert (result.n_missing, result.missing, result.reordered) == (3, ("gene27", "gene28", "gene29"), False)
    padded = cells()
    padded.X = padded.X.toarray()
    padded.X[:, 27:] = 0
    assert np.allclose(latent, embedded(model, padded, tmp_path)[1], atol=1e-5)


@needs_scvi
def test_genes_that_the_model_does_not_know_are_left_out(model, tmp_path):
    more = anndata.concat([cells(), cells(n_genes=3)], axis=1, merge="first")
    more.var_names = [*cells().var_names, "x1", "x2", "x3"]
    result, latent = embedded(model, more, tmp_path)
    assert result.n_unknown == 3
    assert np.allclose(latent, anndata.read_h5ad(model / "latent.h5ad").obsm["X_scVI"], atol=1e-5)


@needs_scvi
def test_too_few_genes_are_refused_and_one_is_named(model, tmp_path):
    with pytest.raises(TrainingError, match=r"has 50% of the 30 genes .* 80% are needed; it lacks gene15"):
        embedded(model, cells()[:, :15].copy(), tmp_path)
    assert [place.name for place in tmp_path.iterdir()] == ["cells.h5ad"]


@needs_scvi
def test_other_values_than_counts_are_refused(model, tmp_path):
    data = cells()
    data.X = np.log1p(data.X.toarray())
    with pytest.raises(TrainingError, match="no matrix of raw counts"):
        embedded(model, data, tmp_path)


@needs_scvi
def test_batches_that_the_model_does_not_know_are_no_obstacle(model, tmp_path):
    data = cells()
    data.obs["batch"] = "new"
    result, latent = embedded(model, data, tmp_path)
    assert any("does not look at batch" in notice for notice in result.notices)
    assert np.allclose(latent, anndata.read_h5ad(model / "latent.h5ad").obsm["X_scVI"], atol=1e-5)


def test_no_model_is_one_sentence(tmp_path):
    from mcp_server.training.embedding import model_folder

    with pytest.raises(TrainingError, match=r"holds no model: it has no model\.pt"):
        model_folder(tmp_path)


def test_a_name_that_stands_for_several_genes_is_refused_if_the_model_needs_it():
    assert match_genes(["a", "b"], ["b", "x", "x", "a"]).tolist() == [3, 0]
    with pytest.raises(TrainingError, match="such as a"):
        match_genes(["a", "b"], ["a", "a", "b"])


@needs_scvi
def test_columns_of_the_cells_go_along_and_the_file_says_of_what_it_was_made(model, tmp_path):
    data = cells(depth=np.linspace(0, 1, 200), day=np.arange(200) % 3)
    result = embed_cells(model, written(data, tmp_path), tmp_path / "out.h5ad", report=silent)
    found = anndata.read_h5ad(result.output)
    assert (found.obs["cell_type"].astype(str) == data.obs["cell_type"]).all()
    assert np.array_equal(found.obs["depth"], data.obs["depth"])
    made = json.loads(found.uns["embedded_cells"])
    assert (made["model"], made["counts"]) == (str(model / "model"), "X")


@needs_scvi
@pytest.mark.parametrize("kept", [0, 1000])
def test_a_damaged_model_is_said_to_be_damaged(kept, model, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "model.pt").write_bytes((model / "model" / "model.pt").read_bytes()[:kept])
    with pytest.raises(TrainingError, match=r"model\.pt is damaged or was not saved by scvi"):
        embed_cells(folder, written(cells(), tmp_path), tmp_path / "out.h5ad", report=silent)
    assert not (tmp_path / "out.h5ad").exists()


@needs_scvi
def test_what_torch_saved_for_something_else_is_no_model(tmp_path):
    import torch

    torch.save({"model_state_dict": {}, "attr_dict": {}}, tmp_path / "model.pt")
    with pytest.raises(TrainingError, match=r"model\.pt is damaged or was not saved by scvi"):
        embed_cells(tmp_path, written(cells(), tmp_path), tmp_path / "out.h5ad", report=silent)


@pytest.mark.parametrize(
    ("output", "words"), [("none/out.h5ad", "there is none; make it first"), ("out.png", r"does not end in \.h5ad")]
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_read(output, words, tmp_path):
    with pytest.raises(OutputError, match=words):
        embed_cells(tmp_path / "no_model", tmp_path / "no_file.h5ad", tmp_path / output, report=silent)


def test_a_file_without_cells_is_said_to_have_none(tmp_path):
    (tmp_path / "model.pt").touch()
    with pytest.raises(TrainingError, match="has no cells"):
        embed_cells(tmp_path, written(cells()[:0].copy(), tmp_path), tmp_path / "out.h5ad", report=silent)
