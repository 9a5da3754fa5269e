"""Differences of levels: standard errors against least squares in statsmodels, confounding against published cases."""

from itertools import combinations

import anndata
import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from edviz.advice import analyze_design
from edviz.advice.contrasts import compare_levels
from edviz.errors import DesignError
from tests.advice.cases import of_columns, of_file
from tests.h5ad.files import shared_file

COMPLETE_BLOCKS = {"treatment": "ABCABCABC", "donor": "111222333", "sample": "abcdefghi"}
INCOMPLETE_BLOCKS = {"treatment": "ABBCACABBCAC", "donor": "112233445566", "sample": "abcdefghijkl"}
UNEQUAL = {"treatment": "AAABBBBBCC", "sample": "abcdefghij"}


def analysed(condition, inference):
    analysis = analyze_design(inference)
    return next(each for each in analysis.conditions if each.advice.condition == condition)


@pytest.mark.parametrize("columns", [COMPLETE_BLOCKS, INCOMPLETE_BLOCKS, UNEQUAL])
def test_standard_errors_are_those_of_least_squares(columns):
    found = analysed("treatment", of_columns(**columns))
    samples = pd.DataFrame({name: list(values) for name, values in columns.items()})
    samples["y"] = np.random.default_rng(0).normal(size=len(samples))
    formula = " + ".join(["y ~ treatment", *found.advice.terms])
    fitted = smf.ols(formula, samples).fit()
    assert fitted.df_resid == found.advice.residual_df
    assert [(each.one, each.other) for each in found.contrasts] == list(combinations("ABC", 2))
    for each in found.contrasts:
        terms = [f"treatment[T.{level}]" if level != "A" else "0" for level in (each.one, each.other)]
        tested = fitted.t_test(f"{terms[0]} - {terms[1]} = 0" if "0" not in terms else f"{terms[1]} = 0")
        assert each.standard_error == pytest.approx(float(tested.sd.item()) / np.sqrt(fitted.scale), abs=1e-6)


def test_blocks_with_both_levels_are_counted():
    found = analysed("source", of_file("wu2020_tcells_200_v0_6.h5ad"))
    obs = anndata.read_h5ad(shared_file("wu2020_tcells_200_v0_6.h5ad")).obs
    held = obs.groupby("patient", observed=True)["source"].agg(set)
    for each in found.contrasts:
        assert each.n_blocks == sum({each.one, each.other} <= levels for levels in held)


# The cases of the DESeq2 vignette, "Model matrix not full rank".


def test_a_batch_that_is_the_condition_leaves_nothing():
    found = analysed("condition", of_columns(condition="AABB", batch="1122", sample="abcd"))
    confounded = {each.given: each for each in found.confounded_with}
    assert (confounded["batch"].lost, confounded["batch"].df) == (1, 1)
    assert confounded["batch"].comparable == (("A",), ("B",))


def test_a_batch_that_holds_some_levels_leaves_their_difference():
    inference = of_columns(condition="AABBCC", batch="111122", sample="abcdef")
    (found,) = analysed("condition", inference).confounded_with
    assert (found.given, found.lost, found.df) == ("batch", 1, 2)
    assert found.comparable == (("A", "B"), ("C",))
    assert compare_levels(inference, "condition", "A", "B", given=["batch"]).estimable
    refused = compare_levels(inference, "condition", "A", "C", given=["batch"])
    assert not refused.estimable
    assert refused.because == "condition A − C cannot be told from batch 1 − 2"


def test_levels_that_share_a_batch_can_be_compared_on_their_samples():
    found = analysed("condition", of_columns(condition="AABBCC", batch="111122", sample="abcdef"))
    assert found.verdict == "in part"
    assert {(each.one, each.other): each.estimable for each in found.contrasts} == {
        ("A", "B"): True,
        ("A", "C"): False,
        ("B", "C"): False,
    }
    (among,) = found.subsets
    assert (among.levels, among.terms, among.residual_df) == (("A", "B"), (), 4 - 2)


def test_levels_compared_within_several_batches_are_adjusted_for_them():
    inference = of_columns(condition="ABABABCDCD", batch="1122334455", sample="abcdefghij")
    found = analysed("condition", inference)
    assert [(among.levels, among.terms, among.residual_df) for among in found.subsets] == [
        (("A", "B"), ("batch",), 6 - 3 - 1),
        (("C", "D"), ("batch",), 4 - 2 - 1),
    ]


def test_a_batch_that_holds_all_levels_costs_nothing():
    found = analysed("condition", of_columns(condition="ABCABC", batch="111222", sample="abcdef"))
    assert found.confounded_with == ()
    assert all(each.estimable for each in found.contrasts)


def test_tissues_of_patients_and_of_healthy_donors_are_compared_within_and_between():
    # Six patients with tumor and adjacent tissue, six donors with normal tissue.
    columns = {
        "tissue": [*"TATATATATATA", *"NNNNNN"],
        "patient": [f"p{number // 2}" for number in range(12)] + [f"n{number}" for number in range(6)],
        "sample": [f"s{number}" for number in range(18)],
    }
    found = analysed("tissue", of_columns(**columns, kinds={"patient": "unit", "tissue": "observational"}))
    assert found.verdict == "in part"
    assert [(among.levels, among.terms, among.residual_df) for among in found.subsets] == [
        (("A", "T"), ("patient",), 12 - 6 - 1),
        (("A", "N"), (), 6 + 6 - 2),
        (("T", "N"), (), 6 + 6 - 2),
    ]
    assert {(each.one, each.other): each.df for each in found.contrasts} == {
        ("A", "N"): 10,
        ("A", "T"): 5,
        ("N", "T"): 10,
    }


def test_a_level_with_one_unit_leaves_the_others():
    found = analysed("disease", of_columns(disease="AABBBC", donor="123456", kinds={"disease": "observational"}))
    (among,) = found.subsets
    assert (among.levels, among.residual_df) == (("A", "B"), 5 - 2)
    assert {(each.one, each.other): each.df for each in found.contrasts} == {
        ("A", "B"): 3,
        ("A", "C"): None,
        ("B", "C"): None,
    }


def test_donors_nested_in_a_condition_are_replicates_and_confound_nothing():
    found = analysed("disease", of_columns(disease="AAAABBBB", donor="11223344", sample="abcdefgh"))
    assert found.confounded_with == ()
    assert found.verdict == "hardly"  # two donors a level leave 2 degrees of freedom


@pytest.mark.parametrize(
    ("levels", "words"),
    [(("conditon", "A", "B"), "did you mean 'condition'"), (("condition", "A", "Z"), "no level 'Z'")],
)
def test_unknown_names_are_told(levels, words):
    inference = of_columns(condition="AABB", batch="1212", sample="abcd")
    with pytest.raises(DesignError, match=words):
        compare_levels(inference, *levels)


def test_a_condition_that_varies_within_units_is_not_compared_between_them():
    inference = of_columns(
        guide=list("xyxyxyxyxyxy"), sample=list("aabbccddeeff"), kinds={"guide": "treatment", "sample": "unit"}
    )
    with pytest.raises(DesignError, match="varies within units"):
        compare_levels(inference, "guide", "x", "y")
