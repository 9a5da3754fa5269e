"""What can be compared, and in which words it is said that something cannot."""

import numpy as np
import pytest

from edviz.analysis import by_adjustment, comparison, effect, effects, interaction, interactions, model_rank, unit_table
from edviz.analysis.explanation import listed
from edviz.analysis.indicators import model_matrix
from edviz.analysis.rank import PRIMES
from edviz.errors import DesignError
from tests.analysis.designs import factorial, published

EXPLAINED = {
    # columns, factor, adjusted for -> groups of levels, explanations
    "the same partition": (
        {"batch": "112233", "drug": "AABBCC"},
        "drug",
        "batch",
        ["A", "B", "C"],
        ["drug B − A is the same as batch 2 − 1", "drug C − A is the same as batch 3 − 1"],
    ),
    "levels of a batch": (
        {"batch": "11112222", "drug": "AABBCCDD"},
        "drug",
        "batch",
        ["AB", "CD"],
        ["drug C and D against A and B is the same as batch 2 − 1"],
    ),
    "crossed within sites": (
        {"lane": "12123434", "donor": "aabbccdd"},
        "donor",
        "lane",
        ["ab", "cd"],
        ["donor c and d against a and b is the same as lane 3 and 4 against 1 and 2"],
    ),
    "the sum of two": (
        {"row": "0011", "column": "0101", "dose": "0112"},
        "dose",
        "row + column",
        ["0", "1", "2"],
        ["dose scored 0, 1 and 2 at 0, 1 and 2 is the same as row 1 − 0 plus column 1 − 0"],
    ),
    "the sum of two among others": (
        {"sex": "mfmfmfmf", "row": "00001111", "column": "00110011", "dose": "00111122", "age": "01122330"},
        "dose",
        "age + sex + row + column",
        ["0", "1", "2"],
        ["dose scored 0, 1 and 2 at 0, 1 and 2 is the same as row 1 − 0 plus column 1 − 0"],
    ),
    "the coarsest terms that do": (
        {"donor": "aabbccdd", "row": "00001111", "column": "01010101", "dose": "01011212"},
        "dose",
        "donor + row + column",
        ["0", "1", "2"],
        ["dose scored 0, 1 and 2 at 0, 1 and 2 is the same as row 1 − 0 plus column 1 − 0"],
    ),
    "a bystander is not blamed": (
        {"batch": "11112222", "drug": "AAAABBBB", "sex": "mfmfmfmf"},
        "drug",
        "sex + batch",
        ["A", "B"],
        ["drug B − A is the same as batch 2 − 1"],
    ),
    "a cell of two": (
        {"sex": "mmffmmff", "day": "12121212", "drug": "AABABBAB"},
        "drug",
        "sex:day",
        ["AB"],
        [],
    ),
    "one cell of two": (
        {"sex": "mmff", "day": "1212", "drug": "BAAA"},
        "drug",
        "sex*day",
        ["B", "A"],
        ["drug A − B is the same as sex:day m:2, f:1 and f:2 against m:1"],
    ),
    "a chain of batches": (
        {"batch": "112233", "drug": "ABBCCA"},
        "drug",
        "batch",
        ["ABC"],
        [],
    ),
}


@pytest.mark.parametrize("case", EXPLAINED)
def test_lost_comparisons_are_explained(case):
    columns, factor, adjusted_for, groups, explanations = EXPLAINED[case]
    found = effect(unit_table({name: [*values] for name, values in columns.items()}), factor, adjusted_for)
    assert [set(group) for group in found.comparable] == [set(group) for group in groups]
    assert list(found.explanations) == explanations
    # Levels of no group may leave other contrasts, such as 0 - 2 x 1 + 2 of a sum.
    assert found.lost == len(explanations) <= max(len(groups) - 1, 0)


def test_an_effect_is_said_in_a_sentence():
    table = unit_table({"batch": [*"111122"], "drug": [*"AABBCC"], "sex": [*"mfmfmf"], "one": [*"xxxxxx"]})
    said = {found.factor: found.in_words() for found in effects(table)}
    assert said == {
        "batch": "batch given drug, sex and one loses 1 of 1 degrees of freedom: no two levels can be compared.",
        "drug": "drug given batch, sex and one loses 1 of 2 degrees of freedom: what can be compared is A and B.",
        "sex": "sex given batch, drug and one is estimable.",
        "one": "one has one level where nothing is missing: there is nothing to compare.",
    }


def test_effects_of_all_are_those_of_each():
    table = published("lme4", "cbpp", "herd period")
    assert effects(table) == (effect(table, "herd", "period"), effect(table, "period", "herd"))


def test_an_effect_by_what_is_adjusted_for():
    table = unit_table({"batch": [*"11112222"], "drug": [*"AABBCCDD"], "sex": [*"mfmfmfmf"]})
    found = {one.adjusted_for: one.lost for one in by_adjustment(table, "drug")}
    assert found == {(): 0, ("batch",): 1, ("sex",): 0, ("batch", "sex"): 1}


def test_covariates_are_exact_as_written():
    table = unit_table({"drug": [*"AAABBB"]}, {"dose": [0.1, 0.1, 0.1, 0.3, 0.3, 0.1 + 0.2], "age": [1, 2, 3, 4, 5, 7]})
    dose = effect(table, "dose", "drug")
    assert (dose.df, dose.lost, dose.comparable) == (1, 1, ())
    assert dose.explanations == ("5 times dose is the same as drug B − A",)
    assert effect(table, "drug", "dose").explanations == ("drug B − A is the same as 5 times dose",)
    assert effect(table, "drug", "age").estimable
    assert model_rank(table, "drug*age").rank == 4


def test_units_with_missing_values_are_left_out_and_counted():
    found = effect(unit_table({"batch": [*"1122", None], "drug": [*"ABAA", "C"]}), "drug", "batch")
    assert (found.n_units, found.n_missing, found.df, found.estimable) == (4, 1, 1, True)


def test_a_comparison_that_hangs_on_several_terms_names_them():
    table = unit_table({"row": [0, 0, 1, 1], "column": [0, 1, 0, 1], "dose": [0, 1, 1, 2]})
    found = comparison(table, "dose", "2", "0", "row + column")
    assert not found.estimable
    assert found.because.startswith("dose 2 − 0 is not estimable given row and column: dose scored 0, 1 and 2")


def test_an_unknown_level_is_told_with_those_there_are():
    with pytest.raises(DesignError, match="no level 'Z' of 'drug' where nothing is missing; the levels are A and B"):
        comparison(unit_table({"drug": [*"AB"]}), "drug", "A", "Z")


def test_an_interaction_loses_to_empty_combinations_and_to_other_terms():
    table = published("MASS", "npk", "block N P K")
    found = interaction(table, ["N", "P", "K"], "block")
    assert (found.possible, found.in_cells, found.df, found.lost_to) == (1, 1, 0, ("block",))
    assert found.in_words() == "The interaction N:P:K loses 1 of 1 degrees of freedom: 1 to block."
    assert interaction(table, ["N", "P"], "block").estimable
    gap = interaction(unit_table({"sex": [*"mmmff"], "drug": [*"ABCAB"]}), ["sex", "drug"])
    assert (gap.possible, gap.in_cells, gap.df) == (2, 1, 1)
    assert gap.in_words() == (
        "The interaction sex:drug loses 1 of 2 degrees of freedom: 1 to combinations that do not occur."
    )


def test_terms_that_cost_an_interaction_nothing_are_not_named():
    columns = factorial(sex=2, drug=2, repeat=2)
    columns["batch"] = [int(sex != drug) for sex, drug in zip(columns["sex"], columns["drug"], strict=True)]
    found = interaction(unit_table(columns), ["sex", "drug"], ["repeat", "batch"])
    assert (found.df, found.lost_to) == (0, ("batch",))


def test_interactions_of_all_pairs():
    found = interactions(unit_table(factorial(a=2, b=3, c=2)))
    assert [(one.term, one.possible, one.estimable) for one in found] == [
        (("a", "b"), 2, True),
        (("a", "c"), 1, True),
        (("b", "c"), 2, True),
    ]


def test_only_vectors_that_the_matrix_sends_to_zero_are_null_vectors():
    matrix = model_matrix(unit_table({"batch": [*"1122"]}), [("batch",)])
    assert matrix.sends_to_zero(np.array([1, -1, -1]))
    assert not matrix.sends_to_zero(np.array([1, -1, 0]))
    assert not matrix.sends_to_zero(PRIMES[0] * np.array([1, 0, 0]))


def test_many_sentences_and_long_lists_are_cut():
    codes = [place for place in range(12) for _ in range(2)]
    found = effect(unit_table({"batch": codes, "drug": codes}), "drug", "batch")
    assert (found.lost, len(found.explanations)) == (11, 6)
    assert found.explanations[-1] == "and 6 more such comparisons"
    assert listed("ABCDE") == "A, B, C, D and E"
    assert listed("ABCDEF") == "A, B, C and 3 more"


def test_more_parameters_than_units_are_said_to_tell_all_units_apart():
    numbers = np.random.default_rng(0)
    found = effects(unit_table({f"f{place}": numbers.integers(0, 60, 400).tolist() for place in range(10)}))
    assert all(0 < one.lost <= one.df for one in found)
    assert found[0].explanations == (
        "f0 is lost to f1, f2, f3 and 6 more together, which with it tell all different units apart",
    )


def test_a_model_that_is_too_large_is_refused_with_its_size():
    numbers = np.arange(5000)
    table = unit_table({"donor": numbers.tolist(), "sample": (numbers * 7 % 5000).tolist()})
    with pytest.raises(DesignError, match="has 10001 columns for 5000 different units; choose fewer factors"):
        effects(table)
