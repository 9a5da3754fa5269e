"""What a design allows as a whole, on files with published designs."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from edviz.advice import analyze_design
from edviz.advice.answer import answer
from edviz.advice.power import detectable_differences
from edviz.errors import DesignError
from edviz.infer import Overrides, infer_design
from edviz.plain import to_plain
from edviz.table import table_of
from tests.advice.cases import of_columns, of_file


def condition_of(analysis, name):
    return next(each for each in analysis.conditions if each.advice.condition == name)


def test_airway_is_paired():
    # Himes et al. 2014: four cell lines, each untreated and treated with dexamethasone.
    dex = condition_of(analyze_design(of_file("airway_bulk_8.h5ad")), "dex")
    assert dex.advice.blocks == ("cell",)
    assert [(row.stratum, row.df, row.condition_df, row.residual_df) for row in dex.strata] == [
        ("cell", 3, 0, 3),
        ("within", 4, 1, 3),
    ]
    assert dex.f_test.denominator == "MS(residual)"
    assert dex.verdict == "yes"


def test_the_condition_of_kang_cannot_be_told_from_the_sample():
    # One pool of cells of eight donors a condition: the file has no column of donors.
    analysis = analyze_design(of_file("kang_pbmc_stim_ctrl_14039.h5ad"))
    assert analysis.conditions == ()
    assert "described, not tested" in analysis.nothing_to_compare


def test_a_condition_between_donors_is_tested_on_donors():
    # Lohr, Oehlert: the mean square of a factor is divided by that of the units nested in it.
    disease = "AAAABBBB" * 2
    columns = {"disease": sorted(disease), "donor": list("1122334455667788"), "sample": list("abcdefghijklmnop")}
    found = condition_of(analyze_design(of_columns(**columns)), "disease")
    assert found.f_test.denominator == "MS(donor)"
    assert found.f_test.expected == "σ²(residual) + 2 σ²(donor) + 8 Q(disease)"
    assert found.pseudobulk.sum_over == ("donor",)
    assert found.pseudobulk.technical == ("sample",)


def test_the_interaction_of_two_conditions_within_donors_is_estimable():
    columns = {
        "stim": list("AABB" * 4),
        "time": list("0101" * 4),
        "donor": list("1111222233334444"),
        "sample": list("abcdefghijklmnop"),
    }
    analysis = analyze_design(of_columns(**columns, kinds={"stim": "treatment", "time": "treatment"}))
    (interaction,) = analysis.interactions
    assert interaction.estimable
    assert interaction.df == 1


def test_classes_with_too_few_cells_are_told_with_the_level_where_they_lack():
    rng = np.random.default_rng(0)
    samples = pd.DataFrame({"stim": list("AAABBB"), "sample": list("abcdef")})
    cells = samples.loc[samples.index.repeat(60)].reset_index(drop=True)
    cells["cell_type"] = rng.choice(["T", "B"], len(cells))
    cells.loc[cells["sample"].isin(["d", "e"]) & (cells["cell_type"] == "B"), "cell_type"] = "T"
    inference = infer_design(table_of({name: list(cells[name]) for name in cells}), Overrides(unit=("sample",)))
    found = condition_of(analyze_design(inference), "stim").pseudobulk
    counts = cells.groupby(["cell_type", "sample"]).size().unstack(fill_value=0)
    with_enough = (counts >= 10).T.groupby(samples.set_index("sample")["stim"]).sum()
    assert with_enough["B"].to_dict() == {"A": 3, "B": 1}
    assert found.enough == ("T",)
    assert found.lacking == {"B": {"B": 1}}


def test_smallest_differences_are_those_of_the_noncentral_t():
    # R: power.t.test(n = 4, power = 0.8, type = "paired")$delta is 2.127922 standard deviations of differences; here in
    # those between units, where a difference of pairs has twice the variance.
    analysis = analyze_design(of_columns(stim="AB" * 4, donor="11223344", sample="abcdefgh"))
    table = detectable_differences(analysis)
    (row,) = table.differences
    assert row.df == 3
    assert row.in_units == pytest.approx(2.127922 * np.sqrt(2), abs=1e-3)
    critical = stats.t.ppf(0.975, 3)
    power = stats.nct.sf(critical, 3, row.in_units / np.sqrt(2 / 4)) + stats.nct.cdf(
        -critical, 3, row.in_units / np.sqrt(2 / 4)
    )
    assert power == pytest.approx(0.8, abs=1e-3)
    share = 0.1
    assert row.in_observations["0.1"] == pytest.approx(row.in_units * np.sqrt(share + (1 - share) / 10), abs=2e-3)


def test_a_power_that_is_none_is_refused():
    analysis = analyze_design(of_columns(stim="AB" * 4, donor="11223344", sample="abcdefgh"))
    with pytest.raises(DesignError, match="power"):
        detectable_differences(analysis, power=1.5)
    with pytest.raises(DesignError, match="between 0 and 1"):
        detectable_differences(analysis, shares=[2.0])


@pytest.mark.parametrize(
    "name",
    [
        "airway_bulk_8.h5ad",
        "h1_vcc_perturbseq_600.h5ad",
        "kang_pbmc_stim_ctrl_14039.h5ad",
        "lung_lca_3donors_2methods.h5ad",
        "merfish_mouse_brain_zstd.h5ad",
        "merfish_retina_113k.h5ad",
        "pancreas_4datasets_obs_only.h5ad",
        "wu2020_tcells_200_v0_6.h5ad",
    ],
)
def test_an_analysis_is_plain_json(name):
    found = to_plain(answer(of_file(name)))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_replicates_within_a_donor_and_a_treatment_are_no_units():
    # Two libraries of each of two treatments of six donors. Paired t test of donor means: 5 degrees of freedom;
    # Oehlert 2000, ch. 12: a fixed factor crossed with a random one is tested by their interaction.
    columns = {
        "stim": [*"ABAB"] * 6,
        "donor": [f"d{number // 4}" for number in range(24)],
        "library": [f"l{number}" for number in range(24)],
    }
    found = condition_of(analyze_design(of_columns(**columns, kinds={"donor": "unit", "stim": "treatment"})), "stim")
    assert found.advice.unit == ("donor", "stim")
    assert found.advice.units_per_level == {"A": 6, "B": 6}
    assert found.advice.residual_df == 5
    assert found.f_test.denominator == "MS(donor:stim)"
    assert (found.pseudobulk.sum_over, found.pseudobulk.technical) == (("donor", "stim"), ("library",))
    assert found.cells_per_unit == 20
    formulas = {model.library: model.formula for model in found.models}
    assert formulas["DESeq2"] == "~ donor + stim"
    assert formulas["lme4"] == "y ~ stim + (1 | donor) + (1 | donor:stim) + (1 | library)"


def test_units_within_batches_are_replicates():
    columns = {"drug": [*"AABB"] * 3, "batch": [*"111122223333"], "mouse": [f"m{number}" for number in range(12)]}
    found = condition_of(analyze_design(of_columns(**columns, kinds={"batch": "batch", "mouse": "unit"})), "drug")
    assert found.advice.unit == ("mouse",)
    assert found.advice.residual_df == 12 - 3 - 1


def test_one_donor_with_both_levels_stays_in_the_mixed_model():
    columns = {"stim": [*"ABAAABBB"], "donor": [*"11234567"], "sample": [*"abcdefgh"]}
    found = condition_of(analyze_design(of_columns(**columns, kinds={"donor": "unit", "stim": "treatment"})), "stim")
    formulas = {model.library: model.formula for model in found.models}
    assert formulas["lme4"] == "y ~ stim + (1 | donor) + (1 | sample)"
    assert found.f_test.denominator is None  # blocks and units take all degrees of freedom


def test_an_interaction_that_is_another_condition_is_not_estimable():
    # Half fraction of 2^3, three mice a combination: A:B is C.
    rows = [(a, b, str(int(a != b))) for a in "01" for b in "01" for _ in range(3)]
    names = ("genotype", "diet", "treatment")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    columns["mouse"] = [f"m{number}" for number in range(len(rows))]
    analysis = analyze_design(of_columns(**columns, kinds=dict.fromkeys(names, "treatment") | {"mouse": "unit"}))
    assert len(analysis.interactions) == 3
    assert not any(each.estimable for each in analysis.interactions)
    assert {each.lost_to for each in analysis.interactions} == {(name,) for name in names}


def test_classes_are_counted_in_the_samples_that_are_summed():
    # Four samples a donor with 5 cells of a class each: 20 a donor, enough for a pseudobulk sample of the donor.
    rows = [(f"d{d}", "AB"[d % 2], f"s{d}.{s}", c) for d in range(8) for s in range(4) for c in "TB" for _ in range(5)]
    table = table_of(
        {name: [row[place] for row in rows] for place, name in enumerate(("donor", "group", "sample", "cell_type"))}
    )
    kinds = {"donor": "unit", "sample": "unit", "group": "treatment", "cell_type": "classification"}
    found = condition_of(analyze_design(infer_design(table, Overrides(kinds=kinds))), "group").pseudobulk
    assert found.sum_over == ("donor",)
    assert found.enough == ("B", "T")
