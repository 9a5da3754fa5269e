"""The summary of a file, and what reading leaves behind: nothing."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import asdict

import pytest

from edviz.h5ad import read_factors, summarise
from tests.h5ad.files import REPOSITORY, shared_file, write_h5ad

WRITERS = {
    "encodings/anndata-0.4_csr_raw_layers.h5ad": ("compound (anndata 0.4-0.6)", "anndata 0.4-0.6"),
    "encodings/anndata-0.7.8_dense_gzip.h5ad": ("dataframe 0.1.0", "anndata 0.7"),
    "encodings/seuratdisk-0.0.0.9021_factors.h5ad": ("dataframe 0.1.0", "SeuratDisk"),
    "encodings/anndata-0.12.19_csr_raw_layers.h5ad": ("dataframe 0.2.0", "anndata 0.8 or later"),
    "encodings/anndata-0.13.4_csr_raw_layers.h5ad": ("dataframe 0.2.0", "anndata 0.13 or later"),
    "encodings/snapatac2-2.9.0_strings.h5ad": ("dataframe 0.2.0", "snapatac2"),
    "encodings/anndataR-0.1.0_na.h5ad": ("dataframe 0.2.0", "anndataR"),
    "encodings/handmade_no_attributes.h5ad": (
        "group without encoding attributes",
        "unknown: obs has no encoding attributes",
    ),
}

SCHEMAS = {
    "pancreas_4datasets_obs_only.h5ad": [("CELLxGENE", "6.0.0")],
    "chicken_embryo_raw.h5ad": [("CELLxGENE", None)],
    "htan_exemplar_breast_liver_met.h5ad": [("CELLxGENE", None), ("HTAN", None)],
    "wu2020_tcells_200_v0_6.h5ad": [("scirpy", None)],
    "encodings/seuratdisk-0.0.0.9021_factors.h5ad": [("Seurat", None)],
    "merfish_retina_113k.h5ad": [("spatial", None)],
    "airway_bulk_8.h5ad": [],
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_writer_is_guessed_from_the_encoding(name):
    encoding = summarise(shared_file(name)).encoding
    assert (encoding.obs, encoding.writer) == WRITERS[name]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_conventions_that_a_file_follows_are_recognised(name):
    assert [(hint.name, hint.version) for hint in summarise(shared_file(name)).schema] == SCHEMAS[name]


def test_the_summary_names_the_parts_of_a_file():
    summary = summarise(shared_file("anndatar_example_nullable_csc.h5ad"))
    assert asdict(summary.x) == {"encoding": "csr_matrix", "dtype": "float32", "shape": (50, 100)}
    assert summary.raw is None
    assert [(layer.name, layer.encoding, layer.dtype, layer.shape) for layer in summary.layers] == [
        ("counts", "csr_matrix", "float32", (50, 100)),
        ("csc_counts", "csc_matrix", "float32", (50, 100)),
        ("dense_X", "array", "float32", (50, 100)),
        ("dense_counts", "array", "int64", (50, 100)),
    ]
    assert [(matrix.name, matrix.shape) for matrix in summary.obsm] == [("X_pca", (50, 38)), ("X_umap", (50, 2))]
    assert [matrix.name for matrix in summary.obsp] == ["connectivities", "distances"]
    assert summary.uns[:3] == ("Bool", "BoolNA", "Category")
    assert (summary.var.index, summary.var.columns[0], summary.var.examples[0]) == ("_index", "String", "Gene000")
    assert {column.name: column.kind for column in summary.obs}["leiden"] == "categorical"


def test_raw_and_old_matrices_are_described():
    summary = summarise(shared_file("pbmc68k_reduced_compound_obs.h5ad"))
    assert (summary.raw.n_vars, summary.raw.x.encoding, summary.raw.x.shape) == (765, "csr_matrix", (700, 765))
    assert [(matrix.name, matrix.shape) for matrix in summary.obsm] == [("X_pca", (700, 50)), ("X_umap", (700, 2))]


def test_where_the_index_of_var_is_numbers_other_names_are_shown():
    assert summarise(shared_file("chicken_embryo_raw.h5ad")).var.examples[0] == "5S_rRNA"
    assert summarise(shared_file("merfish_mouse_brain_zstd.h5ad")).var.examples[0] == "Htr7"


def test_the_summary_becomes_json(expected_file):
    path = shared_file(f"encodings/{expected_file}")
    written = json.loads(json.dumps(asdict(summarise(path))))
    assert written["path"] == str(path)
    assert written["file_size"] == path.stat().st_size
    assert written["n_obs"] == read_factors(path).n_obs


def test_the_summary_sets_aside_what_needs_no_reading(tmp_path):
    path = write_h5ad(tmp_path / "one.h5ad", {"sample": ([0, 1], ["a", "b"]), "short": ([0], ["a"])}, 2)
    assert [(column.name, column.set_aside) for column in summarise(path).obs] == [
        ("sample", None),
        ("short", "not one value per observation: 1 values for 2 observations"),
    ]


READ_TWICE = [
    "airway_bulk_8.h5ad",
    "merfish_mouse_brain_zstd.h5ad",
    "pbmc68k_reduced_compound_obs.h5ad",
    "encodings/handmade_libver_latest_userblock.h5ad",
    "hostile/external_link_column.h5ad",
    "hostile/external_storage_codes.h5ad",
]


@pytest.mark.parametrize("name", READ_TWICE)
def test_reading_changes_nothing_and_leaves_nothing_behind(name, tmp_path):
    path = shutil.copy(shared_file(name), tmp_path / "copy.h5ad")
    before = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
    read_factors(path)
    summarise(path)
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


def test_reading_imports_neither_pandas_nor_anything_of_its_weight():
    code = (
        "import sys, edviz.h5ad\n"
        "print([name for name in ('pandas', 'anndata', 'scipy', 'lark', 'rich', 'hdf5plugin') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=REPOSITORY)
    assert child.stdout.strip() == "[]"
