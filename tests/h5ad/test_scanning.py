"""All values of a matrix looked at, against what anndata and numpy find in the same files."""

import anndata
import numpy as np
import pytest
from scipy import sparse

from edviz.errors import H5adError
from edviz.h5ad import open_h5ad
from edviz.h5ad.scanning import counts_matrix, scan_counts
from edviz.supervised import start_reading
from tests.h5ad.files import shared_file

PLACES = [
    ("lung_lca_3donors_2methods", "X"),
    ("htan_exemplar_breast_liver_met", "raw/X"),
    ("htan_exemplar_breast_liver_met", "X"),
    ("kang_pbmc_stim_ctrl_14039", "X"),
    ("anndatar_example_nullable_csc", "layers/csc_counts"),
    ("anndatar_example_nullable_csc", "layers/dense_X"),
    ("krumsiek11_nullable", "X"),
    ("pbmc68k_reduced_compound_obs", "raw/X"),
]


def dense(path, location):
    data = anndata.read_h5ad(path)
    part = data.raw.X if location == "raw/X" else data.X if location == "X" else data.layers[location[len("layers/") :]]
    return part.toarray() if sparse.issparse(part) else np.asarray(part)


@pytest.mark.parametrize(("name", "location"), PLACES)
def test_a_scan_counts_what_numpy_counts(name, location):
    path = shared_file(f"{name}.h5ad")
    values = dense(path, location)
    with open_h5ad(path) as h5ad:
        scan = scan_counts(h5ad, location)
    assert (scan.n_obs, scan.n_vars) == values.shape
    assert scan.n_stored == np.count_nonzero(values)
    assert scan.fractional.n_values == np.count_nonzero(values != np.trunc(values))
    assert scan.fractional.n_rows == (values != np.trunc(values)).any(axis=1).sum()
    assert scan.n_empty == (values == 0).all(axis=1).sum()
    assert scan.negative.n_rows == (values < 0).any(axis=1).sum()
    assert scan.largest == max(values.max(), 0)
    assert scan.total == pytest.approx(np.abs(values, dtype=float).sum())
    assert scan.are_counts == ((values >= 0).all() and (values == np.trunc(values)).all())


@pytest.mark.parametrize("form", ["csr", "csc", "dense"])
def test_rows_at_fault_are_named(form, tmp_path):
    values = np.ones((50, 4), dtype=np.float32)
    values[7, 1], values[30, 0], values[30, 2], values[9] = -1, np.nan, np.inf, 0
    stored = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "dense": np.asarray}[form](values)
    anndata.AnnData(X=stored).write_h5ad(tmp_path / "a.h5ad")
    with start_reading(tmp_path / "a.h5ad") as reading:
        scan = reading.scan("X")
    assert (scan.negative.n_rows, scan.negative.names) == (1, ("7",))
    assert (scan.not_finite.n_rows, scan.not_finite.n_values, scan.not_finite.names) == (1, 2, ("30",))
    assert scan.n_empty == 1
    assert not scan.are_counts


@pytest.mark.parametrize("names", [["a", "b", "a", "c", "b", "a"], list("abcdef"), list("aaaaaa")])
def test_rows_of_one_name_are_counted_as_pandas_counts_them(names, tmp_path):
    data = anndata.AnnData(X=np.ones((6, 2), dtype=np.float32))
    data.obs_names = names
    data.write_h5ad(tmp_path / "a.h5ad")
    with open_h5ad(tmp_path / "a.h5ad") as h5ad:
        assert scan_counts(h5ad, "X").n_namesakes == data.obs_names.duplicated(keep=False).sum()


def test_pieces_meet_at_their_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("edviz.h5ad.scanning.VALUES_AT_ONCE", 7)
    values = np.random.default_rng(0).poisson(0.5, (40, 11)).astype(np.float32)
    for form in (sparse.csr_matrix, sparse.csc_matrix, np.asarray):
        anndata.AnnData(X=form(values)).write_h5ad(tmp_path / "a.h5ad")
        with open_h5ad(tmp_path / "a.h5ad") as h5ad:
            found = np.zeros_like(values)
            for piece in counts_matrix(h5ad, "X").pieces():
                found[piece.rows, piece.columns] += piece.values
        assert (found == values).all()


def test_a_matrix_that_is_not_there_is_one_sentence():
    with (
        open_h5ad(shared_file("anndatar_example_nullable_csc.h5ad")) as h5ad,
        pytest.raises(H5adError, match=r"has no matrix layers/none; it has X, layers/counts, .*\.$"),
    ):
        scan_counts(h5ad, "layers/none")


def test_pointers_that_do_not_fit_are_refused(tmp_path):
    import h5py

    anndata.AnnData(X=sparse.csr_matrix(np.eye(5, dtype=np.float32))).write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "r+") as file:
        file["X/indptr"][2] = 99
    with open_h5ad(tmp_path / "a.h5ad") as h5ad, pytest.raises(H5adError, match="its indptr does not fit its data"):
        scan_counts(h5ad, "X")
    with h5py.File(tmp_path / "a.h5ad", "r+") as file:
        file["X/indptr"][2] = 2
        file["X/indices"][0] = 5
    with open_h5ad(tmp_path / "a.h5ad") as h5ad, pytest.raises(H5adError, match="an index is outside the matrix"):
        scan_counts(h5ad, "X")
