"""What every diagram keeps to: one test a rule, over documented, awkward and generated designs."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from wcwidth import wcswidth

from edviz.diagram import render
from edviz.diagram.labels import factor_label, name_label
from edviz.diagram.rows import batch_factors
from edviz.errors import DesignError
from edviz.grammar import loads
from edviz.model import Aliasing, BatchEffect, Crossing, Design, factors_of, make_design

from .designs import DESIGNS, DOCUMENTED, designs, trees
from .reader import ARMS, CROSSINGS, Sheet, read_lanes, read_legend, read_notes, read_relations, read_sheet, read_tags

TEXT = "Something(2) > Other(3)"
WIDTHS = (32, 40, 57, 80, 120)
ROOT = Path(__file__).parents[2]

without_deadline = settings(deadline=None)
thorough = settings(deadline=None, max_examples=300)
over_designs = pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)


def drawn(design: Design, **options: object) -> str:
    return render(design, **{"text": TEXT} | options)


def sheet_of(design: Design, **options: object) -> Sheet:
    return read_sheet(drawn(design, **options), {factor_label(factor): factor.name for factor in design.factors})


def shown_names(design: Design, sheet: Sheet) -> dict[str, str]:
    by_label = {factor_label(factor): factor.name for factor in design.factors}
    legend = read_legend(sheet.notes, by_label)
    return {name_label(name): name for name in design.names} | {key: by_label[legend[key]] for key in legend}


def everything_read(design: Design, **options: object) -> set[object]:
    sheet = sheet_of(design, **options)
    return read_relations(sheet) | read_lanes(sheet) | read_notes(sheet, shown_names(design, sheet))


# Q1


def assert_rectangle(diagram: str, width: int) -> None:
    widths = {wcswidth(row) for row in diagram.split("\n")}
    assert len(widths) == 1
    assert widths.pop() <= width


@over_designs
@pytest.mark.parametrize("width", (20, *WIDTHS))
def test_every_row_has_the_same_width(design, width):
    assert_rectangle(drawn(design, width=width), width)


@without_deadline
@given(designs())
def test_every_row_of_a_generated_design_has_the_same_width(design):
    for width in (20, *WIDTHS):
        assert_rectangle(drawn(design, width=width), width)


# Q2


@over_designs
def test_the_frame_is_closed_and_bears_the_title(design):
    first, *rows, last = drawn(design).split("\n")
    assert re.fullmatch(r"┌─+ Design Structure ─+┐", first)
    assert re.fullmatch(r"└─+┘", last)
    assert all(re.fullmatch(r"│ .* │", row) for row in rows)


def test_a_long_title_is_shortened():
    first = drawn(DESIGNS["chain"], width=40, title="A study of very many things in very many places").split("\n")[0]
    assert re.fullmatch(r"┌─+ A study of [a-z ]+… ─+┐", first)
    assert len(first) <= 40


# Q3


@over_designs
@pytest.mark.parametrize("width", WIDTHS)
def test_each_label_stands_in_the_picture_once(design, width):
    names = [label.name for label in sheet_of(design, width=width).labels]
    assert sorted(names) == sorted(design.names)


@without_deadline
@given(designs())
def test_each_label_of_a_generated_design_stands_in_the_picture_once(design):
    for width in WIDTHS:
        names = [label.name for label in sheet_of(design, width=width).labels]
        assert sorted(names) == sorted(design.names)


# Q4


def loose_ends(sheet: Sheet) -> list[tuple[int, int, str]]:
    return [
        (y, x, arm)
        for y, row in enumerate(sheet.cells)
        for x, cell in enumerate(row)
        if cell in ARMS and sheet.label_at(y, x) is None
        for arm in ARMS[cell]
        if not is_met(sheet, y, x, arm)
    ]


def is_met(sheet: Sheet, y: int, x: int, arm: str) -> bool:
    match arm:
        case "u" | "U":
            near, far, opposite = (y - 1, x), (y - 1, x), "d"
        case "d" | "D":
            near, far, opposite = (y + 1, x), (y + 1, x), "u"
        case "l" | "L":
            near, far, opposite = (y, x - 1), (y, x - 2), "r"
        case _:
            near, far, opposite = (y, x + 1), (y, x + 2), "l"
    opposite = opposite if arm.islower() else opposite.upper()
    neighbour = sheet.cell(*near)
    if opposite in ARMS.get(neighbour, ""):
        return True
    if sheet.label_at(*near) is not None:
        return True
    signs = {"d": "↓:", "u": "", "l": "×◊", "r": "×◊", "L": "]", "R": "["}
    if neighbour in signs.get(arm, "") and neighbour:
        return True
    # A space stands between a label, or its tag, and a line beside it.
    return neighbour == " " and (sheet.label_at(*far) is not None or (arm in "lL" and sheet.cell(*far) == "]"))


@over_designs
@pytest.mark.parametrize("width", WIDTHS)
def test_every_line_ends_at_a_line_or_a_label(design, width):
    assert loose_ends(sheet_of(design, width=width)) == []


@without_deadline
@given(designs())
def test_every_line_of_a_generated_design_ends_at_a_line_or_a_label(design):
    for width in WIDTHS:
        assert loose_ends(sheet_of(design, width=width)) == []


# Q5


def assert_nothing_is_lost_or_false(design: Design, width: int) -> None:
    sheet = sheet_of(design, width=width)
    names = shown_names(design, sheet)
    in_picture = read_relations(sheet)
    assert in_picture <= design.relations
    assert in_picture | read_notes(sheet, names) == design.relations


@over_designs
@pytest.mark.parametrize("width", WIDTHS)
def test_the_relations_can_be_read_off_the_diagram(design, width):
    assert_nothing_is_lost_or_false(design, width)


@thorough
@given(designs())
def test_the_relations_of_a_generated_design_can_be_read_off_the_diagram(design):
    for width in WIDTHS:
        assert_nothing_is_lost_or_false(design, width)


@pytest.mark.parametrize("design", DOCUMENTED.values(), ids=DOCUMENTED)
def test_a_documented_design_needs_no_notes_for_what_can_be_drawn(design):
    assert not any(note.startswith("Also") for note in sheet_of(design).notes)


def assert_batches_agree(design: Design, width: int) -> None:
    sheet = sheet_of(design, width=width)
    lanes = read_lanes(sheet)
    batches = tagged_batches(sheet, shown_names(design, sheet))
    by_tag = {
        BatchEffect(batches[number], unit)
        for number, names in read_tags(sheet).items()
        for unit in names - {batches[number]}
    }
    assert lanes | by_tag in (set(design.batch_effects), set())
    assert lanes | by_tag or width < 100 or not design.batch_effects


def tagged_batches(sheet: Sheet, names: dict[str, str]) -> dict[int, str]:
    """Map the number of each tag to the batch factor that the notes name with it."""
    entries = [entry for note in sheet.notes for entry in re.findall(r"\[(\d+)\] (.*?) ══", note)]
    return {int(number): names[name] for number, name in entries}


@over_designs
@pytest.mark.parametrize("width", WIDTHS)
def test_lanes_and_tags_say_which_batch_processed_what(design, width):
    assert_batches_agree(design, width)


@thorough
@given(designs())
def test_lanes_and_tags_of_a_generated_design_say_which_batch_processed_what(design):
    for width in WIDTHS:
        assert_batches_agree(design, width)


def test_more_than_four_batches_are_tagged():
    sheet = sheet_of(DESIGNS["five batches"])
    assert sorted(read_tags(sheet)) == [1, 2, 3, 4, 5]
    assert not read_lanes(sheet)


# Q6


def crossings(sheet: Sheet) -> int:
    return sum(cell in CROSSINGS for row in sheet.cells for cell in row)


@pytest.mark.parametrize("design", DOCUMENTED.values(), ids=DOCUMENTED)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_lines_cross_in_a_documented_design(design, width):
    assert crossings(sheet_of(design, width=width)) == 0


@without_deadline
@given(trees())
def test_no_lines_cross_in_a_tree_that_need_not_wrap(design):
    assert crossings(sheet_of(design, width=200)) == 0


@without_deadline
@given(designs())
def test_double_lines_never_cross_each_other(design):
    assert "╬" not in drawn(design)


# Q7


@over_designs
def test_labels_are_whole_in_forty_columns(design):
    assert not any(re.match(r"[A-Z]+ = ", note) for note in sheet_of(design, width=40).notes)


def test_a_crossed_level_wraps_after_an_operator():
    rows = drawn(DESIGNS["factorial"], width=40).split("\n")
    assert any(row.rstrip("│ ").endswith("──×") for row in rows)


def test_of_a_long_list_of_sizes_only_the_ends_are_shown_and_the_sum_is_noted():
    diagram = drawn(DESIGNS["many sizes"])
    assert "Patient[100|101|…|139]" in diagram
    assert "Patient 4780" in diagram


# Q8


def assert_economical(design: Design, width: int) -> None:
    rows = [row[2:-2].strip() for row in drawn(design, width=width).split("\n")[1:-1]]
    assert all(first or second for first, second in pairwise(rows))
    assert rows[-1]
    sheet = sheet_of(design, width=width)
    in_picture = len(sheet.cells)
    batches = len(batch_factors(design))
    # The frame, a blank row after the picture and one after the notes are the same for all designs.
    assert in_picture <= 2 * (len(design.factors) - batches) + batches + 2


@over_designs
@pytest.mark.parametrize("width", (40, 80))
def test_a_diagram_is_no_longer_than_it_has_to_be(design, width):
    assert_economical(design, width)


@without_deadline
@given(designs())
def test_a_generated_diagram_that_need_not_wrap_is_no_longer_than_it_has_to_be(design):
    assert_economical(design, 200)


# Q9


def test_diagrams_do_not_depend_on_the_hash_seed():
    program = (
        "from tests.diagram.designs import DESIGNS\n"
        "from edviz.diagram import render\n"
        "print([render(d, text='A(2)', width=w) for d in DESIGNS.values() for w in (30, 60)])\n"
    )
    results = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in range(10)
    }
    assert len(results) == 1


@over_designs
def test_diagrams_do_not_depend_on_the_order_of_relations(design):
    relations = sorted(design.relations, key=repr)
    assert drawn(make_design(design.factors, relations)) == drawn(make_design(design.factors, relations[::-1]))


@over_designs
def test_all_widths_show_the_same_relations(design):
    for width in range(40, 121, 10):
        assert everything_read(design, width=width) == design.relations


# Q10


@over_designs
@pytest.mark.parametrize("width", WIDTHS)
def test_ascii_diagrams_are_ascii_rectangles(design, width):
    diagram = drawn(design, width=width, ascii=True, title="Größe")
    assert all(character == "\n" or "\x20" <= character <= "\x7e" for character in diagram)
    assert len({len(row) for row in diagram.split("\n")}) == 1
    assert len(diagram.split("\n")[0]) <= width


UNICODE_TO_ASCII = str.maketrans(
    {
        **dict.fromkeys("─", "-"),
        **dict.fromkeys("│┼╪", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴╔╗╚╝╠╣╦╩", "+"),
        "═": "=",
        "║": "#",
        "↓": "v",
        "×": "*",
        "≈": "~",
    }
)


@without_deadline
@given(designs())
def test_ascii_diagrams_are_the_same_drawing_in_other_characters(design):
    names = {name: f"F{index}" for index, name in enumerate(design.names)}
    design = renamed(design, names)
    assert drawn(design).translate(UNICODE_TO_ASCII) == drawn(design, ascii=True)


def renamed(design: Design, names: dict[str, str]) -> Design:
    """Give all factors plain names and short sizes, and cross them fully; `<>` and `...` are wider than `◊` and `…`."""
    factors = [
        replace(factor, name=names[factor.name], size=factor.size[:1] if factor.size else None)
        for factor in design.factors
    ]
    relations = []
    for relation in sorted(design.relations, key=repr):
        parts = [names[name] for name in factors_of(relation)]
        if isinstance(relation, Aliasing):
            candidate = Aliasing(tuple(parts), relation.partial)
        elif isinstance(relation, Crossing):
            candidate = Crossing(*parts)
        else:
            candidate = type(relation)(*parts)
        try:
            make_design(factors, [*relations, candidate])
        except DesignError:
            continue
        relations.append(candidate)
    return make_design(factors, relations)


# Q11


def test_names_from_files_cannot_control_the_terminal():
    diagram = drawn(DESIGNS["odd names"], notes=["a\x1b[2Jb"], title="\x07bell")
    assert "\x1b" not in diagram
    assert "\x07" not in diagram
    assert "\u202e" not in diagram
    assert "bad\\u001b[31m\\n\\u202ename" in diagram


def test_names_are_shown_composed():
    assert "café(2)" in drawn(DESIGNS["odd names"])


# Q12


def test_the_text_of_the_design_stands_at_the_foot():
    sheet = sheet_of(DESIGNS["chain"])
    assert sheet.text == [TEXT]


def test_notes_of_the_caller_stand_with_the_others():
    assert "  A remark." in drawn(DESIGNS["chain"], notes=["A remark."])


def assert_text_says_the_design(design: Design, width: int) -> None:
    lines = read_sheet(render(design, width=width), {factor_label(each): each.name for each in design.factors}).text
    if not lines[0].startswith("(its text"):
        assert loads("\n".join(lines)) == design


@pytest.mark.parametrize("width", range(40, 121, 8))
@pytest.mark.parametrize("design", [each for each in DESIGNS.values() if each.factors])
def test_the_text_at_the_foot_says_the_same_design(design, width):
    assert_text_says_the_design(design, width)


@without_deadline
@given(designs())
def test_the_text_at_the_foot_says_the_same_generated_design(design):
    for width in (20, 40, 80):
        assert_text_says_the_design(design, width)
