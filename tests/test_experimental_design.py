"""The interface of the first edviz."""

import json

import networkx
import pytest

from edviz import ExperimentalDesign, loads
from edviz.errors import DesignError, GrammarError

NAMES = """from_grammar from_dict add_factor add_nesting add_crossing add_classification add_batch_effect add_confound
to_dict to_json to_dot to_graphml to_networkx ascii_diagram validate count_observations describe""".split()


@pytest.fixture
def built():
    design = ExperimentalDesign()
    for name, n, kind in [
        ("Center", 3, "factor"),
        ("Protocol", 2, None),
        ("Patient", [30, 25, 18], None),
        ("Sample", 2, "unit"),
        ("Treatment", 3, "treatment"),
        ("Cell", "~5000", None),
        ("CellType", 42, None),
        ("ProcessingBatch", 4, None),
    ]:
        design.add_factor(name, n, kind)
    design.add_confound("Center", "Protocol")
    design.add_nesting("Center", "Patient")
    design.add_nesting("Patient", "Sample")
    design.add_crossing("Sample", "Treatment", partial=True)
    design.add_nesting("Sample", "Cell")
    design.add_nesting("Treatment", "Cell")
    design.add_classification("Cell", "CellType")
    design.add_batch_effect("ProcessingBatch", ["Sample"])
    return design


@pytest.mark.parametrize("name", NAMES)
def test_every_documented_name_is_there(name):
    assert callable(getattr(ExperimentalDesign, name))


def test_what_is_built_is_what_the_language_says(built):
    assert built.design == loads(
        """ProcessingBatch(4) == Sample
        {Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > (Sample(2){kind=unit} ◊ Treatment(3){kind=treatment})
          > Cell(~5000) : CellType(42)"""
    )
    assert ExperimentalDesign.from_grammar(built.to_grammar()).design == built.design


def test_documents_round_trip(built):
    assert ExperimentalDesign.from_dict(built.to_dict()).design == built.design
    assert json.loads(built.to_json()) == built.to_dict()


@pytest.mark.parametrize("name", ["to_json", "to_dot", "to_graphml"])
def test_texts_are_written_to_files_too(name, built, tmp_path, no_such_folder):
    target = tmp_path / "out"
    text = getattr(built, name)(target)
    assert target.read_text(encoding="utf-8") == text == getattr(built, name)()
    with pytest.raises(OSError, match="cannot write"):
        getattr(built, name)(no_such_folder / "out")


def test_graph_and_diagram(built):
    assert isinstance(built.to_networkx(), networkx.MultiDiGraph)
    assert "Patient" in built.ascii_diagram(width=70)
    assert built.ascii_diagram(60, ascii=True).isascii()


def test_numbers_are_exact_about_or_between():
    assert ExperimentalDesign.from_grammar("Site(3) > Patient(20)").count_observations() == 60
    assert ExperimentalDesign.from_grammar("Site(3) > Cell(~20)").count_observations() == "~60"
    assert ExperimentalDesign.from_grammar("Sample(10) ◊ Treatment(5)").count_observations() == "10 to 49"
    assert ExperimentalDesign.from_grammar("Sample(?)").count_observations() is None


def test_words(built):
    described = built.describe()
    assert "Patient[30|25|18]: unit, 73 in all" in described
    assert "ProcessingBatch is a batch of Sample" in described
    assert "CellType classifies the levels of Cell" in described
    assert built.validate() == []
    assert "at the top" in ExperimentalDesign.from_grammar("Clinic[3|4] > Patient(2)").validate()[0]


def test_a_wrong_step_changes_nothing(built):
    before = built.design
    for step in (
        lambda: built.add_factor("Cell", 3),
        lambda: built.add_factor("New", 0),
        lambda: built.add_factor("New", 3, "hue"),
        lambda: built.add_nesting("Cell", "Rat"),
        lambda: built.add_nesting("Cell", "Center"),
        lambda: built.add_crossing("Patient", "Cell"),
    ):
        with pytest.raises(DesignError):
            step()
    assert built.design == before
    with pytest.raises(GrammarError):
        ExperimentalDesign.from_grammar("A(2")
