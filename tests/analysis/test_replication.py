"""Experimental units, and blocks that a treatment varies in."""

import pytest

from edviz.analysis import replication, unit_table
from tests.analysis.designs import factorial

BLOCKS = {
    # block, treatment of each unit -> kind, groups that blocks link, blocks with two or more levels
    ("112233", "ABABAB"): ("paired", ["AB"], 3),
    ("11112222", "AABBAABB"): ("complete", ["AB"], 2),
    ("111222", "ABCABC"): ("complete", ["ABC"], 2),
    ("112233", "ABBCCA"): ("incomplete", ["ABC"], 3),
    ("11223344", "ABABCDCD"): ("disconnected", ["AB", "CD"], 4),
    ("112233", "AABBCC"): ("between", ["A", "B", "C"], 0),
    ("11223", "ABABA"): ("incomplete", ["AB"], 2),
}


@pytest.mark.parametrize("columns", BLOCKS)
def test_kinds_of_blocks(columns):
    kind, linked, n_informative = BLOCKS[columns]
    block, treatment = columns
    table = unit_table({"block": [*block], "treatment": [*treatment], "sample": range(len(block))})
    found = replication(table, "treatment", "sample + block")
    blocks = {blocking.block: blocking for blocking in found.blockings}
    if kind == "between":
        # A coarser unit in which the treatment is constant is its experimental unit.
        assert (found.unit, found.testable, blocks) == ("block", False, {})
        return
    assert found.unit == "sample"
    assert blocks["block"].kind == kind
    assert ["".join(group) for group in blocks["block"].linked] == linked
    assert blocks["block"].n_informative == n_informative


def test_the_experimental_unit_is_the_coarsest_within_which_the_treatment_is_constant():
    columns = factorial(genotype=2, mouse=3, section=4)
    table = unit_table(columns)
    found = replication(table, "genotype", "genotype:mouse/section")
    assert (found.unit, found.n_units, found.per_level) == ("genotype:mouse", 6, {"1": 3, "2": 3})
    assert found.in_words() == "The experimental unit of genotype is the genotype:mouse (1 3 and 2 3)."
    assert replication(table, "section", "genotype:mouse").blockings[0].holds["1:1"] == ("1", "2", "3", "4")


def test_one_unit_a_level_cannot_be_tested():
    table = unit_table({"donor": [*"1122334"], "sex": [*"mmmmmmf"]})
    found = replication(table, "sex", "donor")
    assert (found.per_level, found.unreplicated, found.testable) == ({"m": 3, "f": 1}, ("f",), False)
    assert found.in_words() == (
        "The experimental unit of sex is the donor (m 3 and f 1): n = 1 at f, so no test is possible."
    )


def test_one_level_is_nothing_to_compare():
    found = replication(unit_table({"donor": [*"12"], "sex": [*"mm"]}), "sex", "donor")
    assert not found.testable
    assert found.in_words() == "sex has 1 level and nothing to compare it with."


def test_samples_of_a_donor_under_each_drug_are_rows_in_a_paired_block():
    found = replication(unit_table({"donor": [*"112233"], "drug": [*"ABABAB"]}), "drug", "donor")
    assert (found.unit, found.blockings[0].kind, found.blockings[0].units_a_cell) == ("row", "paired", (1, 1))


def test_batches_that_cut_through_units_are_no_blocks():
    table = unit_table({"donor": [*"11223344"], "drug": [*"AAAABBBB"], "lane": [*"12121212"], "site": [*"11221122"]})
    found = replication(table, "drug", "donor + lane + site")
    assert found.unit == "donor"
    assert [(blocking.block, blocking.kind) for blocking in found.blockings] == [("site", "paired")]


def test_combinations_of_factors_are_a_treatment_too():
    table = unit_table({"donor": [*"1122"], "drug": [*"ABAB"], "dose": [*"xyxy"]})
    assert replication(table, ["drug", "dose"], "donor").per_level == {"A:x": 2, "B:y": 2}
