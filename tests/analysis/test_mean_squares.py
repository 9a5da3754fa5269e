"""Denominators, synthesis where numbers are unequal, and what is refused."""

import numpy as np
import pytest

from edviz.analysis import analysis_of_variance, anatomy, expected_mean_squares, unit_table
from edviz.errors import DesignError
from tests.analysis.designs import factorial


def three_factors(n=2):
    columns = factorial(a=2, b=3, c=4, n=n)
    del columns["n"]
    return columns


def test_two_leading_terms_are_combined_and_have_approximate_degrees_of_freedom():
    expected = expected_mean_squares(unit_table(three_factors()), "a*b*c", ["b", "c"])
    row = expected.row("a")
    assert row.leading == ("a:b", "a:c")
    assert row.denominator.parts == (("a:b", 1.0), ("a:c", 1.0), ("a:b:c", -1.0))
    assert not row.denominator.exact
    assert row.in_words() == "σ²(residual) + 2 σ²(a:b:c) + 6 σ²(a:c) + 8 σ²(a:b) + 24 Q(a)"
    squares, df = {"a:b": 5.0, "a:c": 3.0, "a:b:c": 2.0}, {"a:b": 2, "a:c": 3, "a:b:c": 6}
    # Satterthwaite by hand: (5 + 3 - 2)² / (25/2 + 9/3 + 4/6).
    assert row.denominator.value(squares) == 6
    assert row.denominator.df(squares, df) == pytest.approx(36 / (25 / 2 + 9 / 3 + 4 / 6))
    assert expected.row("b:c").leading == ("a:b:c",)
    assert expected.row("a:b:c").denominator.parts == (("residual", 1.0),)


def test_fixed_models_are_judged_by_the_residual():
    expected = expected_mean_squares(unit_table(three_factors()), "a*b", [])
    assert {row.denominator.parts for row in expected.rows[:-1]} == {(("residual", 1.0),)}
    assert expected.row("residual").denominator is None


def test_fixed_models_without_a_residual_have_nothing_to_be_judged_by():
    expected = expected_mean_squares(unit_table(three_factors(n=1)), "a*b*c", [])
    assert [row.term for row in expected.rows][-1] == "a:b:c"
    assert all(row.denominator is None and row.leading == () for row in expected.rows)


def test_unequal_numbers_are_synthesized():
    # Batches of 2, 3 and 4 units: the coefficient is (N - Σ n²/N) / (k - 1), Searle 1971, 9.9.
    table = unit_table({"batch": [*"aabbbcccc"]})
    expected = expected_mean_squares(table, "batch", ["batch"])
    assert expected.method == "synthesis"
    assert expected.row("batch").components["batch"] == pytest.approx((9 - (4 + 9 + 16) / 9) / 2)


def test_units_without_a_response_are_left_out():
    table = unit_table({"batch": [*"aabbccc"]})
    rows = analysis_of_variance(table, "batch", ["batch"], np.array([1, 2, 3, 4, 5, 6, np.nan]))
    assert [row.df for row in rows] == [2, 3]
    assert rows[1].mean_square == pytest.approx(0.5)


def test_a_response_of_another_length_and_unknown_terms_are_refused():
    table = unit_table({"batch": [*"aabb"]})
    with pytest.raises(DesignError, match=r"one number a unit, shape \(4,\), not \(3,\)"):
        analysis_of_variance(table, "batch", [], np.zeros(3))
    with pytest.raises(DesignError, match="no term 'run'; the terms are batch, residual"):
        expected_mean_squares(table, "batch", []).row("run")
    with pytest.raises(DesignError, match="no factor 'run'"):
        expected_mean_squares(table, "batch", ["run"])


def test_more_units_than_bases_are_made_for_are_refused():
    table = unit_table({"batch": [place % 2 for place in range(3001)]})
    with pytest.raises(DesignError, match="up to 3000 units, not 3001"):
        anatomy(table, "batch")
