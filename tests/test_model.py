"""The normal form of a design, and what contradicts itself."""

import subprocess
import sys
from itertools import pairwise

import pytest

from edviz.errors import DesignError
from edviz.model import (
    Aliasing,
    BatchEffect,
    Classification,
    Count,
    Crossing,
    Design,
    Factor,
    Nesting,
    default_kind,
    make_design,
)


def factors(names):
    return [Factor(name, (Count(2),)) for name in names]


def design(names, *relations):
    return make_design(factors(names), relations)


NORMAL = {
    "nesting that follows is dropped": (
        [Nesting("A", "B"), Nesting("B", "C"), Nesting("A", "C")],
        {Nesting("A", "B"), Nesting("B", "C")},
    ),
    "aliases are joined to one group": (
        [Aliasing(("A", "B")), Aliasing(("C", "B"))],
        {Aliasing(("A", "B", "C"))},
    ),
    "aliased factors nest together": (
        [Aliasing(("A", "B")), Nesting("A", "C")],
        {Aliasing(("A", "B")), Nesting("A", "C"), Nesting("B", "C")},
    ),
    "aliased factors are nested together": (
        [Aliasing(("B", "C")), Nesting("A", "C")],
        {Aliasing(("B", "C")), Nesting("A", "B"), Nesting("A", "C")},
    ),
    "aliased factors are crossed together": (
        [Aliasing(("A", "B")), Crossing("C", "B", partial=True)],
        {Aliasing(("A", "B")), Crossing("A", "C", partial=True), Crossing("B", "C", partial=True)},
    ),
    "aliased factors are labelled and processed one by one": (
        [Aliasing(("A", "B")), Classification("A", "C"), BatchEffect("D", "A")],
        {Aliasing(("A", "B")), Classification("A", "C"), BatchEffect("D", "A")},
    ),
    "a crossing that follows from a finer one is dropped": (
        [Nesting("A", "B"), Crossing("B", "C"), Crossing("A", "C")],
        {Nesting("A", "B"), Crossing("B", "C")},
    ),
    "it follows on both sides and over several levels": (
        [
            *(Nesting("A", "B"), Nesting("B", "C"), Nesting("D", "E")),
            *(Crossing("C", "E"), Crossing("A", "E"), Crossing("B", "D"), Crossing("D", "A")),
        ],
        {Nesting("A", "B"), Nesting("B", "C"), Nesting("D", "E"), Crossing("C", "E")},
    ),
    "it does not follow from a partial one": (
        [Nesting("A", "B"), Crossing("B", "C", partial=True), Crossing("A", "C")],
        {Nesting("A", "B"), Crossing("B", "C", partial=True), Crossing("A", "C")},
    ),
    "a partial crossing does not follow": (
        [Nesting("A", "B"), Crossing("B", "C"), Crossing("A", "C", partial=True)],
        {Nesting("A", "B"), Crossing("B", "C"), Crossing("A", "C", partial=True)},
    ),
}


@pytest.mark.parametrize(("relations", "normal"), NORMAL.values(), ids=NORMAL)
def test_relations_are_brought_into_normal_form(relations, normal):
    made = design("ABCDE", *relations)
    assert made.relations == normal
    assert design("ABCDE", *reversed(relations)) == made
    assert make_design(made.factors, made.relations) == made


CONTRADICTIONS = {
    "a factor with itself": ([Crossing("A", "A")], "the factor 'A' is related to itself; a relation needs two factors"),
    "an alias of one": ([Aliasing(("A", "A"))], "the factor 'A' is related to itself; a relation needs two factors"),
    "an unknown factor": ([Nesting("A", "Z")], "no factor 'Z' in the design; the factors are A, B, C"),
    "a circle": (
        [Nesting("A", "B"), Nesting("B", "C"), Nesting("C", "A")],
        "the factor 'A' would nest itself: A > B > C > A",
    ),
    "nested and aliased": (
        [Nesting("A", "B"), Aliasing(("A", "B"))],
        "'A' is aliased with 'B' and nests it; two factors have one relation",
    ),
    "crossed and aliased": (
        [Crossing("A", "B"), Aliasing(("A", "B"))],
        "'A' is aliased with 'B' and crossed with it; two factors have one relation",
    ),
    "nested and crossed": (
        [Nesting("A", "B"), Nesting("B", "C"), Crossing("A", "C")],
        "'A' is nested with 'C' and crossed with it; a pair of factors has one relation",
    ),
    "fully and partly crossed": (
        [Crossing("A", "B"), Crossing("A", "B", partial=True)],
        "'A' is said to be both fully and partly crossed with 'B'; only one can hold",
    ),
    "fully and partly aliased": (
        [Aliasing(("A", "B")), Aliasing(("B", "C")), Aliasing(("A", "C"), partial=True)],
        "'A' is said to be both fully and partly aliased with 'C'; only one can hold",
    ),
    "a partial alias of three": (
        [Aliasing(("A", "B", "C"), partial=True)],
        "a partial alias holds for two factors, not for A, B, C",
    ),
}


@pytest.mark.parametrize(("relations", "sentence"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_refused(relations, sentence):
    with pytest.raises(DesignError) as caught:
        design("ABC", *relations)
    assert str(caught.value) == sentence


def test_a_name_stands_for_one_factor():
    with pytest.raises(DesignError, match="'A' is defined twice"):
        design("ABA")


@pytest.mark.parametrize("size", [(), (Count(0),), (Count(2), Count(-1))])
def test_a_size_is_above_zero(size):
    with pytest.raises(DesignError, match="the size of 'A' must be whole numbers above zero"):
        make_design([Factor("A", size)], [])


KINDS = {
    "on a chain": ("A", [Nesting("A", "B")], "unit"),
    "nested": ("B", [Nesting("A", "B"), Crossing("B", "C")], "unit"),
    "crossed": ("A", [Crossing("A", "B")], None),
    "crossed at the top": ("A", [Crossing("A", "B"), Nesting("A", "C")], None),
    "aliased at the top": ("A", [Aliasing(("A", "B")), Nesting("A", "C")], None),
    "processing units": ("A", [BatchEffect("A", "B")], "batch"),
    "measured on units": ("B", [Classification("A", "B")], "classification"),
    "measured on": ("A", [Classification("A", "B")], "unit"),
    "processed": ("B", [BatchEffect("A", "B")], "unit"),
    "measured on and crossed": ("A", [Classification("A", "B"), Crossing("A", "C")], None),
    "alone": ("A", [], None),
}


@pytest.mark.parametrize(("name", "relations", "kind"), KINDS.values(), ids=KINDS)
def test_the_place_implies_a_kind(name, relations, kind):
    assert design("ABC", *relations).factor(name).kind == kind
    assert default_kind(name, relations) == kind


def test_a_stated_kind_is_kept():
    made = make_design([Factor("A", kind="treatment"), Factor("B")], [Nesting("A", "B")])
    assert made.factor("A").kind == "treatment"


def test_a_list_of_equal_entries_is_one_count_below_a_parent_only():
    pair = (Count(3), Count(3))
    made = make_design([Factor("A", pair), Factor("B", pair)], [Nesting("A", "B")])
    assert made.factor("A").size == pair
    assert made.factor("B").size == (Count(3),)


def test_the_order_of_factors_is_kept_but_does_not_count():
    one, other = design("AB", Nesting("A", "B")), design("BA", Nesting("A", "B"))
    assert one.names == ("A", "B")
    assert other.names == ("B", "A")
    assert one == other
    assert hash(one) == hash(other)
    assert one != "A > B"


def test_relations_are_listed_in_the_order_of_the_factors():
    made = design("CBA", Nesting("C", "A"), Nesting("C", "B"), Crossing("A", "B"))
    assert made.nestings == (Nesting("C", "B"), Nesting("C", "A"))
    assert made.crossings == (Crossing("A", "B"),)
    assert made.children("C") == ("B", "A")
    assert made.parents("A") == ("C",)


def test_aliased_factors_are_listed_with_themselves():
    made = design("CBA", Aliasing(("A", "C")))
    assert made.alias_group("A") == ("C", "A")
    assert made.alias_group("B") == ("B",)


def test_an_unknown_factor_is_named():
    with pytest.raises(DesignError, match="no factor 'Z' in the design; the factors are A, B"):
        design("AB").factor("Z")


def test_a_very_long_chain_is_a_design():
    names = [f"A{index}" for index in range(2000)]
    made = make_design(factors(names), [Nesting(*pair) for pair in pairwise(names)])
    assert len(made.relations) == 1999


def test_errors_do_not_depend_on_the_hash_seed():
    code = """
from edviz.model import *
names = "ABCDEFGH"
try:
    make_design([Factor(name) for name in names], [Nesting(a, b) for a in names for b in names if a != b])
except Exception as error:
    print(error)
"""
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1


def test_an_empty_design_is_a_design():
    assert make_design([], []) == Design((), frozenset())
