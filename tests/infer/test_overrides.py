"""What a person says is taken, checked, and reported as given."""

import pytest

from edviz.errors import DesignError
from edviz.infer import Overrides, infer_design
from edviz.model import Nesting
from edviz.table import table_of

CELLS = 20


def table():
    rows = [
        ("WT", "m1", "a"),
        ("WT", "m1", "b"),
        ("WT", "m2", "c"),
        ("KO", "m3", "d"),
        ("KO", "m4", "e"),
        ("KO", "m4", "f"),
    ]
    genotype, mouse, sample = zip(*[row for row in rows for _ in range(CELLS)], strict=True)
    cluster = [str(number % 4) for number in range(len(genotype))]
    return table_of({"genotype": genotype, "mouse": mouse, "sample": sample, "leiden": cluster})


def test_nothing_is_given_when_nothing_is_said():
    assert infer_design(table()).report.given == ()


def test_the_named_unit_is_the_unit():
    report = infer_design(table(), Overrides(unit=("mouse",))).report
    assert (report.unit.columns, report.unit.n_units, report.unit.given) == (("mouse",), 4, True)
    assert report.given == ("unit: mouse",)


def test_a_combination_of_columns_can_be_the_unit():
    report = infer_design(table(), Overrides(unit=("genotype", "leiden"))).report
    assert (report.unit.column, report.unit.columns, report.unit.n_units) == (None, ("genotype", "leiden"), 8)


def test_labels_that_start_anew_in_their_parent_are_nested_when_both_are_named():
    rows = [(genotype, rep) for genotype in ("WT", "KO") for rep in ("1", "2", "3") for _ in range(CELLS)]
    genotype, rep = zip(*rows, strict=True)
    inference = infer_design(
        table_of({"genotype": genotype, "replicate": rep}), Overrides(unit=("genotype", "replicate"))
    )
    assert inference.report.unit.n_units == 6
    assert Nesting("genotype", "genotype:replicate") in inference.design.relations
    assert inference.report.given == ("unit: genotype × replicate",)
    assert "start anew" in next(entry.reason for entry in inference.report.set_aside if entry.column == "replicate")


def test_a_given_kind_replaces_the_inferred_one_in_report_and_design():
    inference = infer_design(table(), Overrides(kinds={"genotype": "treatment"}))
    factor = inference.report.factor("genotype")
    assert (factor.kind, factor.given) == ("treatment", True)
    assert inference.design.factor("genotype").kind == "treatment"
    assert "given by the user" in factor.evidence


def test_an_ignored_column_is_set_aside_and_in_no_pair():
    report = infer_design(table(), Overrides(ignore=("leiden",))).report
    assert [(entry.column, entry.reason) for entry in report.set_aside] == [("leiden", "ignored by the user")]
    assert not any("leiden" in (pair.a, pair.b) for pair in report.pairs)


def test_split_columns_become_factors():
    names = [
        f"{genotype}_{tissue}_{number}"
        for genotype in ("WT", "KO")
        for tissue in ("liver", "lung")
        for number in (1, 2, 3)
    ]
    samples = [name for name in names for _ in range(CELLS)]
    report = infer_design(table_of({"sample": samples}), Overrides(split=("sample",))).report
    assert {"sample_1", "sample_2"} <= {factor.name for factor in report.factors}
    assert report.relation("sample_1", "sample_2").relation == "crossed"
    assert report.relation("sample", "sample_1").relation == "a_nested_in_b"
    assert "sample_3" not in {factor.name for factor in report.factors}  # a replicate index is no factor


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (Overrides(unit=("mose",)), "no column 'mose' in obs; did you mean 'mouse'?"),
        (Overrides(ignore=("absent",)), "no column 'absent' in obs"),
        (Overrides(kinds={"genotype": "factor"}), "no kind 'factor' for 'genotype'; the kinds are unit, treatment"),
        (Overrides(split=("mouse",)), "the levels of 'mouse' do not come apart"),
        (Overrides(unit=("leiden",), ignore=("leiden",)), "the column 'leiden' cannot be used: ignored by the user"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_in_one_sentence(overrides, message):
    with pytest.raises(DesignError) as raised:
        infer_design(table(), overrides)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
