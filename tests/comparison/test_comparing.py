"""What is said of two designs."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edviz.comparison import Subject, compare_designs, subject_of
from edviz.comparison.matching import match_factors
from edviz.comparison.statements import implied_statements, similarity, stated, structure
from edviz.grammar import loads
from edviz.model import (
    Aliasing,
    BatchEffect,
    Classification,
    Crossing,
    Nesting,
    make_design,
)
from edviz.source import KnownDesign
from tests.grammar.strategies import designs


def _subject(design, name="x"):
    return Subject(name, KnownDesign(design))


def _of(text, **known):
    return Subject(text, KnownDesign(loads(text), **known))


def _renamed(design, names):
    def of(relation):
        match relation:
            case Nesting(outer, inner):
                return Nesting(names[outer], names[inner])
            case Crossing(a, b, partial):
                return Crossing(names[a], names[b], partial)
            case Aliasing(factors, partial):
                return Aliasing(tuple(names[name] for name in factors), partial)
            case Classification(unit, label):
                return Classification(names[unit], names[label])
            case BatchEffect(batch, unit):
                return BatchEffect(names[batch], names[unit])

    factors = [replace(factor, name=names[factor.name]) for factor in design.factors]
    return make_design(factors, [of(relation) for relation in design.relations])


@settings(max_examples=60, deadline=None)
@given(designs())
def test_a_design_is_wholly_like_itself(design):
    found = compare_designs(_subject(design), _subject(make_design(reversed(design.factors), design.relations)))
    assert (found.structure_similarity, found.content_similarity, found.differs) == (1, 1, ())
    assert not found.relations_in_a
    assert not found.relations_in_b


@settings(max_examples=60, deadline=None)
@given(designs(), designs())
def test_similarity_is_symmetric_and_a_share(one, other):
    there, back = (compare_designs(_subject(a), _subject(b)) for a, b in ((one, other), (other, one)))
    assert there.structure_similarity == back.structure_similarity
    assert there.content_similarity == back.content_similarity
    assert 0 <= there.structure_similarity <= 1
    assert 0 <= there.content_similarity <= 1
    assert there.pooling.verdict == back.pooling.verdict
    assert {(each.a, each.b, each.by) for each in there.factors} == {(each.b, each.a, each.by) for each in back.factors}


@settings(max_examples=60, deadline=None)
@given(designs(), st.integers(0, 99))
def test_new_names_change_nothing_of_the_structure(design, seed):
    new = [f"n{number}" for number in range(len(design.names))]
    random.Random(seed).shuffle(new)
    renamed = _renamed(design, dict(zip(design.names, new, strict=True)))
    assert structure(renamed) == structure(design)
    assert compare_designs(_subject(design), _subject(renamed)).structure_similarity == 1


@settings(max_examples=60, deadline=None)
@given(designs())
def test_what_is_stated_is_implied(design):
    implied = {(word, frozenset(names)) for word, *names in implied_statements(design)}
    assert {(word, frozenset(names)) for word, *names in stated(design)} <= implied


def test_the_documented_example():
    one, other = loads("Donor(3) > Sample(2)"), loads("Mouse(3){kind=unit}")
    assert similarity(structure(one), structure(other)) == 1 / 3
    assert similarity(structure(one), structure(loads("Site(3) > Donor(2) > Cell(~100)"))) == 3 / 6


def test_nesting_through_others_counts():
    """Cells are nested in genotypes with mice between them or without."""
    found = compare_designs(_of("Genotype(2) > Mouse(4) > Cell(~50)"), _of("Genotype(2) > Cell(~50)"))
    assert found.relations_in_both == ()
    assert found.relations_in_a == ("Genotype > Mouse", "Mouse > Cell")
    assert found.relations_in_b == ()


MATCHED = {
    ("donor(4) > cell(9)", "donor(5) > cell(9)"): [("donor", "donor", "name"), ("cell", "cell", "name")],
    ("Donor_ID(4)", "donors(5)"): [("Donor_ID", "donors", "spelling")],
    (
        "stim(2){kind=treatment, levels=[ctrl,IFN]}",
        "drug(3){kind=treatment, levels=[ctrl,IFN,LPS]} × drug2(2){kind=treatment, levels=[a1,a2]}",
    ): [("stim", "drug", "levels")],
    # Bare numbers name nothing.
    ("x(2){kind=treatment, levels=[1,2]}", "y(2){kind=treatment, levels=[1,2]}"): [],
    ("stim(2) > donor(8)", "drug(2) > patient(9)"): [("stim", "drug", "place"), ("donor", "patient", "place")],
    # Either could be meant.
    ("a(2){kind=unit} × b(2){kind=unit}", "c(2){kind=unit} × d(2){kind=unit}"): [],
}


@pytest.mark.parametrize(("pair", "expected"), MATCHED.items(), ids=str)
def test_factors_are_matched(pair, expected):
    found = match_factors(*map(subject_of, pair))
    assert [(each.a, each.b, each.by) for each in found] == expected


def test_differences_are_said():
    found = compare_designs(
        _of("stim(2){kind=treatment} > donor(8) > cell(~500)\nrun(2) == donor"),
        _of("stim(2){kind=treatment} × donor(6){kind=unit} > cell(~500)"),
    )
    text = " ".join(found.differs)
    assert "Factor run is only in the first." in text
    assert "Levels of donor: 16 in the first, 6 in the second." in text
    assert "stim > donor holds only in the first." in text
    assert "donor × stim holds only in the second." in text
    assert "run == donor holds only in the first." in text


def test_kinds_that_differ_are_said():
    found = compare_designs(_of("a(2){kind=treatment}"), _of("a(2){kind=batch}"))
    assert "a: treatment in the first, batch in the second." in found.differs


CONDITION = "stim(2){kind=treatment, levels=[ctrl, IFN]} × donor(3){kind=unit, levels=[P1, P2, P3]}"
OTHERS = "stim(3){kind=treatment, levels=[ctrl, IFN, LPS]} × donor(3){kind=unit, levels=[Q1, Q2, Q3]}"
LIKE = {"species": "human", "has_counts": True}


def _pooled(a, b, known_a=LIKE, known_b=LIKE):
    one, other = subject_of(a), subject_of(b)
    one = replace(one, known=replace(one.known, **known_a))
    other = replace(other, known=replace(other.known, **known_b))
    return compare_designs(one, other).pooling


def test_data_with_a_shared_condition_can_be_pooled():
    found = _pooled(CONDITION, OTHERS)
    assert found.verdict == "possible"
    assert [(each.a, each.levels) for each in found.factors] == [("stim", ("ctrl", "IFN"))]


def test_the_same_donors_are_noticed():
    found = _pooled(CONDITION, CONDITION)
    assert found.verdict == "with care"
    assert found.common_units == ("P1", "P2", "P3")
    assert "must not count twice" in " ".join(found.reasons)


@pytest.mark.parametrize(
    ("known", "verdict", "words"),
    [
        ({"species": "mouse", "has_counts": True}, "not possible", "species differ: human and mouse"),
        ({"species": "human", "has_counts": False}, "not possible", "second data set holds no raw counts"),
        ({"species": "human", "has_counts": None}, "with care", "raw counts is not known"),
        ({"species": "unknown", "has_counts": True}, "with care", "species is not known"),
    ],
)
def test_species_and_counts_decide(known, verdict, words):
    found = _pooled(CONDITION, OTHERS, LIKE, known)
    assert found.verdict == verdict
    assert words in " ".join(found.reasons)


@pytest.mark.parametrize(
    ("other", "verdict", "words"),
    [
        ("stim(2){kind=treatment, levels=[ctrl, LPS]}", "nothing to compare", "share only ctrl of stim"),
        ("stim(2){kind=treatment, levels=[x1, x2]}", "nothing to compare", "share no level of stim"),
        ("stim(2){kind=treatment}", "unknown", "names of its levels are not known"),
        ("donor(3){kind=unit}", "nothing to compare", "No condition is in both"),
    ],
)
def test_without_two_shared_levels_there_is_nothing_to_compare(other, verdict, words):
    found = _pooled(CONDITION, other)
    assert found.verdict == verdict
    assert words in " ".join(found.reasons)


def test_a_card_compares_like_its_file(shipped, tmp_path):
    from edviz.card import write_card

    write_card(shipped, tmp_path / "card.md")
    file, card = subject_of(str(shipped)), subject_of(str(tmp_path / "card.md"))
    assert card.known == file.known
    found = compare_designs(file, card)
    assert (found.structure_similarity, found.content_similarity, found.differs) == (1, 1, ())
    assert found.pooling.verdict == "with care"


def test_a_card_of_an_earlier_version_tells_less(shipped, tmp_path):
    card = tmp_path / "card.md"
    card.write_text(
        '---\ncard: "design"\ndesign: "a(2) > b(3)"\nfactors:\n  - nonsense\n  - {"name": "a"}\nunit: 3\n---\n'
    )
    known = subject_of(str(card)).known
    assert known.design == loads("a(2) > b(3)")
    assert (known.totals, known.levels, known.unit, known.species, known.has_counts) == ({}, {}, None, None, None)
