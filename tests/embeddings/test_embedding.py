"""From real files to files of embeddings, which anndata reads; the data stay as they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from edviz.errors import EdvizError, OutputError
from mcp_server.embeddings.embedding import embed
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.requests import EmbeddingRequest
from tests.embeddings.files import blobs, digest, needs_sklearn, needs_tsne, needs_umap, write_cells
from tests.h5ad.files import shared_file

anndata = pytest.importorskip("anndata", reason="anndata is not installed (extra embedding)")
pytestmark = needs_sklearn


@needs_tsne
def test_an_embedding_is_a_small_file_with_the_names_of_the_cells(tmp_path: Path) -> None:
    data = shared_file("htan_exemplar_breast_liver_met.h5ad")
    before = digest(data)
    result = embed(EmbeddingRequest(str(data), "X_pca"), tmp_path)
    written, original = anndata.read_h5ad(result.path), anndata.read_h5ad(data)
    assert written.obs_names.tolist() == original.obs_names.tolist()
    assert written.obsm["X_tsne"].shape == (original.n_obs, 2)
    assert (result.n_cells, result.n_total, result.obsm) == (original.n_obs, original.n_obs, "X_tsne")
    settings = json.loads(written.uns["embedding"])
    assert settings["source"] == str(data)
    assert (settings["seed"], settings["backend"]) == (0, "opentsne")
    assert settings["versions"]["openTSNE"]
    assert digest(data) == before
    assert [path.name for path in tmp_path.iterdir()] == [Path(result.path).name]


def test_components_of_counts_are_those_of_the_usual_steps(tmp_path: Path) -> None:
    from scipy import sparse
    from sklearn.decomposition import PCA

    data = shared_file("lung_lca_3donors_2methods.h5ad")
    result = embed(EmbeddingRequest(str(data), method="pca"), tmp_path)
    found = anndata.read_h5ad(result.path).obsm["X_pca"]
    original = anndata.read_h5ad(data)
    counts = sparse.csr_matrix(original.X).toarray().astype(float)
    logs = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 10_000)
    chosen = np.argsort(-logs.var(axis=0), kind="stable")[:2000]
    expected = PCA(50, svd_solver="full").fit_transform(logs[:, np.sort(chosen)])
    assert found.shape == expected.shape
    # The sign of a component means nothing.
    for column in range(10):
        assert abs(np.corrcoef(found[:, column], expected[:, column])[0, 1]) > 0.999
    assert "log counts per 10,000, 2,000 genes" in result.of


@pytest.mark.parametrize("file", ["kang_pbmc_stim_ctrl_14039.h5ad", "htan_exemplar_breast_liver_met.h5ad"])
def test_counts_are_found_dense_and_in_raw(file: str, tmp_path: Path) -> None:
    data = shared_file(file)
    result = embed(EmbeddingRequest(str(data), method="pca", sample=400), tmp_path)
    assert (result.n_cells, result.n_total) == (400, anndata.read_h5ad(data, backed="r").n_obs)
    assert ("raw/X" if "htan" in file else "X") in result.of


@needs_umap
def test_umap_keeps_groups_apart(tmp_path: Path) -> None:
    from sklearn.metrics import silhouette_score

    points, groups = blobs(200, 4)
    data = write_cells(tmp_path / "cells.h5ad", {"group": groups.astype(str)}, {"X_pca": points})
    result = embed(EmbeddingRequest(str(data), method="umap"), tmp_path)
    assert silhouette_score(anndata.read_h5ad(result.path).obsm["X_umap"], groups) > 0.6


@needs_tsne
def test_coordinates_of_an_old_file_are_read_from_its_table(tmp_path: Path) -> None:
    data = shared_file("pbmc68k_reduced_compound_obs.h5ad")
    result = embed(EmbeddingRequest(str(data)), tmp_path)
    assert (result.n_cells, result.of) == (700, "X_pca")
    assert result.neighbours_kept > 0.4


@needs_tsne
def test_a_sample_represents_the_labels_and_says_which_cells_it_has(tmp_path: Path) -> None:
    points, groups = blobs(3000, 3)
    rare = np.where(np.arange(3000) < 25, "rare", "common")
    obs = {"group": groups.astype(str), "kind": rare}
    data = write_cells(tmp_path / "cells.h5ad", obs, {"X_scVI": points})
    result = embed(EmbeddingRequest(str(data), sample=300), tmp_path)
    written = anndata.read_h5ad(result.path)
    assert written.n_obs == 300
    assert written.obs_names.tolist() == [f"cell-{row}" for row in written.obs["row"]]
    assert (rare[written.obs["row"]] == "rare").sum() >= 15
    assert "300 of 3,000 cells, sampled so that each group x kind is represented" in result.caption


@needs_tsne
def test_a_training_run_is_embedded_beside_its_latent_representation(tmp_path: Path) -> None:
    points, groups = blobs(100, 2)
    data = write_cells(tmp_path / "cells.h5ad", {"batch": groups.astype(str)}, {"X_scVI": points})
    run = tmp_path / "run"
    run.mkdir()
    write_cells(run / "latent.h5ad", {"batch": groups.astype(str)}, {"X_scVI": points})
    (run / "training.json").write_text(json.dumps({"path": str(data), "result": {"batch_key": "batch"}}))
    result = embed(EmbeddingRequest(str(run)))
    assert Path(result.path) == run / "tsne.h5ad"
    # A job of training leaves its run in a folder of its folder.
    assert embed(EmbeddingRequest(str(tmp_path), "X_scVI", "pca")).path == str(run / "pca.h5ad")
    assert json.loads(anndata.read_h5ad(result.path).uns["embedding"])["source"] == str(data)


@needs_tsne
def test_an_embedding_may_be_made_anew_but_no_other_file_is_replaced(tmp_path: Path) -> None:
    data = write_cells(tmp_path / "cells.h5ad", {"a": ["x"] * 20}, {"X_pca": blobs(20, 2)[0]})
    before = digest(data)
    target = tmp_path / "cells.tsne.h5ad"
    embed(EmbeddingRequest(str(data)), target)
    embed(EmbeddingRequest(str(data), seed=1), target)
    assert json.loads(anndata.read_h5ad(target).uns["embedding"])["seed"] == 1
    with pytest.raises(OutputError, match="choose another output"):
        embed(EmbeddingRequest(str(data)), data)
    other = write_cells(tmp_path / "other.h5ad", {"a": ["x"] * 5}, {"X_pca": blobs(5, 1)[0]})
    with pytest.raises(OutputError, match="file of data"):
        embed(EmbeddingRequest(str(data)), other)
    assert digest(data) == before


def _cells(folder: Path, points: np.ndarray) -> str:
    return str(write_cells(folder / "cells.h5ad", {"a": ["x"] * len(points)}, {"X_pca": points, "X_other": points}))


REFUSALS = {
    "X_scvi": (EmbeddingRequest("", "X_pcaa"), "the entries are X_pca"),
    "backend": (EmbeddingRequest("", method="umap", backend="remote"), "computes t-SNE only"),
    "cuml": (EmbeddingRequest("", backend="cuml"), "cuML"),
    "seed": (EmbeddingRequest("", seed=-1), "the seed -1 is not between 0 and 4,294,967,295"),
    "ending": (EmbeddingRequest(""), r"out\.png does not end in \.h5ad"),
    "column": (EmbeddingRequest("", sample=10, stratify=("b",)), "no obs column 'b'; the columns are a"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_done_says_what_would_be_right(case: str, tmp_path: Path) -> None:
    request, words = REFUSALS[case]
    source = _cells(tmp_path, blobs(40, 2)[0])
    target = tmp_path / "out.png" if case == "ending" else tmp_path
    with pytest.raises(EdvizError, match=words):
        embed(EmbeddingRequest(**{**request.__dict__, "source": source}), target)
    assert [path.name for path in tmp_path.iterdir()] == ["cells.h5ad"]


def test_missing_coordinates_are_counted(tmp_path: Path) -> None:
    points = blobs(40, 2)[0]
    points[7, 1] = np.nan
    with pytest.raises(
        EmbeddingError, match=r"missing, infinite or beyond 1e\+15 for 1 of 40 cells \(the first is row 7\)"
    ):
        embed(EmbeddingRequest(_cells(tmp_path, points)), tmp_path)


def test_numbers_whose_squares_are_none_and_cells_that_are_all_the_same_are_refused(tmp_path: Path) -> None:
    points = blobs(40, 2)[0]
    with pytest.raises(EmbeddingError, match=r"beyond 1e\+15 for 40 of 40 cells"):
        embed(EmbeddingRequest(_cells(tmp_path, points * np.float32(1e30))), tmp_path)
    with pytest.raises(EmbeddingError, match="the same for all 40 cells"):
        embed(EmbeddingRequest(_cells(tmp_path, np.ones_like(points))), tmp_path)


def test_what_is_no_table_of_numbers_says_what_it_is(tmp_path: Path) -> None:
    import h5py
    from scipy import sparse

    obsm = {"X_pca": blobs(40, 2)[0], "X_sparse": sparse.csr_matrix(np.eye(40))}
    data = write_cells(tmp_path / "cells.h5ad", {"a": ["x"] * 40}, obsm)
    with h5py.File(data, "a") as file:
        file["obsm/X_row"] = np.arange(40.0)
    with pytest.raises(EmbeddingError, match=r"'X_row' of .* is a row of 40 numbers"):
        embed(EmbeddingRequest(str(data), "X_row"), tmp_path)
    with pytest.raises(EmbeddingError, match="is a sparse matrix or a data frame; write it as an array"):
        embed(EmbeddingRequest(str(data), "X_sparse"), tmp_path)


@pytest.mark.parametrize("name", ["run", "run.unfinished"])
def test_a_training_that_was_not_ended_is_to_be_resumed_first(name: str, tmp_path: Path) -> None:
    (tmp_path / "run.unfinished").mkdir()
    (tmp_path / "run.unfinished" / "started.json").write_text("{}")
    with pytest.raises(EmbeddingError, match=r"was begun and not ended; go on with it \(train_scvi\.py --resume\)"):
        embed(EmbeddingRequest(str(tmp_path / name)), tmp_path)


def test_a_file_without_counts_and_coordinates_is_refused(tmp_path: Path) -> None:
    data = shared_file("pancreas_4datasets_obs_only.h5ad")
    with pytest.raises(EdvizError, match="neither coordinates in obsm nor a matrix"):
        embed(EmbeddingRequest(str(data)), tmp_path)


def test_a_run_that_names_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    write_cells(tmp_path / "latent.h5ad", {"a": ["x"] * 20}, {"X_scVI": blobs(20, 2)[0]})
    (tmp_path / "training.json").write_text(json.dumps({"path": "/etc/cells.h5ad"}))
    with pytest.raises(EmbeddingError, match="where nothing may be read"):
        embed(EmbeddingRequest(str(tmp_path), roots=(str(tmp_path),)))


def test_a_missing_package_is_named_with_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openTSNE", None)
    with pytest.raises(EmbeddingError, match=r"needs openTSNE: pip install 'anndata-design-inspector\[embedding\]'"):
        embed(EmbeddingRequest(_cells(tmp_path, blobs(40, 2)[0])), tmp_path)


@needs_tsne
def test_a_training_without_its_key_is_embedded_beside_it(tmp_path: Path) -> None:
    points, groups = blobs(90, 3)
    data = write_cells(tmp_path / "cells.h5ad", {"batch": groups.astype(str)}, {"X_pca": points})
    run = tmp_path / "run"
    run.mkdir()
    latents = {"X_scVI": points[::-1].copy(), "X_scVI_other_key": points}
    write_cells(run / "latent.h5ad", {"batch": groups.astype(str)}, latents)
    (run / "training.json").write_text(json.dumps({"path": str(data), "result": {"batch_key": "batch"}}))
    result = embed(EmbeddingRequest(str(run)))
    assert (result.obsm, result.beside) == ("X_tsne", "X_tsne_other_key")
    written = anndata.read_h5ad(result.path)
    assert set(written.obsm) == {"X_tsne", "X_tsne_other_key"}
    assert not np.allclose(written.obsm["X_tsne"], written.obsm["X_tsne_other_key"])


def test_counts_of_a_training_are_those_of_its_cells_whatever_their_order(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    counts = random.poisson(random.gamma(1, 2, (4, 30))[np.arange(80) % 4]).astype(np.float32)
    data = write_cells(tmp_path / "cells.h5ad", {"a": ["x"] * 80}, {}, counts)
    run = tmp_path / "run"
    run.mkdir()
    kept = random.permutation(80)[:60]
    cells = anndata.read_h5ad(data)[kept].copy()
    latent = anndata.AnnData(obs=cells.obs[[]], obsm={"X_scVI": blobs(60, 2)[0]})
    latent.write_h5ad(run / "latent.h5ad")
    (run / "training.json").write_text(json.dumps({"path": str(data)}))
    result = embed(EmbeddingRequest(str(run), "X_scVI", "pca", beside="counts"))
    found = anndata.read_h5ad(result.path).obsm[result.beside]
    chosen = tmp_path / "chosen.h5ad"
    cells.write_h5ad(chosen)
    expected = anndata.read_h5ad(embed(EmbeddingRequest(str(chosen), method="pca"), tmp_path).path).obsm["X_pca"]
    assert np.allclose(np.abs(found[:, :5]), np.abs(expected[:, :5]), atol=1e-3)
