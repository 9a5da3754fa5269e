"""Designs of real files, as their owners and pandas describe them."""

import warnings
from functools import cache
from itertools import combinations

import anndata
import pandas as pd
import pytest

from edviz.h5ad import read_factors
from edviz.infer import Overrides, infer_design
from tests.h5ad.files import REAL_FILES, shared_file
from tests.infer.planted import true_relation


@cache
def report(name):
    return infer_design(read_factors(shared_file(name))).report


@cache
def pandas_obs(name):
    if "zstd" in name:
        pytest.importorskip("hdf5plugin")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return anndata.read_h5ad(shared_file(name), backed="r").obs


@pytest.mark.parametrize("name", REAL_FILES)
def test_every_exact_pair_agrees_with_a_pandas_crosstab(name):
    obs = pandas_obs(name)
    for pair in report(name).pairs:
        a, b = obs[pair.a].astype("category"), obs[pair.b].astype("category")
        present = a.notna() & b.notna()
        table = pd.crosstab(a[present], b[present])
        assert (pair.n_obs, pair.filled) == (int(present.sum()), int((table > 0).to_numpy().sum())), pair
        assert pair.possible == (table.sum(axis=1) > 0).sum() * (table.sum(axis=0) > 0).sum(), pair
        assert pair.relation == true_relation(a[present].astype(str), b[present].astype(str)), pair


@pytest.mark.parametrize("name", REAL_FILES)
def test_every_pair_of_candidates_is_related_once(name):
    names = [factor.name for factor in report(name).factors]
    assert [(pair.a, pair.b) for pair in report(name).pairs] == list(combinations(names, 2))
    assert [(pair.a, pair.b) for pair in report(name).unit_relations] == list(combinations(names, 2))


UNITS = {
    # from the descriptions of the files: who was sampled, how often
    "airway_bulk_8.h5ad": ((), 8),
    "chicken_embryo_raw.h5ad": (("donor_id",), 4),
    "kang_pbmc_stim_ctrl_14039.h5ad": (("sample",), 2),
    "lung_lca_3donors_2methods.h5ad": (("donor_method",), 6),
    "merfish_retina_113k.h5ad": (("sample_id",), 4),
    "pancreas_4datasets_obs_only.h5ad": (("donor_id",), 20),
    "wu2020_tcells_200_v0_6.h5ad": (("sample",), 30),
}


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_of_a_real_file_is_its_sample(name):
    unit = report(name).unit
    assert (unit.columns, unit.n_units) == UNITS[name]


@pytest.mark.parametrize(
    "name",
    [
        "htan_exemplar_breast_liver_met.h5ad",
        "krumsiek11_nullable.h5ad",
        "pbmc5k_protein_v3_lzf.h5ad",
        "pbmc68k_reduced_compound_obs.h5ad",
    ],
)
def test_a_file_without_samples_has_no_unit_and_says_so(name):
    assert report(name).unit is None
    assert {"no_unit", "single_unit"} & {finding.id for finding in report(name).findings}


RELATIONS = [
    ("lung_lca_3donors_2methods.h5ad", "donor", "method", "crossed", 6, 6),
    ("lung_lca_3donors_2methods.h5ad", "donor_method", "donor", "a_nested_in_b", 6, 18),
    ("kang_pbmc_stim_ctrl_14039.h5ad", "batch", "sample", "aliased", 2, 4),
    ("wu2020_tcells_200_v0_6.h5ad", "sample", "batch", "aliased", 30, 900),
    ("wu2020_tcells_200_v0_6.h5ad", "patient", "source", "partially_crossed", 30, 42),
    ("pancreas_4datasets_obs_only.h5ad", "donor_id", "Dataset", "a_nested_in_b", 20, 80),
    ("pancreas_4datasets_obs_only.h5ad", "suspension_type", "is_primary_data", "aliased", 2, 4),
    ("pancreas_4datasets_obs_only.h5ad", "Dataset", "sex", "crossed", 8, 8),
    ("h1_vcc_perturbseq_600.h5ad", "guide_id", "target_gene", "a_nested_in_b", 37, 37 * 6),
    ("chicken_embryo_raw.h5ad", "donor_id", "development_stage", "a_nested_in_b", 4, 12),
    ("airway_bulk_8.h5ad", "cell", "dex", "crossed", 8, 8),
    ("merfish_mouse_brain_zstd.h5ad", "ccf_region_name", "major_brain_region", "a_nested_in_b", 310, 310 * 14),
    ("merfish_mouse_brain_zstd.h5ad", "major_brain_region", "tissue", "a_nested_in_b", 14, 14 * 13),
    ("merfish_mouse_brain_zstd.h5ad", "subclass_transfer", "cell_type", "a_nested_in_b", 146, 146 * 21),
]


@pytest.mark.parametrize(("name", "a", "b", "relation", "filled", "possible"), RELATIONS)
def test_documented_relations_of_real_files_are_found(name, a, b, relation, filled, possible):
    if name.startswith("merfish_mouse"):
        pytest.importorskip("hdf5plugin")
    found = report(name).relation(a, b)
    assert (found.relation, found.filled, found.possible) == (relation, filled, possible)


def test_the_stimulation_of_kang_is_said_to_be_the_sample():
    found = [finding for finding in report("kang_pbmc_stim_ctrl_14039.h5ad").findings if finding.severity == "error"]
    assert [finding.id for finding in found] == ["no_replication"]
    assert {"sample", "batch"} <= set(found[0].factors)


def test_interaction_columns_are_named():
    combined = {
        "kang_pbmc_stim_ctrl_14039.h5ad": "detailed_celltype",
        "pancreas_4datasets_obs_only.h5ad": "tmp",
        "lung_lca_3donors_2methods.h5ad": "donor_method",
    }
    for name, column in combined.items():
        found = [finding.factors[0] for finding in report(name).findings if finding.id == "combination"]
        assert column in found, name


def test_the_patients_of_wu2020_are_blocks_with_missing_sources():
    found = [finding for finding in report("wu2020_tcells_200_v0_6.h5ad").findings if finding.id == "paired"]
    assert [finding.factors for finding in found] == [("source", "patient")]
    assert "12 of 14" in found[0].text  # two patients have one source only


def test_a_grouping_hidden_in_level_names_becomes_a_question_and_can_be_split_off():
    asked = [question for question in report("h1_vcc_perturbseq_600.h5ad").questions if question.id == "composite"]
    assert [question.factors for question in asked] == [("batch",)]
    split = infer_design(read_factors(shared_file("h1_vcc_perturbseq_600.h5ad")), Overrides(split=("batch",))).report
    made = split.relation("batch", "batch_1")
    assert (made.relation, made.filled) == ("a_nested_in_b", 48)
