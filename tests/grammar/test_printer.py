"""The canonical form."""

import pytest

from edviz.grammar import dumps, loads
from edviz.model import Count, Crossing, Design, Factor, Nesting, make_design

CANONICAL = {
    "documented nesting": (
        "Site(3) > Patient(20) > Sample(2) > Cell(5k) : CellType(35)",
        "Site(3) > Patient(20) > Sample(2) > Cell(5000) : CellType(35)",
    ),
    "a mixed level stands in parentheses": (
        "Hospital(4) > Patient(15) × Treatment(2) > Sample(3) × Timepoint(4) > Cell(~8000)",
        "Hospital(4) > (Patient(15) × Treatment(2)) > (Sample(3) × Timepoint(4)) > Cell(~8000)",
    ),
    "a crossing alone needs no parentheses": ("Dose(4)*Time(6)", "Dose(4) × Time(6)"),
    "a crossed root stands in parentheses before what it nests": (
        "CellFraction(2) × DietTimepoint(3) > Sample(~38) : CellType(13)",
        "(CellFraction(2) × DietTimepoint(3)) > Sample(~38) : CellType(13)",
    ),
    "different crossings in one level are grouped": (
        "{Center(3) ~~ Protocol(2)} > Patient[30|25|18] > Sample(2) <> Treatment(3) * Timepoint(4) > Cell(~5000)",
        "{Center(3) ≈≈ Protocol(2)} > Patient[30|25|18] > ((Sample(2) ◊ Treatment(3)) × Timepoint(4)) > Cell(~5000)",
    ),
    "crossed chains stand in parentheses": ("(A(2)>B(3))×(C(2)>D(2))", "(A(2) > B(3)) × (C(2) > D(2))"),
    "batches come first, and the unit has its size where its own statement is": (
        "Site(3) > Sample(2) > Cell(9)\nRun(8) == Cell\nProcessing(4) == Sample",
        "Run(8) == Cell\nProcessing(4) == Sample\nSite(3) > Sample(2) > Cell(9)",
    ),
    "a unit that is only processed has its size there": ("Run(2) == Cell(9)", "Run(2) == Cell(9)"),
    "a shared factor stands on the level of what it is crossed with": (
        "H(3) > P(20)\nP > S(1)\nT(2) > S\nT × P",
        "H(3) > (P(20) × T(2)) > S(1)",
    ),
    "a shared treatment too, with its kind": (
        "H(3) > P(20)\nP > S(1)\nT(2){kind=treatment} > S\nT × P",
        "H(3) > (P(20) × T(2){kind=treatment}) > S(1)",
    ),
    "kind=unit is written where a factor would not be nested without": (
        "H(3) > P(20)\nH > Q(2)\nP × Q",
        "H(3) > (P(20) × Q(2){kind=unit})",
    ),
    "an implied kind is not written": (
        "A(2){kind=unit} > B(3){kind=unit} : C(4){kind=classification}\nD(2){kind=batch} == B",
        "D(2) == B\nA(2) > B(3) : C(4)",
    ),
    "another kind is written": ("A(2){kind=treatment} > B(3)", "A(2){kind=treatment} > B(3)"),
    "attributes have a fixed order": (
        'A(2){column=stim, levels=["a", "b c", 24], kind=treatment}',
        'A(2){kind=treatment, levels=[a,"b c",24], column="stim"}',
    ),
    "branches are statements of their own": ("A(2) > B(3) > C(4)\nA > D(5)", "A(2) > B(3) > C(4)\nA > D(5)"),
    "components follow the order of their roots": ("B(2)\nA(2) > C(3)", "B(2)\nA(2) > C(3)"),
    "an order that is no chain of levels takes several statements": (
        "A(2) > C(4)\nB(2) > C\nB > D(3)",
        "A(2) > C(4)\nB(2) > C\nB > D(3)",
    ),
    "an additional crossing is a statement of its own": ("H(2) > P(3)\nH × T(4)", "H(2) > P(3)\nH × T(4)"),
    "a second label is a statement of its own": (
        "A(2) > B(3) : C(4)\nB : D(5)",
        "A(2) > B(3) : C(4)\nB : D(5)",
    ),
    "a label of an inner unit is a statement of its own": (
        "A(2) > B(3) > C(4)\nB : D(5)",
        "A(2) > B(3) > C(4)\nB : D(5)",
    ),
    "a label of aliased factors": ("{A(2) ≈≈ B(2)} : C(3)", "{A(2) ≈≈ B(2)} : C(3)"),
    "a label of a single factor": ("A(2) : C(3)", "A(2) : C(3)"),
    "partial aliases": ("A(2) ~ B(3)", "A(2) ≈ B(3)"),
    "aliases are grouped": ("A(2) ≈≈ B(2)\nC(2) ≈≈ B", "{A(2) ≈≈ B(2) ≈≈ C(2)}"),
    "sizes of every form": ("A(?)\nB(~5k)\nC[1|~2]", "A(?)\nB(~5000)\nC[1|~2]"),
    "an equal list below a parent": ("A(2) > B[3|3]", "A(2) > B(3)"),
    "names in quotes only where needed": ('"A"(2) > "cell type"(3)', 'A(2) > "cell type"(3)'),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "canonical"), CANONICAL.values(), ids=CANONICAL)
def test_a_design_is_printed_in_canonical_form(text, canonical):
    assert dumps(loads(text)) == canonical
    assert dumps(loads(canonical)) == canonical


ASCII = {
    "{A(2) ≈≈ B(2)} > (C(3) × D(4)) > E(~2)": "{A(2) ~~ B(2)} > (C(3) * D(4)) > E(~2)",
    "A(2) ◊ B(3)": "A(2) <> B(3)",
    "A(2) ≈ B(3)": "A(2) ~ B(3)",
    "Café(2)": r'"Caf\u00e9"(2)',
    '"😀"(2){levels=["µ",a], column="β"}': r'"\U0001f600"(2){levels=["\u00b5",a], column="\u03b2"}',
}


@pytest.mark.parametrize(("text", "ascii_text"), ASCII.items())
def test_ascii_is_kept_to_on_request(text, ascii_text):
    assert dumps(loads(text), ascii=True) == ascii_text
    assert loads(ascii_text) == loads(text)


SPELLINGS = {
    "cell type": '"cell type"',
    "": '""',
    'a"b\\c': r'"a\"b\\c"',
    "a\nb": r'"a\nb"',
    "\x1b[31m": r'"\u001b[31m"',
    "\u202eabc": r'"\u202eabc"',
    "e\u0301": r'"e\u0301"',
    "a😀": '"a😀"',
    "1st": '"1st"',
    "細胞": "細胞",
}


@pytest.mark.parametrize(("name", "spelling"), SPELLINGS.items())
def test_a_name_is_spelled_like_this(name, spelling):
    design = make_design([Factor(name, (Count(2),))], [])
    assert dumps(design) == f"{spelling}(2)"
    assert loads(dumps(design)) == design


def test_relations_in_another_order_print_alike():
    factors = [Factor(name, (Count(2),)) for name in ("H", "P", "T", "S")]
    relations = [Nesting("H", "P"), Crossing("P", "T"), Nesting("P", "S"), Nesting("T", "S")]
    texts = {dumps(make_design(factors, order)) for order in (relations, relations[::-1])}
    assert texts == {"H(2) > (P(2) × T(2)) > S(2)"}


def test_the_longest_chain_prints_and_reads_back():
    design = loads(" > ".join(f"A{index}(1)" for index in range(500)))
    assert loads(dumps(design)) == design


def test_brackets_are_never_nested_deeper_than_can_be_read():
    # B30 × (A30 > (B29 × (A29 > (... A0))))
    depths = range(1, 31)
    names = ["A0", *(f"{letter}{depth}" for letter in "AB" for depth in depths)]
    nestings = [Nesting(f"A{depth}", inner) for depth in depths for inner in (f"A{depth - 1}", f"B{depth - 1}")]
    crossings = [Crossing(f"B{depth}", "A0") for depth in depths]
    crossings += [Crossing(f"B{depth}", f"B{finer}") for depth in depths for finer in range(1, depth)]
    factors = [Factor(name, (Count(2),)) for name in names]
    design = make_design(factors, [nesting for nesting in nestings if nesting.inner != "B0"] + crossings)
    assert loads(dumps(design)) == design


def test_a_design_without_factors_prints_as_nothing():
    assert dumps(Design((), frozenset())) == ""
