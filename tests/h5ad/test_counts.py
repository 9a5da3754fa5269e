"""Where the raw counts are."""

import h5py
import numpy as np
import pytest

from edviz.h5ad import open_h5ad
from edviz.h5ad.counts import judge, locate_counts
from edviz.h5ad.matrices import MOST_SLICES, SLICE_VALUES, matrix_of, sample_values
from tests.h5ad.files import shared_file, write_frame

VERDICTS = {
    (0.0, 3.0, 1.0): "counts",
    (2, 2): "counts",
    (0.0, 1.0): "binary: no value but 0 and 1",
    (1.0,): "binary: no value but 0 and 1",
    (True, False): "binary: true and false",
    (0.0, 0.5, 3.0): "not counts: fractional values",
    (-1.0, 0.5): "not counts: negative values",
    (np.nan, 3.0): "not counts: values that are missing or infinite",
    (0.0, 0.0): "only zeros among the values looked at",
    (): "empty",
}

COUNTS, OTHER = np.array([[0, 3], [1, 2]]), np.array([[0, 0.3], [1, 2]])

LOCATIONS = {
    "X before all others": ({"X": COUNTS, "raw/X": COUNTS, "layers/counts": COUNTS}, "X"),
    "a layer named for counts before raw": ({"X": OTHER, "raw/X": COUNTS, "layers/counts": COUNTS}, "layers/counts"),
    "raw before any other layer": ({"X": OTHER, "raw/X": COUNTS, "layers/spliced": COUNTS}, "raw/X"),
    "raw of old files at the root": ({"X": OTHER, "raw.X": COUNTS}, "raw/X"),
    "another layer where there is nothing else": ({"X": OTHER, "layers/spliced": COUNTS}, "layers/spliced"),
    "a layer named for counts that holds none": ({"X": OTHER, "layers/counts": OTHER}, None),
    "no matrix at all": ({}, None),
}


@pytest.mark.parametrize("values", VERDICTS)
def test_values_are_judged_in_words(values):
    assert judge(np.array(values)) == VERDICTS[values]


@pytest.mark.parametrize("case", LOCATIONS)
def test_the_location_is_chosen_in_order(case, tmp_path):
    matrices, expected = LOCATIONS[case]
    with h5py.File(tmp_path / "counts.h5ad", "w") as file:
        write_frame(file, "obs", 2)
        for location, values in matrices.items():
            file[location] = values
    with open_h5ad(tmp_path / "counts.h5ad") as h5ad:
        assert locate_counts(h5ad).location == expected


@pytest.mark.parametrize(
    ("values", "share"),
    [([0, 0, 0, 1, 2, 4, -1], 1 / 4), ([0, 1.5, 3, np.nan, np.inf], 3 / 4), ([0, 2, 5], 0), ([0, 0], 0)],
)
def test_of_the_values_other_than_0_the_share_that_no_count_can_be_is_told(values, share, tmp_path):
    with h5py.File(tmp_path / "counts.h5ad", "w") as file:
        write_frame(file, "obs", len(values))
        file["X"] = np.array(values, dtype=np.float32)[:, None]
    with open_h5ad(tmp_path / "counts.h5ad") as h5ad:
        assert locate_counts(h5ad).checked[0].share_at_fault == pytest.approx(share)


STORAGES = {
    "contiguous": {},
    "one chunk": {"chunks": (400, 5000), "compression": "gzip"},
    "rows": {"chunks": (1, 5000)},
    "tiles": {"chunks": (7, 1037)},
}


@pytest.mark.parametrize("storage", STORAGES)
def test_a_dense_matrix_is_sampled_from_its_first_to_its_last_rows(storage, tmp_path):
    rows = np.repeat(np.arange(400)[:, None], 5000, axis=1)
    with h5py.File(tmp_path / "dense.h5", "w") as file:
        values = sample_values(matrix_of(file.create_dataset("X", data=rows, **STORAGES[storage])))
    assert values.min() < 50
    assert values.max() >= 350
    assert len(np.unique(values)) >= MOST_SLICES
    assert 1000 < len(values) <= 3 * MOST_SLICES * SLICE_VALUES


@pytest.mark.parametrize("options", [{}, {"chunks": (1000,)}, {"chunks": (1_000_000,)}], ids=str)
def test_stored_values_are_sampled_from_the_first_to_the_last(options, tmp_path):
    with h5py.File(tmp_path / "sparse.h5", "w") as file:
        group = file.create_group("X")
        group.attrs.update({"encoding-type": "csr_matrix", "shape": [1000, 1000]})
        group.create_dataset("data", data=np.arange(1_000_000), **options)
        values = sample_values(matrix_of(group))
    assert values.min() < 125_000
    assert values.max() > 875_000
    assert MOST_SLICES * 1000 <= len(values) <= 2 * MOST_SLICES * SLICE_VALUES


def test_a_part_that_is_no_matrix_of_numbers_is_reported_and_not_read(tmp_path):
    with h5py.File(tmp_path / "odd.h5ad", "w") as file:
        write_frame(file, "obs", 2)
        file.create_group("X").attrs["encoding-type"] = "awkward-array"
        file["layers/cube"] = np.ones((2, 2, 2))
    with open_h5ad(tmp_path / "odd.h5ad") as h5ad:
        checked = {matrix.location: matrix.verdict for matrix in locate_counts(h5ad).checked}
    assert checked == {
        "X": "not looked at: awkward-array, not a matrix of numbers",
        "raw/X": "no matrix",
        "layers/cube": "not looked at: neither one nor two dimensions",
    }


WITH_COUNTS = {
    "encodings/anndata-0.4_csr_raw_layers.h5ad": "X",
    "encodings/anndataR-0.1.0_na.h5ad": "X",
    "encodings/sceasy-0.0.7_anndata-0.8.0.h5ad": "X",
    "encodings/seuratdisk-0.0.0.9021_factors.h5ad": "X",
    "encodings/anndata-0.9.2_csc_lzf.h5ad": "X",
    "encodings/anndata-0.5.10_int16_codes.h5ad": None,
    "encodings/handmade_no_X_raw_only.h5ad": None,
}


@pytest.mark.parametrize("name", WITH_COUNTS)
def test_counts_are_found_in_every_encoding_of_a_matrix(name):
    with open_h5ad(shared_file(name)) as h5ad:
        assert locate_counts(h5ad).location == WITH_COUNTS[name]
