"""Counts of levels and observations, as the definition of the language gives them."""

import pytest
from hypothesis import given, settings

from edviz.counts import CountRange, count_observations, parent_levels, total_levels
from edviz.errors import DesignError
from edviz.grammar import loads
from edviz.model import Design
from tests.grammar.strategies import designs


def exactly(number):
    return CountRange(number, number, approximate=False)


def about(number):
    return CountRange(number, number, approximate=True)


def between(low, high):
    return CountRange(low, high, approximate=False)


OBSERVATIONS = {
    # documented
    "Site(3) > Patient(20) > Sample(2) > Cell(5000) : CellType(35)": exactly(600_000),
    "Treatment(3) × Dose(4) × Timepoint(6)": exactly(72),
    "{Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > Sample(2) > Cell(~5000) : CellType(42)": about(730_000),
    "(Treatment(2) × Timepoint(4)) > Sample(3)": exactly(24),
    "Sample(10) ◊ Treatment(5)": between(10, 49),
    "Treatment(3) × Timepoint(4) × Replicate(5)": exactly(60),
    "CellFraction[16|22] × DietTimepoint(3) > Sample(38)": exactly(38 * 3 * 38),
    # each level has the treatments of all others
    "Hospital(3) > Patient(20) > Sample(2) × Treatment(3) > Cell(5000) : CellType(35)": exactly(3 * 20 * 2 * 3 * 5000),
    "Hospital(4) > Patient(15) × Treatment(2) > Sample(3) × Timepoint(4) > Cell(~8000)": about(
        4 * 15 * 2 * 3 * 4 * 8000
    ),
    # what does not count
    "Genotype(2) > Sample(4) : CellType(6)": exactly(8),
    "Run(8) == Sample\nGenotype(2) > Sample(4)": exactly(8),
    "Run(8) == Sample\nRun × Genotype(2) > Sample(4)": exactly(64),
    "{Run(8) ≈≈ Lane(8)}\nRun == Sample(4)": exactly(4),
    "A(2)\nB(3) : A": exactly(3),
    # lists
    "A[3|4]": exactly(7),
    "A(2) > B[3|4]": exactly(7),
    "A(2) > B[3|4] > C(2)": exactly(14),
    "A(2) > B[3|4] > C[1|2|3|4|5|6|7]": exactly(28),
    "A(?) > B[3|4]": exactly(7),
    "A(2) > B[3|~4]": about(7),
    "A(~2) > B[3|4]": exactly(7),
    "A(2) > B[3|4]\nA > C[5|6]{kind=unit}\nB × C": exactly(3 * 5 + 4 * 6),
    "A(2) > B[3|4] × C(5){kind=treatment}": exactly(7 * 5),
    "A(2) > B[3|4] × C(5){kind=unit}": exactly(3 * 5 + 4 * 5),
    "(A(2) > B[3|4]) × (C(2) > D[5|6])": exactly(7 * 11),
    # unknown and approximate sizes
    "A(2) > B(?)": CountRange(2, None, approximate=False),
    "A(~2) > B(?)": CountRange(2, None, approximate=True),
    "A(~2) × B(3)": about(6),
    "A(2) : B(~9)": exactly(2),
    # partly crossed, or not related
    "A(2) ◊ B(3) > C(4)": between(3 * 4, 5 * 4),
    "A(2) ◊ B(3) × C(4)": between(3 * 4, 5 * 4),
    "A(1) ◊ B(1)": exactly(1),
    "P(10) > S(2) ◊ T(3)": between(20, 59),
    "A(2)\nB(3)": between(3, 6),
    "A(2) > B(3)\nC(4) × D(5)": between(20, 120),
    "A(2) > B(3)\nA > C(4)": between(8, 24),
    "A(2) > B(3)\nB × T(5)\nB > C(4)": between(30, 120),
    "A(2) ≈ B(3)": between(3, 6),
    # aliases
    "{A(2) ≈≈ B(3)} > C(4)": exactly(12),
    "{A(?) ≈≈ B(3)} > C(4)": exactly(12),
    "{A(~2) ≈≈ B(3)} > C(4)": exactly(12),
    "A(2) > {B(4) ≈≈ C[3|6]}": exactly(9),
    # no factor
    "": CountRange(None, None, approximate=False),
    "B(2) == C(3)": exactly(3),
}


@pytest.mark.parametrize(("text", "count"), OBSERVATIONS.items())
def test_observations_are_counted(text, count):
    assert count_observations(loads(text)) == count


def test_partial_crossing_inside_a_chain_leaves_out_at_least_one_combination():
    text = "{Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > Sample(2) ◊ Treatment(3) × Timepoint(4) > Cell(~5000)"
    low, high = 73 * 2 * 4 * 5000, (73 * 2 * 3 - 1) * 4 * 5000
    assert count_observations(loads(text)) == CountRange(low, high, approximate=True)


TOTALS = {
    "Site(3) > Patient(20) > Sample(2) > Cell(~5000) : CellType(35)": {
        "Site": exactly(3),
        "Patient": exactly(60),
        "Sample": exactly(120),
        "Cell": about(600_000),
        "CellType": exactly(35),
    },
    "{Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > Sample(2)": {
        "Center": exactly(3),
        "Protocol": exactly(2),
        "Patient": exactly(73),
        "Sample": exactly(146),
    },
    "Hospital(3) > (Patient(20) × Treatment(2)) > Sample(1)": {
        "Patient": exactly(60),
        "Treatment": exactly(2),
        "Sample": exactly(120),
    },
    "Hospital(3) > (Patient(20) × Treatment(2){kind=unit})": {"Treatment": exactly(6)},
    "A(2) ◊ B(3) > C(4)": {"C": between(12, 20)},
    "A(?) > B(4)": {"A": CountRange(1, None, approximate=False), "B": CountRange(4, None, approximate=False)},
    "Run(8) == Sample(2)": {"Run": exactly(8), "Sample": exactly(2)},
}


@pytest.mark.parametrize(("text", "totals"), TOTALS.items())
def test_levels_are_counted_in_all(text, totals):
    design = loads(text)
    assert {name: total_levels(design, name) for name in totals} == totals


def test_the_levels_above_a_factor_are_counted():
    design = loads("{Center(3) ≈≈ Protocol(2)} > Patient(4) × Treatment(2) > Sample(2)")
    assert parent_levels(design, "Patient") == exactly(3)
    assert parent_levels(design, "Sample") == exactly(3 * 4 * 2)
    assert parent_levels(design, "Center") == exactly(1)


@pytest.mark.parametrize("count", [total_levels, parent_levels])
def test_an_unknown_factor_is_an_error(count):
    with pytest.raises(DesignError, match="no factor 'B'"):
        count(loads("A(2)"), "B")


EXACT = {exactly(3): True, about(3): False, between(2, 3): False, CountRange(3, None, approximate=False): False}


@pytest.mark.parametrize(("count", "exact"), EXACT.items())
def test_a_count_is_exact_when_it_can_be_one_number_only(count, exact):
    assert count.exact is exact


def test_a_long_chain_and_a_wide_level_are_counted():
    assert count_observations(loads(" > ".join(f"A{index}(1)" for index in range(400)))) == exactly(1)
    assert count_observations(loads(" × ".join(f"A{index}(2)" for index in range(100)))) == exactly(2**100)


@settings(max_examples=200, deadline=None)
@given(designs())
def test_bounds_are_in_order(design):
    counts = [count_observations(design), *(total_levels(design, name) for name in design.names)]
    for count in counts:
        assert count.low is None or count.low >= 1
        assert count.high is None or count.low is not None
        assert count.high is None or count.low <= count.high


@settings(max_examples=100, deadline=None)
@given(designs())
def test_counts_do_not_depend_on_the_order_of_the_factors(design):
    reordered = Design(design.factors[::-1], design.relations)
    assert count_observations(reordered) == count_observations(design)
