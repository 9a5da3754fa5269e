"""Each finding appears where it should, and not where it should not."""

import pytest

from edviz.infer import infer_design
from edviz.model import Aliasing, BatchEffect, Classification, Crossing, Nesting
from edviz.table import table_of

CELLS = 30


def inferred(cells=CELLS, **columns):
    """Infer from columns given as strings, one character a sample, with so many cells for each."""
    return infer_design(
        table_of({name: [value for value in text for _ in range(cells)] for name, text in columns.items()})
    )


def findings(inference, name):
    return [finding for finding in inference.report.findings if finding.id == name]


def test_donors_nested_in_a_condition_are_replicates():
    inference = inferred(condition="AAABBB", donor="123456")
    assert not [finding for finding in inference.report.findings if finding.severity != "note"]
    assert Nesting("condition", "donor") in inference.design.relations


def test_a_batch_for_each_donor_is_no_confounding():
    inference = inferred(condition="AAAABBBB", donor="11223344", batch="abcdefgh", sample="stuvwxyz")
    assert not findings(inference, "confounded")
    one = inferred(condition="AAAABBBB", donor="11223344", batch="aabbccdd", sample="stuvwxyz")
    assert not findings(one, "confounded") + findings(one, "batch_nested_in_condition")
    assert "batch" in one.report.factor("donor").same_as


def test_a_batch_that_is_the_condition_is_confounded_and_drawn_as_an_alias():
    inference = inferred(condition="AAABBB", batch="111222", sample="stuvwx")
    assert [finding.factors for finding in findings(inference, "confounded")] == [("condition", "batch")]
    assert Aliasing(("batch", "condition")) in inference.design.relations


def test_a_batch_that_holds_both_conditions_is_a_batch_effect():
    inference = inferred(condition="AABBAABB", batch="11112222", sample="abcdefgh")
    assert not findings(inference, "confounded")
    assert BatchEffect("batch", "sample") in inference.design.relations


def test_conditions_in_separate_batches_lose_comparisons():
    # DESeq2 vignette, "Model matrix not full rank": B - A survives, C - A does not
    inference = inferred(treatment="AABBCC", batch="111122", sample="stuvwx")
    assert "1 of 2 degrees of freedom" in findings(inference, "confounded_partly")[0].text


def test_one_sample_per_condition_is_no_replication():
    assert findings(inferred(condition="AB", sample="12"), "no_replication")[0].severity == "error"
    assert findings(inferred(condition="AAB", sample="123"), "no_replication")[0].severity == "warning"
    assert not findings(inferred(condition="AABB", sample="1234"), "no_replication")


def test_donors_under_several_stimulations_are_blocks():
    inference = inferred(donor="112233", stim="ababab", sample="stuvwx")
    assert [finding.factors for finding in findings(inference, "paired")] == [("stim", "donor")]
    assert Crossing("donor", "stim") in inference.design.relations


def test_donors_spread_over_batches_make_the_batches_blocks():
    inference = inferred(stim="abababab", batch="11112222", sample="stuvwxyz")
    assert [finding.factors for finding in findings(inference, "blocked")] == [("stim", "batch")]
    assert not findings(inference, "paired")
    assert not findings(inferred(stim="aaaabbbb", batch="11112222", sample="stuvwxyz"), "blocked")


def test_a_condition_that_few_batches_share_is_pointed_out():
    inference = inferred(stim="aaabbbab", batch="12345677", sample="stuvwxyz")
    assert "Only 1 of 7 levels of batch" in findings(inference, "few_shared_batches")[0].text
    assert not findings(inferred(stim="abababab", batch="11112222", sample="stuvwxyz"), "few_shared_batches")


def test_calls_of_demultiplexing_are_no_samples():
    donors = ["d1", "d2", "d3", "d4", "doublet", "unassigned"]
    columns = {
        "donor": [donors[k // 50] for k in range(300)],
        "condition": ["AABBAB"[k // 50] for k in range(300)],
        "leiden": [str(k % 5) for k in range(300)],
    }
    inference = infer_design(table_of(columns))
    assert inference.report.unit.n_units == 4
    assert "'doublet', 'unassigned'" in findings(inference, "no_sample_labels")[0].text


def test_sex_is_a_condition_only_where_nothing_else_is():
    alone = inferred(sex="FFFMMM", donor="123456")
    assert "sex" in alone.design.names
    beside = inferred(sex="FMFMFM", disease="AAABBB", donor="123456")
    assert "sex" not in beside.design.names
    assert "disease" in beside.design.names


def test_conditions_alone_are_no_samples():
    columns = {"condition": ["WT", "KO"] * 60, "leiden": [str(k % 5) for k in range(120)]}
    inference = infer_design(table_of(columns))
    assert inference.report.unit is None
    assert findings(inference, "no_unit")[0].severity == "warning"
    question = next(question for question in inference.report.questions if question.id == "unit")
    assert question.options == ("--unit COLUMN",)


def test_a_condition_that_is_the_same_partition_as_sex_is_drawn_and_the_doubt_is_said():
    inference = inferred(sex="FFFMMM", disease="AAABBB", donor="123456")
    assert "disease" in inference.design.names
    assert findings(inference, "same_partition")[0].factors == ("disease", "sex")
    coded = inferred(disease="AAABBB", disease_ontology_term_id="xxxyyy", donor="123456")
    assert not findings(coded, "same_partition")


def test_replicates_counted_anew_in_each_condition_are_not_paired():
    inference = inferred(genotype="AAABBB", replicate="123123")
    assert Nesting("genotype", "genotype:replicate") in inference.design.relations
    assert findings(inference, "reused_labels") and not findings(inference, "paired")
    assert {pair.a for pair in inference.report.pairs} | {pair.b for pair in inference.report.pairs} == {
        "genotype",
        "replicate",
    }


def test_a_region_is_a_sample_where_there_are_no_sections():
    inference = inferred(donor="112233", region="ababab", diagnosis="AABBAA")
    assert inference.report.unit.columns == ("donor", "region")
    assert findings(inference, "paired")[0].factors == ("region", "donor")


def test_a_dose_without_controls_is_missing_by_design():
    rows = [
        ("ctrl", None, 1),
        ("ctrl", None, 2),
        ("drug", "low", 3),
        ("drug", "low", 4),
        ("drug", "high", 5),
        ("drug", "high", 6),
    ]
    drug, dose, sample = zip(*[row for row in rows for _ in range(CELLS)], strict=True)
    inference = infer_design(table_of({"drug": drug, "dose": dose, "sample": sample}))
    assert [finding.factors for finding in findings(inference, "missing_by_design")] == [("dose", "drug")]


def test_stray_cells_are_counted_and_do_not_change_the_design():
    columns = {
        name: list(text) for name, text in {"donor": "1" * 100 + "2" * 100, "sex": "F" * 100 + "M" * 100}.items()
    }
    columns["sample"] = [f"s{number // 50}" for number in range(200)]
    columns["sex"][3] = "M"
    inference = infer_design(table_of(columns))
    assert inference.report.relation("donor", "sex").relation == "aliased"
    assert "sex 1 of 200" in findings(inference, "strays")[0].text


def test_a_level_spelled_nan_is_missing_and_it_is_said():
    columns = {
        "donor": [f"d{k // CELLS}" if k % 11 else "nan" for k in range(6 * CELLS)],
        "disease": ["AABBAB"[k // CELLS] for k in range(6 * CELLS)],
    }
    inference = infer_design(table_of(columns))
    assert inference.report.unit.n_units == 6
    assert "'nan'" in findings(inference, "no_sample_labels")[0].text
    # What was recorded stays as it is in the exact relations of pairs.
    assert inference.report.pairs[0].n_obs == 6 * CELLS


def test_a_level_that_may_spell_a_missing_value_is_pointed_out():
    rows = ["tumor", "none", "normal", "tumor", "normal", "normal"]
    columns = {
        "tissue": [value for value in rows for _ in range(CELLS)],
        "sample": [k // CELLS for k in range(6 * CELLS)],
    }
    assert findings(infer_design(table_of(columns)), "missing_label")[0].factors == ("tissue",)


def test_factors_crossed_inside_sites_name_the_site():
    inference = inferred(site="AAAABBBB", analyst="11223344", system="ababcdcd", sample="stuvwxyz")
    assert findings(inference, "crossed_within")[0].factors == ("analyst", "system", "site")
    hidden = inferred(analyst="11223344", system="ababcdcd", sample="stuvwxyz")
    assert findings(hidden, "hidden_factor")[0].factors == ("analyst", "system")


def test_classes_are_drawn_on_cells_and_never_as_factors():
    columns = {
        "sample": [k // 40 for k in range(160)],
        "cell_type": [("T cell", "B cell", "monocyte")[k % 3] for k in range(160)],
    }
    inference = infer_design(table_of(columns))
    assert Classification("cell", "cell_type") in inference.design.relations
    assert inference.report.factor("cell_type").level == "observation"


def test_a_file_with_classes_only_has_no_design():
    columns = {"leiden": [str(k % 5) for k in range(100)], "phase": ["G1" if k % 3 else "S" for k in range(100)]}
    inference = infer_design(table_of(columns))
    assert inference.report.unit is None
    assert findings(inference, "no_unit")


def test_two_columns_that_explain_as_much_are_asked_about():
    columns = {"x": [k // 30 for k in range(240)], "y": [k % 8 for k in range(240)]}
    columns |= {"over_x": [k // 120 for k in range(240)], "over_y": [k % 8 // 4 for k in range(240)]}
    questions = infer_design(table_of(columns)).report.questions
    assert {"x", "y"} == set(next(question.factors for question in questions if question.id == "unit"))


@pytest.mark.parametrize("columns", [{}, {"sample": []}, {"sample": ["a", "a"]}])
def test_tables_without_factors_have_a_design_of_their_own(columns):
    report = infer_design(table_of(columns)).report
    assert report.pairs == ()
    assert report.design.startswith("cell")
