"""Advice on comparisons and integration, against published analyses and hand-made cases."""

import pytest

from edviz.advice.conditions import advise_conditions
from edviz.advice.keys import advise_batch_keys
from edviz.advice.models import model_terms, models
from edviz.h5ad import read_factors
from edviz.infer import infer_design
from edviz.table import table_of
from tests.h5ad.files import shared_file


def of_file(name):
    inference = infer_design(read_factors(shared_file(name)))
    return inference.facts, inference.roles


def of_columns(cells_per_row=10, **columns):
    """A table with so many cells for each character of the columns."""
    repeated = {name: [value for value in values for _ in range(cells_per_row)] for name, values in columns.items()}
    inference = infer_design(table_of(repeated))
    return inference.facts, inference.roles


def formulas(advice, facts):
    return {model.library: model.formula for model in models(model_terms(facts, advice))}


def advice_on(condition, facts, roles):
    return next(advice for advice in advise_conditions(facts, roles) if advice.condition == condition)


def verdicts(facts, roles):
    return {advice.column: advice.verdict for advice in advise_batch_keys(facts, roles)}


def test_airway_is_fitted_as_its_authors_do():
    # Love et al., DESeq2 and the Bioconductor RNA-seq workflow: design = ~ cell + dex
    facts, roles = of_file("airway_bulk_8.h5ad")
    advice = advice_on("dex", facts, roles)
    assert advice.testable
    assert advice.units_per_level == {"trt": 4, "untrt": 4}
    assert advice.residual_df == 8 - 5
    assert formulas(advice, facts)["DESeq2"] == "~ cell + dex"


def test_wu2020_compares_sources_within_patients():
    facts, roles = of_file("wu2020_tcells_200_v0_6.h5ad")
    advice = advice_on("source", facts, roles)
    assert (advice.unit, advice.blocks, advice.terms) == (("sample",), ("patient",), ("patient",))
    assert advice.residual_df == 30 - 14 - 2
    found = verdicts(facts, roles)
    assert found["patient"] == "usable"
    assert found["sample"] == "with care"  # nested in the source, whose differences it may absorb


def test_nothing_of_kang_may_be_integrated_out():
    facts, roles = of_file("kang_pbmc_stim_ctrl_14039.h5ad")
    assert advise_conditions(facts, roles) == ()
    assert set(verdicts(facts, roles).values()) == {"not usable"}


def test_the_method_of_lung_may_be_integrated_out():
    assert advise_batch_keys(*of_file("lung_lca_3donors_2methods.h5ad"))[0].column == "method"


def test_the_unit_of_a_factor_is_the_coarsest_within_which_it_is_constant():
    # 4 donors, two per disease, two samples each: disease is compared between donors, not samples.
    facts, roles = of_columns(disease="AAAABBBB", donor="11223344", sample="abcdefgh")
    advice = advice_on("disease", facts, roles)
    assert advice.unit == ("donor",)
    assert advice.units_per_level == {"A": 2, "B": 2}
    assert advice.residual_df == 4 - 2
    assert formulas(advice, facts)["DESeq2"] == "~ disease"


def test_one_unit_in_a_level_is_not_testable():
    facts, roles = of_columns(disease="AABCC", donor="12345")
    advice = advice_on("disease", facts, roles)
    assert not advice.testable
    assert "'B'" in advice.reason


@pytest.mark.parametrize(
    ("batch", "verdict", "lost"),
    [
        ("11221122", "usable", {}),  # both batches hold both treatments
        ("11112222", "not usable", {"treatment": (1, 1)}),  # batch is treatment
        ("11223344", "not usable", {"treatment": (1, 1)}),  # two batches in each treatment
    ],
)
def test_a_batch_may_be_integrated_out_only_if_conditions_occur_across_it(batch, verdict, lost):
    facts, roles = of_columns(treatment="AAAABBBB", batch=batch, sample="abcdefgh")
    advice = next(advice for advice in advise_batch_keys(facts, roles) if advice.column == "batch")
    assert (advice.verdict, advice.lost) == (verdict, lost)


def test_a_batch_that_separates_some_levels_loses_those_degrees_of_freedom():
    # DESeq2 vignette: batch 1 holds A and B, batch 2 holds C.
    facts, roles = of_columns(treatment="AABBCC", batch="111122", sample="abcdef")
    advice = next(advice for advice in advise_batch_keys(facts, roles) if advice.column == "batch")
    assert advice.lost == {"treatment": (1, 2)}
    assert advice.verdict == "partly"
