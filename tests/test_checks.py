"""The questions about a design, each with a design that raises it and some that do not."""

import pytest
from hypothesis import given, settings

from edviz.checks import Remark, check_design
from edviz.grammar import loads
from tests.grammar.strategies import designs

REMARKS = {
    "Donor(4) > Sample(1)": Remark(
        "one-child-nesting",
        "warning",
        "each level of 'Donor' has one level of 'Sample', so they are equivalent rather than nested",
        ("Donor", "Sample"),
    ),
    "{Donor(4) ≈≈ Mouse(4)} > Sample(1)": Remark(
        "one-child-nesting",
        "warning",
        "each level of 'Donor' and 'Mouse' has one level of 'Sample', so they are equivalent rather than nested",
        ("Donor", "Mouse", "Sample"),
    ),
    "Clinic[45|38|52] > Cell(100)": Remark(
        "root-list",
        "warning",
        "'Clinic' is at the top, so its size list is counted as 135 levels; for 3 levels with different numbers "
        "of 'Cell' write the list there",
        ("Clinic", "Cell"),
    ),
    "Site(3) > Patient[20|30]": Remark(
        "list-length",
        "error",
        "the size list of 'Patient' has 2 entries, but there are 3 levels of 'Site' above it; write one entry for each",
        ("Site", "Patient"),
    ),
    "Site(3) > Patient(2) > Sample[1|2|3]": Remark(
        "list-length",
        "error",
        "the size list of 'Sample' has 3 entries, but there are 6 levels of 'Patient' above it; write one entry for "
        "each",
        ("Patient", "Sample"),
    ),
    "(Site(3) ◊ Arm(3)) > Patient[1|2]": Remark(
        "list-length",
        "error",
        "the size list of 'Patient' has 2 entries, but there are 3 to 8 levels of 'Site' and 'Arm' above it; write "
        "one entry for each",
        ("Site", "Arm", "Patient"),
    ),
    "{Center(3) ≈≈ Protocol(2)}": Remark(
        "unequal-alias",
        "note",
        "'Protocol' has fewer levels than 'Center', so each level of 'Center' goes with one level of 'Protocol', "
        "but not the other way round",
        ("Center", "Protocol"),
    ),
    "Hospital(3) > Patient(20) × Treatment(2)": Remark(
        "shared-or-nested",
        "note",
        "'Treatment' is taken to be the same in every level of 'Hospital'; state its kind, or kind=unit if each "
        "level has its own",
        ("Treatment", "Patient"),
    ),
    "{Batch(2) ≈≈ Drug(2)}\nBatch == Cell(100)": Remark(
        "treatment-batch",
        "warning",
        "'Drug' cannot be told apart from the batches of 'Batch', so no analysis can separate their effects",
        ("Drug", "Batch"),
    ),
    "{Batch(2){kind=batch} ≈≈ Sex(2){kind=observational}}": Remark(
        "treatment-batch",
        "warning",
        "'Sex' cannot be told apart from the batches of 'Batch', so no analysis can separate their effects",
        ("Sex", "Batch"),
    ),
}


@pytest.mark.parametrize(("text", "remark"), REMARKS.items())
def test_a_design_is_remarked_on(text, remark):
    assert check_design(loads(text)) == (remark,)


UNREMARKABLE = {
    "nothing": "",
    "a chain": "Site(3) > Patient(20) > Sample(2) > Cell(5000) : CellType(35)",
    "one sample of each combination": "Patient(4) × Time(2) > Sample(1)",
    "about one child": "Donor(4) > Sample(~1)",
    "an unknown number of children": "Donor(4) > Sample(?)",
    "a root list with nothing below": "Cell[45|38]",
    "one entry per parent level": "Site(3) > Patient[20|30|10]",
    "one entry per level of the finest alias": "{Center(3) ≈≈ Protocol(3)} > Patient[20|30|10]",
    "one entry per parent level in all": "Site(2) > Patient(2) > Sample[1|2|3|4]",
    "entries for parents of an unknown number": "Site(?) > Patient[20|30|10]",
    "entries for about as many parents": "Site(~4) > Patient[20|30|10]",
    "a number of entries that may be right": "(Site(3) ◊ Arm(3)) > Patient[1|2|3|4]",
    "a stated treatment": "Hospital(3) > Patient(20) × Treatment(2){kind=treatment}",
    "a stated unit": "Hospital(3) > Patient(20) × Bed(2){kind=unit}",
    "a crossing at the root": "Treatment(3) × Time(4)",
    "aliased batches": "{Batch(2){kind=batch} ≈≈ Run(2){kind=batch}}",
    "aliased treatments": "{Drug(2) ≈≈ Dose(2)}",
}


@pytest.mark.parametrize("text", UNREMARKABLE.values(), ids=UNREMARKABLE)
def test_nothing_is_remarked_where_nothing_is_odd(text):
    assert check_design(loads(text)) == ()


def test_errors_come_before_warnings_and_notes():
    text = "{A(3) ≈≈ B(2)} > C[1|2]\nC > D(1)\nE(2) × D"
    assert [remark.severity for remark in check_design(loads(text))] == ["error", "warning", "note", "note"]


def test_a_list_for_aliased_parents_follows_the_finest():
    assert [remark.id for remark in check_design(loads("{A(3) ≈≈ B(2)} > C[1|2|3]"))] == ["unequal-alias"]
    assert "list-length" in [remark.id for remark in check_design(loads("{A(3) ≈≈ B(2)} > C[1|2]"))]


@settings(max_examples=150, deadline=None)
@given(designs())
def test_every_design_can_be_asked_and_every_remark_is_one_printable_line(design):
    for remark in check_design(design):
        assert remark.text.isprintable()
        assert remark.factors
        assert set(remark.factors) <= set(design.names)
