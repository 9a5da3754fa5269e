"""What each form of the language means."""

import subprocess
import sys

import pytest

from edviz.grammar import loads
from edviz.model import (
    Aliasing,
    BatchEffect,
    Classification,
    Count,
    Crossing,
    Design,
    Factor,
    Nesting,
)

DOCUMENTED = {
    "nested with a label": "Site(3) > Patient(20) > Sample(2) > Cell(5000) : CellType(35)",
    "crossed at a level": "Hospital(3) > Patient(20) > Sample(2) × Treatment(3) > Cell(5000) : CellType(35)",
    "crossed at two levels": "Hospital(4) > Patient(15) × Treatment(2) > Sample(3) × Timepoint(4) > Cell(~8000)",
    "factorial": "Treatment(3) × Dose(4) × Timepoint(6)",
    "aliased": "{Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > Sample(2) > Cell(~5000) : CellType(42)",
    "aliased and partly crossed": (
        "{Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > Sample(2) ◊ Treatment(3) × Timepoint(4) > Cell(~5000)"
        " : CellType(42)"
    ),
    "batch after": "Site(3) > Sample(2)\nProcessingBatch(4) == Sample",
    "batch before": "ProcessingBatch(4) == Sample\nSite(3) > Sample(2)",
    "two batches": "SequencingRun(8) == Cell\nProcessingBatch(4) == Sample\nSample(3) > Cell(100)",
    "crossed at the root": "CellFraction(2) × DietTimepoint(3) > Sample(~38) : CellType(13)",
    "short": "Genotype(2) > Sample(4) : CellType(6)",
    "parentheses": "(Treatment(2) × Timepoint(4)) > Sample(3)",
    "partly crossed": "Sample(10) ◊ Treatment(5)",
    "replicates": "Treatment(3) × Timepoint(4) × Replicate(5)",
}


@pytest.mark.parametrize("text", DOCUMENTED.values(), ids=DOCUMENTED)
def test_every_documented_design_parses_in_both_spellings(text):
    ascii_text = text.replace("×", "*").replace("◊", "<>").replace("≈≈", "~~")
    assert isinstance(loads(text), Design)
    assert loads(ascii_text) == loads(text)


def nests(*pairs):
    return {Nesting(*pair) for pair in pairs}


def crosses(*pairs):
    return {Crossing(*pair) for pair in pairs}


def partly(*pairs):
    return {Crossing(*pair, partial=True) for pair in pairs}


SIZES = "\n" + "\n".join(f"{name}(2)" for name in "ABCDEFG")
RELATIONS = {
    # levels
    "A > B > C": nests("AB", "BC"),
    "A × B": crosses("AB"),
    "A ◊ B": partly("AB"),
    "A ◊ B × C": partly("AB") | crosses("AC", "BC"),
    "A × B ◊ C": crosses("AB") | partly("AC", "BC"),
    "A ◊ (B × C)": partly("AB", "AC") | crosses("BC"),
    "A > B × C > D": nests("AB", "BD", "CD") | crosses("BC"),
    "A > (B × C) > D": nests("AB", "BD", "CD") | crosses("BC"),
    "A × B > C": nests("AC", "BC") | crosses("AB"),
    "A > B × C > D × E > F": nests("AB", "BD", "CD", "DF", "EF") | crosses("BC", "DE"),
    # parentheses
    "(A > B) × (C > D)": nests("AB", "CD") | crosses("BD"),
    "(A > B) > C": nests("AB", "BC"),
    "A > (B > C)": nests("AB", "BC"),
    "(A > B) ◊ C": nests("AB") | partly("BC"),
    "(A × B) ◊ C": crosses("AB") | partly("AC", "BC"),
    "((A > B) × C) > D": nests("AB", "BD", "CD") | crosses("BC"),
    "A > ((B > C) × D)": nests("AB", "BC") | crosses("CD"),
    # braces
    "{A ≈≈ B} > C": nests("AC", "BC") | {Aliasing(("A", "B"))},
    "A > {B ≈≈ C}": nests("AB", "AC") | {Aliasing(("B", "C"))},
    "{A ≈≈ B} × C": crosses("AC", "BC") | {Aliasing(("A", "B"))},
    "{A}": set(),
    "(A ≈≈ B) > C": nests("AC", "BC") | {Aliasing(("A", "B"))},
    "A ≈≈ B ≈ C": {Aliasing(("A", "B")), Aliasing(("B", "C"), partial=True)},
    "A ≈ B": {Aliasing(("A", "B"), partial=True)},
    # labels and batches
    "A > B : C": nests("AB") | {Classification("B", "C")},
    "A × B : C": crosses("AB") | {Classification("B", "C")},
    "A > (B × C) : D": nests("AB") | crosses("BC") | {Classification("B", "D"), Classification("C", "D")},
    "{A ≈≈ B} : C": {Aliasing(("A", "B")), Classification("A", "C"), Classification("B", "C")},
    "A == B": {BatchEffect("A", "B")},
    "A == B == C": {BatchEffect("A", "B"), BatchEffect("B", "C")},
    "A == B > C : D": nests("BC") | {BatchEffect("A", "C"), Classification("C", "D")},
    "A > B == C": nests("AB") | {BatchEffect("B", "C")},
    "(A == B) > C": nests("BC") | {BatchEffect("A", "B")},
    # what follows is not kept
    "A > B > C\nA > C": nests("AB", "BC"),
    "(A > B) × C\nA × C": nests("AB") | crosses("BC"),
    "A ≈≈ B\nB ≈≈ C": {Aliasing(("A", "B", "C"))},
}


@pytest.mark.parametrize(("text", "relations"), RELATIONS.items())
def test_a_text_states_these_relations(text, relations):
    assert loads(text + SIZES).relations == relations


SHARED_OR_NESTED = {
    "only the first without a kind is nested": ("A > B × C", {}, nests("AB") | crosses("BC")),
    "a unit is nested wherever it stands": ("A > B × C", {"C": "unit"}, nests("AB", "AC") | crosses("BC")),
    "a treatment is shared": ("A > B × C", {"C": "treatment"}, nests("AB") | crosses("BC")),
    "an observational factor is shared": ("A > B × C", {"C": "observational"}, nests("AB") | crosses("BC")),
    "a first treatment is shared, and then the unit is nested": (
        "A > B × C",
        {"B": "treatment", "C": "unit"},
        nests("AC") | crosses("BC"),
    ),
    "without a nested factor each is crossed with the parent": (
        "A > B × C",
        {"B": "treatment", "C": "observational"},
        crosses("AB", "AC", "BC"),
    ),
    "a first treatment makes no other factor nested": ("A > B × C", {"B": "treatment"}, crosses("AB", "AC", "BC")),
    "a single treatment is nested": ("A > B", {"B": "treatment"}, nests("AB")),
    "the level below is nested in shared factors too": (
        "A > B × C > D",
        {"C": "treatment"},
        nests("AB", "BD", "CD") | crosses("BC"),
    ),
    "a unit among aliased factors makes them nested": (
        "A > B × {C ≈≈ D}",
        {"C": "treatment", "D": "unit"},
        nests("AB", "AC", "AD") | crosses("BC", "BD") | {Aliasing(("C", "D"))},
    ),
    "a group takes the kinds of its heads": (
        "A > B × (C > D)",
        {"C": "unit"},
        nests("AB", "AC", "CD") | crosses("BD"),
    ),
    "parentheses round part of a level change nothing": (
        "A > (B × C) × D",
        {},
        nests("AB") | crosses("BC", "BD", "CD"),
    ),
}


@pytest.mark.parametrize(
    ("text", "kinds", "relations"),
    [pytest.param(*case, id=sentence) for sentence, case in SHARED_OR_NESTED.items()],
)
def test_kinds_decide_what_is_nested_in_a_crossed_level(text, kinds, relations):
    stated = "".join(f"\n{name}{{kind={kind}}}" for name, kind in kinds.items())
    assert loads(text + SIZES + stated).relations == relations


FACTORS = {
    "A(5k)": Factor("A", (Count(5000),)),
    "A(5K)": Factor("A", (Count(5000),)),
    "A(1.2m)": Factor("A", (Count(1_200_000),)),
    "A(1_000)": Factor("A", (Count(1000),)),
    "A(2.0)": Factor("A", (Count(2),)),
    "A(~8000)": Factor("A", (Count(8000, approximate=True),)),
    "A(?)": Factor("A"),
    "A[3|~4|5]": Factor("A", (Count(3), Count(4, approximate=True), Count(5))),
    "A[3]": Factor("A", (Count(3),)),
    "A(2){kind=treatment}": Factor("A", (Count(2),), kind="treatment"),
    'A(3){kind=treatment, levels=[PBS,R848,"a b"], column="stim"}': Factor(
        "A", (Count(3),), "treatment", ("PBS", "R848", "a b"), "stim"
    ),
    "A(3){levels=[0, 6, 24,], column=stim,}": Factor("A", (Count(3),), None, ("0", "6", "24"), "stim"),
    '"cell type"(2)': Factor("cell type", (Count(2),)),
    r'"a\"b\\c\nd\u0007"(2)': Factor('a"b\\c\nd\x07', (Count(2),)),
    '"# no comment"(2) # but this is one': Factor("# no comment", (Count(2),)),
    "細胞_1(2)": Factor("細胞_1", (Count(2),)),
    "_(2)": Factor("_", (Count(2),)),
    "हिन्दी(2)": Factor("हिन्दी", (Count(2),)),
}


@pytest.mark.parametrize(("text", "factor"), FACTORS.items())
def test_a_factor_is_written_like_this(text, factor):
    assert loads(text).factors == (factor,)


def test_factors_appear_in_the_order_of_first_mention():
    assert loads("B == C\nA(2) > C(3)\nB(4)").names == ("B", "C", "A")


def test_kinds_that_the_place_implies_are_filled_in():
    design = loads("Run(2) == Cell\nDonor(4) > Sample(2) × Stimulus(3) > Cell(100) : CellType(9)")
    kinds = {factor.name: factor.kind for factor in design.factors}
    assert kinds == {
        "Run": "batch",
        "Donor": "unit",
        "Sample": "unit",
        "Stimulus": None,
        "Cell": "unit",
        "CellType": "classification",
    }


@pytest.mark.parametrize("text", ["", "\n", "  \n\n\t", "# nothing to say"])
def test_an_empty_text_is_an_empty_design(text):
    assert loads(text) == Design((), frozenset())


def test_importing_the_language_does_not_import_lark():
    code = "import sys, edviz, edviz.grammar; assert not any(name.startswith('lark') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
