"""Plots are small pictures whose captions have the numbers that pandas counts."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from edviz.errors import EdvizError, OutputError
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.picture import Plot, plot_embedding
from mcp_server.embeddings.requests import PlotRequest
from tests.embeddings.files import blobs, needs_plots, needs_sklearn, needs_tsne, write_cells
from tests.h5ad.files import shared_file

pytestmark = [needs_plots, needs_sklearn]


def _plot(source: Path, folder: Path, **asked: object) -> Plot:
    return plot_embedding(PlotRequest(str(source), str(folder / "plot.png"), **asked))


def _picture(plot: Plot) -> np.ndarray:
    from PIL import Image

    with Image.open(plot.path) as image:
        assert image.format == "PNG"
        assert image.size == (plot.width, plot.height)
        assert max(image.size) <= 1568
        assert image.info["Description"] == plot.alt_text
        pixels = np.asarray(image.convert("RGB"))
    assert Path(plot.path).stat().st_size == plot.n_bytes <= 750_000
    return pixels


def _has(pixels: np.ndarray, colour: str) -> bool:
    wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return bool((np.abs(pixels.astype(int) - wanted).sum(axis=-1) <= 6).any())


def test_a_real_file_is_plotted_with_the_counts_of_its_labels(tmp_path: Path) -> None:
    data = shared_file("pbmc68k_reduced_compound_obs.h5ad")
    plot = _plot(data, tmp_path, color=("bulk_labels",))
    pixels = _picture(plot)
    assert pixels.std() > 10
    counts = anndata.read_h5ad(data).obs["bulk_labels"].value_counts()
    for level, n in counts.items():
        assert f"{level} ({n:,})" in plot.caption
    assert "700 cells in X_umap as stored in the file" in plot.caption
    assert "coloured by bulk_labels" in plot.alt_text


def test_the_share_of_neighbours_is_that_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.neighbors import NearestNeighbors

    data = shared_file("pbmc68k_reduced_compound_obs.h5ad")
    caption = _plot(data, tmp_path, color=("louvain",)).caption
    cells = anndata.read_h5ad(data)
    labels = cells.obs["louvain"].to_numpy()
    points = cells.obsm["X_umap"]
    near = NearestNeighbors(n_neighbors=31).fit(points).kneighbors(points, return_distance=False)[:, 1:]
    share = (labels[near] == labels[:, None]).mean()
    chance = (pd.Series(labels).value_counts(normalize=True) ** 2).sum()
    assert f"{share:.0%} share louvain (by chance {chance:.0%})" in caption


def test_the_largest_file_makes_a_small_picture(tmp_path: Path) -> None:
    data = shared_file("merfish_retina_113k.h5ad")
    plot = _plot(data, tmp_path, color=("sample_id",))
    pixels = _picture(plot)
    assert all(_has(pixels, colour) for colour in ("#0072B2", "#D55E00", "#009E73", "#CC79A7"))
    assert "113,385 cells in spatial" in plot.caption


def test_noise_in_many_colours_is_still_small_enough(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    points = random.random((60_000, 2)).astype(np.float32)
    obs = {name: random.integers(0, 40, 60_000).astype(str) for name in "abcd"}
    data = write_cells(tmp_path / "cells.h5ad", obs, {"X_umap": points})
    _picture(_plot(data, tmp_path, color=tuple("abcd")))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_very_few_cells_are_plotted(n: int, tmp_path: Path) -> None:
    data = write_cells(tmp_path / "cells.h5ad", {"a": ["x"] * n}, {"X_umap": blobs(n, 1)[0][:, :2]})
    plot = _plot(data, tmp_path, color=("a",))
    assert _has(_picture(plot), "#0072B2")
    assert f"a: 1 level: x ({n})." in plot.caption


def test_names_from_a_file_cannot_break_a_plot(tmp_path: Path) -> None:
    names = ["$\\frac{$", "a_b^c", "\x1b[31mred", "x" * 300, "日本語", "<b>&amp;</b>", "line\nbreak", ""]
    data = write_cells(tmp_path / "c.h5ad", {"$k$": names * 6}, {"X_umap": blobs(48, 8)[0][:, :2]})
    plot = _plot(data, tmp_path, color=("$k$",))
    _picture(plot)
    assert "\x1b" not in plot.caption
    assert "\n" not in plot.caption
    assert "x" * 50 not in plot.caption


def test_characters_that_no_font_has_are_named(tmp_path: Path) -> None:
    # Linear A and Old Persian: in none of the fonts that are looked for.
    names = ["plain", "\U00010600\U000103a0"]
    data = write_cells(tmp_path / "c.h5ad", {"k": names * 24}, {"X_umap": blobs(48, 8)[0][:, :2]})
    caption = _plot(data, tmp_path, color=("k",)).caption
    assert caption.endswith(" No font here has \U00010600 \U000103a0: drawn as boxes.")
    real = shared_file("pbmc68k_reduced_compound_obs.h5ad")
    assert "boxes" not in _plot(real, tmp_path, color=("bulk_labels",)).caption


def test_missing_labels_and_numbers_are_counted_and_grey(tmp_path: Path) -> None:
    labels = pd.Series(["a", "b", None] * 40, dtype="category")
    numbers = np.where(np.arange(120) < 30, np.nan, np.linspace(0, 1, 120) ** 2)
    obs = {"label": labels.to_numpy(), "number": numbers, "nothing": np.full(120, np.nan)}
    data = write_cells(tmp_path / "cells.h5ad", obs, {"X_umap": blobs(120, 3)[0][:, :2]})
    plot = _plot(data, tmp_path, color=("label", "number", "nothing"))
    assert _has(_picture(plot), "#DDDDDD")
    assert "label: 2 levels: a (40), b (40); missing for 40." in plot.caption
    assert f"median {np.nanmedian(numbers):.4g}" in plot.caption
    assert "missing or infinite for 30" in plot.caption
    assert "missing for 120" in plot.caption


def test_facets_are_the_most_frequent_levels(tmp_path: Path) -> None:
    facets = np.repeat([f"level{number}" for number in range(15)], np.arange(11, 26))
    points = blobs(len(facets), 4)[0][:, :2]
    data = write_cells(tmp_path / "cells.h5ad", {"f": facets, "c": facets}, {"X_umap": points})
    plot = _plot(data, tmp_path, facet="f", color=("c",))
    _picture(plot)
    assert "the 12 most frequent of 15 levels of f" in plot.caption


@needs_tsne
def test_an_embedding_is_coloured_by_its_data_and_stands_beside_another(tmp_path: Path) -> None:
    from mcp_server.embeddings.embedding import embed
    from mcp_server.embeddings.requests import EmbeddingRequest

    data = shared_file("htan_exemplar_breast_liver_met.h5ad")
    made = embed(EmbeddingRequest(str(data), "X_pca", sample=300), tmp_path)
    plot = _plot(Path(made.path), tmp_path, color=("author_cell_type",), beside=str(data))
    assert plot.width > plot.height
    _picture(plot)
    rows = anndata.read_h5ad(made.path).obs["row"]
    counts = anndata.read_h5ad(data).obs["author_cell_type"].iloc[rows].value_counts()
    assert f"{counts.index[0]} ({counts.iloc[0]:,})" in plot.caption
    assert "300 of 565 cells" in plot.caption
    assert "of X_tsne" in plot.caption
    assert "of X_umap" in plot.caption


def test_cells_of_an_embedding_are_found_by_name_where_the_data_are_in_another_order(tmp_path: Path) -> None:
    points, groups = blobs(60, 2)
    data = write_cells(tmp_path / "cells.h5ad", {"g": groups.astype(str)}, {"X_scVI": points})
    run = tmp_path / "run"
    run.mkdir()
    cells = anndata.read_h5ad(data)[::-1][:50].copy()
    cells.obsm["X_umap"] = cells.obsm["X_scVI"][:, :2]
    cells.write_h5ad(run / "latent.h5ad")
    (run / "training.json").write_text(json.dumps({"path": str(data)}))
    plot = _plot(run, tmp_path, obsm="X_umap", color=("g",))
    counts = cells.obs["g"].value_counts()
    assert all(f"{level} ({n})" in plot.caption for level, n in counts.items())


def test_a_name_that_is_written_from_the_right_moves_neither_its_number_nor_its_count() -> None:
    from mcp_server.embeddings.colours import key_of
    from mcp_server.embeddings.drawing import legend_lines
    from mcp_server.embeddings.reading import Levels

    assert legend_lines(key_of(Levels("a", np.zeros(3, np.int64), ("\u05e9\u05dc",)))) == [
        "\u200e\u05e9\u05dc\u200e (3)"
    ]
    assert legend_lines(key_of(Levels("a", np.zeros(3, np.int64), ("b",)))) == ["b (3)"]


def test_a_gene_is_coloured_by_its_log_counts_per_10000(tmp_path: Path) -> None:
    data = shared_file("htan_exemplar_breast_liver_met.h5ad")
    cells = anndata.read_h5ad(data)
    counts = pd.DataFrame(cells.raw.X.toarray(), columns=cells.raw.var_names)
    gene = counts.var().idxmax()
    values = np.log1p(counts[gene] / counts.sum(axis=1) * 10_000)
    caption = _plot(data, tmp_path, color=(gene,)).caption
    assert f"{gene} (log counts per 10,000): {values.min():.4g} to {values.max():.4g}" in caption
    assert f"median {values.median():.4g}" in caption


def test_a_column_comes_before_a_gene_of_its_name_and_genes_of_one_name_are_refused(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(2, (60, 4)).astype(np.float32)
    cells = anndata.AnnData(counts, obs=pd.DataFrame({"a": ["x"] * 60}, index=[f"c{n}" for n in range(60)]))
    cells.var_names = ["a", "b", "twice", "twice"]
    cells.obsm["X_umap"] = blobs(60, 2)[0][:, :2]
    data = tmp_path / "cells.h5ad"
    cells.write_h5ad(data)
    assert "a: 1 level: x (60)." in _plot(data, tmp_path, color=("a",)).caption
    with pytest.raises(EmbeddingError, match=r"2 genes of .* are called 'twice'"):
        _plot(data, tmp_path, color=("twice",))


REFUSALS = {
    "column": ({"color": ("grup",)}, "no obs column 'grup'; the columns are group"),
    "obsm": ({"obsm": "X_tsn"}, "no obsm 'X_tsn'"),
    "facet of numbers": ({"facet": "depth"}, "facets need labels"),
    "facet and beside": ({"facet": "group", "beside": "X_umap"}, "cannot be combined"),
    "beside": ({"beside": "X_nothing"}, "neither an entry of obsm nor a file"),
    "seed": ({"seed": -1}, "the seed -1 is not between"),
    "too many": ({"color": tuple("abcdefg")}, "at most 6 columns"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_plotted_says_what_would_be_right(case: str, tmp_path: Path) -> None:
    asked, words = REFUSALS[case]
    points, groups = blobs(40, 2)
    obs = {"group": groups.astype(str), "depth": np.linspace(0, 1, 40)}
    data = write_cells(tmp_path / "cells.h5ad", obs, {"X_umap": points[:, :2]})
    with pytest.raises(EmbeddingError, match=words):
        _plot(data, tmp_path, **asked)
    assert not (tmp_path / "plot.png").exists()


def test_the_data_are_never_replaced_by_a_picture(tmp_path: Path) -> None:
    data = write_cells(tmp_path / "cells.h5ad", {"a": ["x"] * 5}, {"X_umap": blobs(5, 1)[0][:, :2]})
    with pytest.raises(OutputError, match="choose another output"):
        plot_embedding(PlotRequest(str(data), str(data)))


@pytest.mark.parametrize("name", ["notes.txt", "plot.pdf", "notes"])
def test_a_picture_replaces_no_file_that_is_none(name: str, tmp_path: Path) -> None:
    data = write_cells(tmp_path / "cells.h5ad", {"a": ["x"] * 5}, {"X_umap": blobs(5, 1)[0][:, :2]})
    (tmp_path / name).write_text("of use")
    with pytest.raises(OutputError, match=r"does not end in \.png"):
        plot_embedding(PlotRequest(str(data), str(tmp_path / name)))
    assert (tmp_path / name).read_text() == "of use"


def test_a_plot_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    data = write_cells(tmp_path / "cells.h5ad", {"a": ["x"] * 5}, {"X_umap": blobs(5, 1)[0][:, :2]})
    with pytest.raises(EmbeddingError, match="not drawn within 0 seconds"):
        plot_embedding(PlotRequest(str(data), str(tmp_path / "plot.png")), seconds=0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["cells.h5ad"]


@pytest.mark.parametrize("folder", ["edge", "hostile"])
def test_odd_and_hostile_files_are_plotted_or_refused_in_a_sentence(folder: str, shared: Path, tmp_path: Path) -> None:
    for file in sorted((shared / folder).glob("*.h5*")):
        try:
            _picture(_plot(file, tmp_path))
        except EdvizError as error:
            assert "process" not in str(error), file
            assert "Traceback" not in str(error)


def test_rare_levels_are_seen_in_a_picture_of_few_colours(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    points = random.random((60_000, 2)).astype(np.float32)
    obs = {name: random.integers(0, 39, 60_000).astype(str) for name in "abc"}
    obs["rare"] = np.where(np.arange(60_000) < 3, "rare", "common")
    data = write_cells(tmp_path / "cells.h5ad", obs, {"X_umap": points})
    plot = _plot(data, tmp_path, color=("a", "b", "c", "rare"))
    pixels = _picture(plot)
    assert plot.n_bytes > 300_000
    quarter = pixels[plot.height // 2 :, plot.width // 2 : plot.width * 3 // 4]
    assert _has(quarter, "#D55E00")
