"""Published files: the facts that their descriptions state, and what anndata reads in them."""

import warnings
from pathlib import Path

import anndata
import h5py
import hdf5plugin  # noqa: F401 - for anndata, which does not import it itself
import pandas as pd
import pytest

from edviz.h5ad import read_factors, summarise
from tests.h5ad.files import shared_file

SHAPES = {
    "lung_lca_3donors_2methods": (1000, 23681),
    "h1_vcc_perturbseq_600": (600, 1000),
    "kang_pbmc_stim_ctrl_14039": (14039, 1000),
    "wu2020_tcells_200_v0_6": (200, 3000),
    "pancreas_4datasets_obs_only": (3274, 33053),
    "htan_exemplar_breast_liver_met": (565, 12641),
    "pbmc68k_reduced_compound_obs": (700, 765),
    "pbmc5k_protein_v3_lzf": (200, 16581),
    "merfish_retina_113k": (113385, 368),
    "merfish_mouse_brain_zstd": (1000, 1122),
    "chicken_embryo_raw": (1000, 24356),
    "airway_bulk_8": (8, 64102),
    "krumsiek11_nullable": (640, 11),
    "anndatar_example_nullable_csc": (50, 100),
    "edge/anndata_v0_13_3": (10, 20),
    "edge/anndata_v0_7_0_lzf": (30, 20),
}

LEVELS = {
    "lung_lca_3donors_2methods": {
        "cell_ontology_id": 37,
        "cell_ontology_type": 37,
        "donor": 3,
        "donor_method": 6,
        "method": 2,
    },
    "h1_vcc_perturbseq_600": {"batch": 48, "guide_id": 37, "target_gene": 6},
    "kang_pbmc_stim_ctrl_14039": {"batch": 2, "celltype": 8, "detailed_celltype": 16, "sample": 2},
    "merfish_retina_113k": {"sample_id": 4},
    "airway_bulk_8": {"cell": 4, "dex": 2},
    "pbmc68k_reduced_compound_obs": {"bulk_labels": 10, "phase": 3, "louvain": 11},
    "pbmc5k_protein_v3_lzf": {},
    "chicken_embryo_raw": {
        "cell_type": 19,
        "cell_type_ontology_term_id": 11,
        "development_stage": 3,
        "development_stage_ontology_term_id": 3,
        "donor_id": 4,
    },
    "htan_exemplar_breast_liver_met": {
        "Phase": 3,
        "author_cell_type": 7,
        "cell_type_ontology_term_id": 7,
        "cnv_pass_mal": 2,
        "compartments": 4,
        "labels_cl_unif": 8,
        "labels_cl_unif2_broad": 7,
        "labels_unif": 18,
        "leiden": 9,
    },
    "krumsiek11_nullable": {"cell_type": 5, "dummy_bool": 2, "dummy_bool2": 2},
}

COUNTS = {
    "lung_lca_3donors_2methods": "X",
    "h1_vcc_perturbseq_600": "X",
    "kang_pbmc_stim_ctrl_14039": "X",
    "wu2020_tcells_200_v0_6": "X",
    "pancreas_4datasets_obs_only": None,
    "htan_exemplar_breast_liver_met": "raw/X",
    "pbmc68k_reduced_compound_obs": None,
    "pbmc5k_protein_v3_lzf": "X",
    "merfish_retina_113k": "X",
    "merfish_mouse_brain_zstd": "X",
    "chicken_embryo_raw": "X",
    "airway_bulk_8": "X",
    "krumsiek11_nullable": None,
    "anndatar_example_nullable_csc": "layers/counts",
}

VERDICTS = {
    "htan_exemplar_breast_liver_met": {"X": "not counts: fractional values", "raw/X": "counts"},
    "pbmc68k_reduced_compound_obs": {"X": "not counts: negative values", "raw/X": "not counts: fractional values"},
    "pancreas_4datasets_obs_only": {"X": "no matrix", "raw/X": "no matrix"},
    "krumsiek11_nullable": {"X": "not counts: negative values", "raw/X": "no matrix"},
    "anndatar_example_nullable_csc": {
        "X": "not counts: fractional values",
        "raw/X": "no matrix",
        "layers/counts": "counts",
        "layers/csc_counts": "counts",
        "layers/dense_X": "not counts: fractional values",
        "layers/dense_counts": "counts",
    },
}

SPECIES = {
    "lung_lca_3donors_2methods": ("human", "gene names are upper case like CD3D"),
    "h1_vcc_perturbseq_600": ("human", "1,000 of 1,000 gene ids begin with ENSG"),
    "kang_pbmc_stim_ctrl_14039": ("human", "1,000 of 1,000 gene names are upper case like CD3D"),
    "wu2020_tcells_200_v0_6": ("human", "gene names are upper case like CD3D"),
    "pancreas_4datasets_obs_only": ("human", "uns/organism_ontology_term_id is NCBITaxon:9606 (Homo sapiens)"),
    "htan_exemplar_breast_liver_met": ("human", "obs/organism_ontology_term_id is NCBITaxon:9606"),
    "pbmc68k_reduced_compound_obs": ("human", "765 of 765 gene names are upper case like CD3D"),
    "pbmc5k_protein_v3_lzf": ("human", "gene names are upper case like CD3D"),
    "merfish_retina_113k": ("mouse", "366 of 368 gene names are capitalised like Cd3d"),
    "merfish_mouse_brain_zstd": ("mouse", "obs/organism_ontology_term_id is NCBITaxon:10090 (Mus musculus)"),
    "chicken_embryo_raw": ("unknown", "NCBITaxon:9031 (Gallus gallus): not human, mouse, zebrafish or fly"),
    "airway_bulk_8": ("human", "gene ids begin with ENSG"),
    "krumsiek11_nullable": ("unknown", "no organism is recorded"),
    "anndatar_example_nullable_csc": ("unknown", "no organism is recorded"),
}


def _path(name: str) -> Path:
    return shared_file(f"{name}.h5ad")


@pytest.mark.parametrize("name", SHAPES)
def test_the_shape_is_that_of_the_description(name):
    summary = summarise(_path(name))
    assert (summary.n_obs, summary.n_vars) == SHAPES[name]
    assert read_factors(_path(name)).n_obs == SHAPES[name][0]


@pytest.mark.parametrize("name", LEVELS)
def test_the_candidates_are_those_of_the_description(name):
    candidates = read_factors(_path(name)).listing.candidates
    assert {column.name: column.n_levels for column in candidates} == LEVELS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_raw_counts_are_where_the_description_says(name):
    counts = summarise(_path(name)).counts
    assert counts.location == COUNTS[name]
    assert {"X", "raw/X"} <= {matrix.location for matrix in counts.checked}


@pytest.mark.parametrize("name", VERDICTS)
def test_every_matrix_that_was_checked_has_a_verdict(name):
    assert {matrix.location: matrix.verdict for matrix in summarise(_path(name)).counts.checked} == VERDICTS[name]


@pytest.mark.parametrize("name", SPECIES)
def test_the_species_is_told_with_its_evidence(name):
    species = summarise(_path(name)).species
    expected, evidence = SPECIES[name]
    assert species.name == expected
    assert evidence in species.evidence


@pytest.mark.parametrize("name", SHAPES)
def test_columns_agree_with_what_anndata_reads(name):
    frame = _obs_as_anndata_reads_it(_path(name))
    table = read_factors(_path(name), also=list(frame.columns))
    assert [column.name for column in table.listing.columns] == list(frame.columns)
    for column in table.listing.columns:
        levels, counts, missing = _as_pandas_says(frame[column.name])
        assert [level.level for level in column.levels] == levels, column.name
        assert [level.n for level in column.levels] == counts, column.name
        assert column.missing == missing, column.name
        assert column.n_levels == sum(n > 0 for n in counts), column.name
        assert column.ordered == bool(getattr(frame[column.name].dtype, "ordered", False)), column.name


def _obs_as_anndata_reads_it(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with h5py.File(path) as file:
            # Not the whole file: other parts may need packages of their own.
            if isinstance(file["obs"], h5py.Group):
                return anndata.io.read_elem(file["obs"])
        return anndata.read_h5ad(path, backed="r").obs


def _as_pandas_says(series: pd.Series) -> tuple[list[str], list[int], int]:
    counts = series.value_counts(sort=False)
    if isinstance(series.dtype, pd.CategoricalDtype):
        counts = counts.reindex(series.cat.categories, fill_value=0)
    else:
        counts = counts.sort_index()
    return [str(level) for level in counts.index.to_numpy()], counts.tolist(), int(series.isna().sum())


def test_missing_codes_of_a_real_file_are_counted():
    listing = read_factors(_path("merfish_mouse_brain_zstd")).listing
    missing = {name: listing.column(name).missing for name in ("ccf_region_name", "major_brain_region", "cell_type")}
    assert missing == {"ccf_region_name": 103, "major_brain_region": 107, "cell_type": 0}


def test_names_of_cells_are_set_aside_without_their_levels():
    column = read_factors(_path("pancreas_4datasets_obs_only")).listing.column("observation_joinid")
    assert column.set_aside == "nearly unique: 3274 levels in 3274 observations"
    assert column.levels is None


def test_a_column_of_one_level_is_set_aside_with_its_level():
    column = read_factors(_path("airway_bulk_8")).listing.column("albut")
    assert column.set_aside == "one level only"
    assert [(level.level, level.n) for level in column.levels] == [("untrt", 8)]
