"""Tables of units and formulas of factors."""

import numpy as np
import pytest

from edviz.analysis import UnitTable, anatomy, terms_of, unit_table
from edviz.analysis.structure import stratum_name
from edviz.errors import DesignError


def test_levels_are_in_the_order_in_which_they_occur_and_none_is_missing():
    table = unit_table({"drug": ["B", None, "A", float("nan"), "B"]})
    assert table.levels == (("B", "A"),)
    assert table.of("drug").tolist() == [0, -1, 1, -1, 0]


def test_units_with_something_missing_are_left_out_and_so_are_levels_that_no_unit_has_then():
    table = unit_table({"drug": [*"ABC"], "age": ["old", None, "young"]}, {"dose": [1, 2, np.nan]})
    known = table.complete(["drug", "age"])
    assert (known.n_units, known.levels_of("drug")) == (2, ("A", "C"))
    assert table.complete(["drug", "dose"]).levels_of("drug") == ("A", "B")


def test_combinations_are_numbered_and_missing_ones_are_not():
    table = unit_table({"a": [*"xyxy", None], "b": [*"11122"]})
    assert table.cells(["a", "b"]).tolist() == [0, 1, 0, 2, -1]
    assert table.names_of(["a", "b"]) == ("x:1", "y:1", "y:2")


CONTRADICTIONS = {
    "a name stands for one column of a unit table, but 'a' stands for two": (("a", "a"), [[0, 0]], (("x",), ("y",))),
    "each level of 'a' has a name of its own, but two are called alike in ('1', '1')": (("a",), [[0]], (("1", "1"),)),
    "the codes of 'a' lie between -1 and 0, its last level": (("a",), [[1]], (("x",),)),
    "the codes of 1 factors have one column each, not shape (1, 2) with 1 lists of levels": (
        ("a",),
        [[0, 0]],
        (("x",),),
    ),
}


@pytest.mark.parametrize("message", CONTRADICTIONS)
def test_a_table_that_contradicts_itself_is_refused(message):
    names, codes, levels = CONTRADICTIONS[message]
    with pytest.raises(DesignError) as caught:
        UnitTable(names, np.array(codes, dtype=np.int64), levels)
    assert str(caught.value) == message


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(DesignError, match=r"have one length, not \[1, 2\]"):
        unit_table({"a": [1], "b": [1, 2]})


def test_columns_that_no_unit_has_together_are_refused():
    with pytest.raises(DesignError, match="no unit has values of all of a, b; analyse fewer of them at a time"):
        anatomy(unit_table({"a": [1, None], "b": [None, 1]}), "a/b")


EXPANSIONS = {
    "a": "a",
    "a + b + a": "a b",
    "a*b": "a b a:b",
    "a/b": "a a:b",
    "a/b/c": "a a:b a:b:c",
    "a/(b*c)": "a a:b a:c a:b:c",
    "(a/b)*c": "a c a:b a:c a:b:c",
    "a*b/c": "a b b:c a:b a:b:c",
    "(a + b)/c": "a b a:b:c",
    "a:b + b:a": "a:b",
    "(a + b):c": "a:c b:c",
    "`cell line`*a": "cell line a cell line:a",
}


@pytest.mark.parametrize("formula", EXPANSIONS)
def test_formulas_are_expanded_as_wilkinson_and_rogers_do(formula):
    found = terms_of(formula, ["a", "b", "c", "cell line"])
    assert " ".join(":".join(term) for term in found) == EXPANSIONS[formula]


def test_names_and_terms_may_stand_for_a_formula():
    assert terms_of(["batch", ("batch", "drug")], ["batch", "drug"]) == (("batch",), ("batch", "drug"))
    assert terms_of([], []) == ()


MISTAKES = {
    "a/": "it ends where a name would be right",
    "a//b": "'/' stands where a name would be right",
    "(a + b": "a parenthesis is not closed",
    "a b": "'b' stands where an operator would be right",
    "a)": "')' stands where an operator would be right",
    "`a": "'`a' is neither a name nor an operator",
    "": "it ends where a name would be right",
}


@pytest.mark.parametrize("formula", MISTAKES)
def test_mistakes_in_formulas_are_told(formula):
    with pytest.raises(DesignError) as caught:
        terms_of(formula, ["a", "b"])
    assert str(caught.value).startswith(f"in the formula {formula!r} {MISTAKES[formula]}; write for example")


def test_an_unknown_factor_in_a_formula_is_told_with_those_there_are():
    with pytest.raises(DesignError, match="no factor 'plot' for the formula 'block/plot'; the factors are block, tree"):
        terms_of("block/plot", ["block", "tree"])


def test_strata_are_named_by_what_nests_them_and_what_is_crossed():
    terms = terms_of("(a/b)*c", "abc")
    names = [stratum_name(term, terms) for term in terms]
    assert names == ["a", "c", "b[a]", "a#c", "b#c[a]"]
    assert stratum_name(("a", "b"), [("a", "b")]) == "a:b"
