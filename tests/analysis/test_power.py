"""Power, smallest detectable effects and sample sizes."""

import subprocess
import sys

import pytest

from edviz.analysis import anatomy, unit_table
from edviz.analysis.power import (
    detectable_effect,
    detectable_effects,
    detectable_in_strata,
    f_power,
    f_sample_size,
    in_stratum,
    paired,
    t_power,
    t_sample_size,
    two_sample,
    unit_variance,
)
from edviz.errors import DesignError, EdvizError
from tests.analysis.designs import factorial, in_blocks, published, with_column

NEEDED = {2: 5.66, 3: 3.08, 4: 2.39, 5: 2.03, 6: 1.80, 8: 1.51, 10: 1.33, 20: 0.91}
"""Units a level -> smallest difference, rounded up, that has 80 % power at the level of 5 %."""


def test_the_table_of_needed_differences():
    for row, (n, effect) in zip(detectable_effects(NEEDED), NEEDED.items(), strict=True):
        assert row.label == f"n = {n}"
        assert row.df == 2 * (n - 1)
        assert effect - 0.01 < row.effect <= effect


def test_more_cells_saturate_and_more_units_do_not():
    assert unit_variance(1, 9, 1) == 10
    assert unit_variance(1, 9, 1000) == pytest.approx(1, abs=0.01)


def test_sample_size_and_detectable_effect_invert_power():
    assert t_power(two_sample(7, 7), detectable_effect(two_sample(7, 7), power=0.7)) == pytest.approx(0.7)
    for kind in ("two_sample", "paired"):
        n = t_sample_size(0.8, kind=kind)
        assert t_power(two_sample(n, n) if kind == "two_sample" else paired(n), 0.8) == pytest.approx(0.8)
    n = t_sample_size(0.8, ratio=3)
    assert t_power(two_sample(n, 3 * n), 0.8) == pytest.approx(0.8)
    assert f_power(3, f_sample_size(3, between=1, within=2), between=1, within=2) == pytest.approx(0.8)


def test_where_the_fewest_units_are_enough_they_are_the_answer():
    assert t_sample_size(1000) == 1.5
    assert t_sample_size(1000, kind="paired") == 2


def test_unequal_groups_have_less_power_than_equal_ones():
    assert t_power(two_sample(3, 17), 1) < t_power(two_sample(10, 10), 1)


def test_power_without_effect_is_the_level_of_the_test():
    assert t_power(two_sample(5, 5), 0, alpha=0.03) == pytest.approx(0.03)
    assert f_power(3, 5, between=0, within=1, alpha=0.03) == pytest.approx(0.03)


def test_a_complete_block_design_is_the_paired_test():
    pairs = unit_table({"donor": [*"11223344"], "drug": [*"ABABABAB"]})
    compared = in_stratum(pairs, anatomy(pairs, "donor", "drug"), "drug", "within")
    # A difference in a pair has twice the variance of a unit, by which its standard deviation is measured.
    assert (compared.df, compared.standard_error) == (3, pytest.approx(2**0.5 * paired(4).standard_error))


def test_whole_plots_are_compared_by_whole_plots():
    oats = published("nlme", "Oats", "Block Variety nitro")
    found = anatomy(oats, "Block/Variety", "Variety*nitro")
    compared = in_stratum(oats, found, "Variety", "Variety[Block]")
    # Six plots of each variety, whatever the number of subplots.
    assert (compared.df, compared.standard_error) == (10, pytest.approx((2 / 6) ** 0.5))
    assert in_stratum(oats, found, "nitro", "within").standard_error == pytest.approx((2 / 18) ** 0.5)


def test_without_blocks_the_least_replicated_levels_are_compared():
    table = unit_table({"drug": [*"AAAABBBCC"]})
    found = anatomy(table, (), "drug")
    assert [(stratum.name, stratum.df, stratum.residual_df) for stratum in found.strata] == [("within", 8, 6)]
    compared = in_stratum(table, found, "drug", "within")
    assert (compared.df, compared.standard_error) == (6, pytest.approx((1 / 2 + 1 / 3) ** 0.5))


def test_incomplete_blocks_pay_by_their_efficiency():
    table = in_blocks([(0, 1), (1, 2), (2, 0)] * 2)
    found = anatomy(table, "block", "treatment")
    compared = in_stratum(table, found, "treatment", "within")
    assert compared.standard_error == pytest.approx((2 / 4 / 0.75) ** 0.5)
    rows = detectable_in_strata(table, found, "treatment")
    assert [(row.label, row.df) for row in rows] == [("block", 3), ("within", 4)]
    assert rows[1].effect == pytest.approx(detectable_effect(compared))


def test_a_stratum_without_error_or_without_the_treatment_cannot_test_it():
    table = unit_table(with_column(factorial(area=2, plot=3), "burn", lambda area, plot: area))
    found = anatomy(table, "area/plot", "burn")
    assert detectable_in_strata(table, found, "burn") == ()
    with pytest.raises(DesignError, match="no degree of freedom is left in stratum 'area'"):
        in_stratum(table, found, "burn", "area")
    with pytest.raises(DesignError, match=r"nothing of 'burn' lies in stratum 'plot\[area\]'"):
        in_stratum(table, found, "burn", "plot[area]")
    with pytest.raises(DesignError, match="'area:plot' is no factor; for an interaction use f_power"):
        in_stratum(table, anatomy(table, "area", "area*plot"), "area:plot", "within")
    with pytest.raises(DesignError, match=r"no stratum 'field'; the strata are area, plot\[area\]"):
        in_stratum(table, found, "burn", "field")


REFUSED = {
    "two or more units at a level": lambda: two_sample(1, 1),
    "one or more degrees of freedom": lambda: paired(1),
    "lies between the level of the test": lambda: detectable_effect(two_sample(3, 3), power=1),
    "no sample size detects an effect of 0": lambda: t_sample_size(0),
    "no sample size detects level means that do not differ": lambda: f_sample_size(3, between=0, within=1),
    "not 3 levels of 1 units": lambda: f_power(3, 1, between=1, within=1),
    "no answer below": lambda: t_sample_size(1e-6),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_has_no_answer_is_refused(message):
    with pytest.raises(DesignError, match=message):
        REFUSED[message]()


def test_scipy_is_asked_for_when_it_is_needed_and_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(EdvizError, match=r"power needs scipy, .* pip install 'anndata-design-inspector\[power\]'"):
        t_power(two_sample(3, 3), 1)


def test_analysis_and_power_are_imported_without_scipy():
    code = "import sys, edviz.analysis, edviz.analysis.power; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
