"""Lattices of factors, their degrees of freedom and their text; orthogonality and balance."""

import numpy as np
import pytest

from edviz.analysis import balance, hasse_text, lattice, pair_balance, unit_table
from edviz.errors import DesignError
from tests.analysis.designs import factorial, published, with_column

OATS = """\
                           levels  df  directly under
universe                        1   1
  Variety                       3   2  universe
  nitro                         4   3  universe
  Block                         6   5  universe
    Variety∧nitro              12   6  Variety, nitro
    Block∧Variety              18  10  Variety, Block
    Block∧nitro                24  15  nitro, Block
      Block∧Variety∧nitro      72  30  Variety∧nitro, Block∧Variety, Block∧nitro"""
SUM = """\
                levels  df  df by formula  directly under
universe             1   1              1
  row                2   1              1  universe
  column             2   1              1  universe
  dose               3   1              2  universe
    row∧column       4   0             -1  row, column, dose
The formula and the rank differ for dose, row∧column: row and dose are not orthogonal; the rank holds."""


def test_the_lattice_of_a_split_plot():
    assert hasse_text(lattice(published("nlme", "Oats", "Block Variety nitro"))) == OATS


def test_equivalent_factors_are_one_element():
    found = lattice(unit_table({"batch": [*"1122"], "day": [*"AABB"], "sample": [*"wxyz"]}))
    assert [(each.name, each.same_as, each.df) for each in found.elements] == [
        ("universe", (), 1),
        ("batch", ("day",), 1),
        ("sample", (), 2),
    ]
    assert found.element("day") == found.element("batch")


def test_a_factor_that_is_a_combination_of_others_says_so():
    table = unit_table({"donor": [*"1122"], "drug": [*"ABAB"], "sample": [*"wxyz"]})
    assert lattice(table).element("sample").same_as == ("donor∧drug",)


def test_what_two_factors_have_in_common_is_an_element_and_lies_between():
    table = unit_table({"lane": [*"11223344"], "donor": [*"ababcdcd"]})
    found = lattice(table)
    common = found.element("lane∨donor")
    assert (common.n_levels, common.df, common.under) == (2, 1, ("universe",))
    assert found.element("lane").under == ("lane∨donor",)


def test_degrees_of_freedom_by_formula_and_by_rank_are_both_shown_where_they_differ():
    table = unit_table({"row": [*"0011"], "column": [*"0101"], "dose": [*"0112"]})
    assert hasse_text(lattice(table)) == SUM
    assert not lattice(table).orthogonal


def test_a_lattice_that_grows_too_large_is_cut_and_says_so():
    table = unit_table(factorial(a=2, b=2, c=2, d=2, e=2))
    whole, cut = lattice(table), lattice(table, most=10)
    assert (len(whole.elements), whole.closed, whole.notes) == (32, True, ())
    assert (len(cut.elements), cut.closed) == (10, False)
    assert cut.notes[0].startswith(
        "The lattice has more elements than these 10: degrees of freedom by formula do not hold"
    )


def test_a_lattice_of_very_many_levels_is_cut_before_memory_is():
    numbers = np.random.default_rng(0)
    columns = {name: numbers.permutation(600).tolist() for name in "abc"}
    halves = {name.upper(): [value // 2 for value in values] for name, values in columns.items()}
    found = lattice(unit_table({**halves, "d": numbers.integers(0, 300, 600).tolist()}))
    assert not found.closed
    assert sum(element.n_levels for element in found.elements) * 600 <= 2_000_000
    with pytest.raises(DesignError, match="the 3 factors have too many levels together for 1000 units"):
        lattice(unit_table({name: numbers.permutation(1000).tolist() for name in "abc"}))


def test_crossed_factors_in_the_levels_of_a_third_are_orthogonal_within_them():
    columns = factorial(site=2, lane=2, donor=3)
    table = unit_table(
        {
            "lane": [f"{site}{lane}" for site, lane in zip(columns["site"], columns["lane"], strict=True)],
            "donor": [f"{site}{donor}" for site, donor in zip(columns["site"], columns["donor"], strict=True)],
        }
    )
    pair = pair_balance(table, ("lane",), ("donor",))
    assert (pair.n_components, pair.complete, pair.orthogonal, pair.balanced, pair.because) == (2, True, True, True, "")


@pytest.mark.parametrize(
    ("a", "b", "orthogonal", "balanced", "because"),
    [
        ("AABB", "1212", True, True, ""),
        ("AAABBB", "112112", True, False, ""),
        (
            "AAABBB",
            "112122",
            False,
            False,
            "a and b are not orthogonal: combinations occur 1 to 2 times, out of proportion",
        ),
        ("AABBCC", "122331", False, True, "a and b are not orthogonal: 3 of 9 combinations do not occur"),
    ],
)
def test_proportional_combinations_are_orthogonal_and_equal_ones_balanced(a, b, orthogonal, balanced, because):
    pair = balance(unit_table({"a": [*a], "b": [*b]})).pairs[0]
    assert (pair.orthogonal, pair.balanced, pair.because) == (orthogonal, balanced, because)


def test_balance_of_all_factors_together():
    found = balance(
        unit_table(with_column(factorial(row=3, column=3), "letter", lambda row, column: (row + column) % 3))
    )
    assert found.orthogonal
    assert found.balanced
    assert (found.occupied, found.possible, found.cells) == (9, 27, (1, 1))
    assert found.replication == {"row": (3, 3), "column": (3, 3), "letter": (3, 3)}
    assert not balance(unit_table({"a": [*"AAB"], "b": [*"112"]})).balanced
