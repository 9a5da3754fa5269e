"""What is unintegrated stands beside what is integrated, in one call, and what was made before stays as it is."""

import json
from pathlib import Path

import numpy as np
import pytest

from mcp_server.embeddings.embedding import embed
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.picture import Plot, plot_embedding
from mcp_server.embeddings.requests import EmbeddingRequest, PlotRequest
from tests.embeddings.files import blobs, digest, needs_plots, needs_sklearn, needs_tsne, write_cells

anndata = pytest.importorskip("anndata", reason="anndata is not installed (extra embedding)")
pytestmark = [needs_plots, needs_sklearn, needs_tsne]


def _run(folder: Path, *, other_key: bool) -> Path:
    """Make what a training leaves, with counts in its data."""
    points, groups = blobs(60, 3)
    obs = {"batch": groups.astype(str)}
    counts = np.random.default_rng(0).poisson(2, (60, 30)).astype(np.float32)
    data = write_cells(folder / "cells.h5ad", obs, {}, counts)
    run = folder / "run"
    run.mkdir()
    latents = {"X_scVI": points[::-1].copy()} | ({"X_scVI_other_key": points} if other_key else {})
    write_cells(run / "latent.h5ad", obs, latents)
    (run / "training.json").write_text(json.dumps({"path": str(data), "result": {"batch_key": "batch"}}))
    return run


def _plot(run: Path, **asked: object) -> Plot:
    request = {"beside": "unintegrated", "color": ("batch",), "embeds": True} | asked
    return plot_embedding(PlotRequest(str(run), str(run.parent / "plot.png"), **request))


def test_a_training_is_embedded_with_and_without_its_batch_key_by_the_call_that_plots_it(tmp_path: Path) -> None:
    run = _run(tmp_path, other_key=True)
    plot = _plot(run)
    assert "X_tsne: t-SNE of X_scVI with batch key batch by openTSNE" in plot.caption
    assert "X_tsne_other_key: t-SNE of X_scVI without batch key by openTSNE" in plot.caption
    assert plot.width > plot.height
    assert set(anndata.read_h5ad(run / "tsne.h5ad").obsm) == {"X_tsne", "X_tsne_other_key"}


def test_panels_say_of_what_they_were_made(tmp_path: Path) -> None:
    from mcp_server.embeddings.blocks import blocks_of
    from mcp_server.embeddings.views import read_views

    request = PlotRequest(str(_run(tmp_path, other_key=True)), "", color=("batch",), beside="unintegrated", embeds=True)
    (block,) = blocks_of(read_views(request), request)
    assert [panel.title for panel in block.panels] == [
        "X_tsne: X_scVI with batch key batch",
        "X_tsne_other_key: X_scVI without batch key",
    ]


def test_without_a_model_that_lacks_the_key_the_counts_stand_beside(tmp_path: Path) -> None:
    assert "t-SNE of 30 principal components of X (log counts" in _plot(_run(tmp_path, other_key=False)).caption


def test_an_embedding_that_was_made_before_stays_and_what_it_lacks_is_made_once(tmp_path: Path) -> None:
    run = _run(tmp_path, other_key=False)
    made = Path(embed(EmbeddingRequest(str(run), sample=50, seed=3)).path)
    before = digest(made)
    _plot(run)
    assert digest(made) == before
    apart = run / "tsne.unintegrated.h5ad"
    before = apart.stat().st_mtime_ns
    assert "X_tsne_counts" in _plot(run, embeds=False).caption
    assert apart.stat().st_mtime_ns == before


def test_what_may_not_be_embedded_is_said_to_lack_and_nothing_is_written(tmp_path: Path) -> None:
    run = _run(tmp_path, other_key=True)
    with pytest.raises(EmbeddingError, match=r"was not embedded .* yet; embed does that"):
        _plot(run, embeds=False)
    assert sorted(path.name for path in run.iterdir()) == ["latent.h5ad", "training.json"]


def test_a_file_that_holds_nothing_unintegrated_says_what_would(tmp_path: Path) -> None:
    data = write_cells(tmp_path / "cells.h5ad", {"batch": ["a"] * 60}, {"X_umap": blobs(60, 3)[0][:, :2]})
    with pytest.raises(EmbeddingError, match=r"nothing that is unintegrated; .* \(embed\.py --beside counts\)"):
        _plot(data)


def test_counts_that_are_stored_by_genes_have_the_components_of_those_stored_by_cells(tmp_path: Path) -> None:
    from scipy import sparse

    counts = np.random.default_rng(0).poisson(2, (60, 30)).astype(np.float32)
    found = []
    for name, matrix in (("cells", sparse.csr_matrix(counts)), ("genes", sparse.csc_matrix(counts))):
        data = write_cells(tmp_path / f"{name}.h5ad", {"a": ["x"] * 60}, {"X_none": np.zeros((60, 1))}, matrix)
        found.append(anndata.read_h5ad(embed(EmbeddingRequest(str(data), method="pca"), tmp_path).path).obsm["X_pca"])
    assert np.allclose(*found)
