"""What callers of `render` rely on, apart from the rules that all diagrams keep to."""

import subprocess
import sys

import pytest

from edviz.diagram import render
from edviz.diagram.styles import ASCII, UNICODE, Arms, read_drawing
from edviz.errors import OutputError

from .designs import DESIGNS


def body(name: str, **options: object) -> list[str]:
    """Draw a design; return the rows of the picture, without the frame."""
    rows = [row[2:-2].rstrip() for row in render(DESIGNS[name], **{"text": "A(2)"} | options).split("\n")[2:-1]]
    return rows[: rows.index("", 3 if rows[1] == "" else 0)]


def test_both_arrows_of_an_aliased_pair_reach_the_child():
    assert body("centers")[:4] == [
        "Center(3) ≈≈≈≈ Protocol(2)",
        "   ├──────────────┘",
        "   ↓",
        "Patient[30|25|18]",
    ]


def test_no_arrow_reaches_a_treatment_that_is_only_crossed():
    assert body("batch of a crossed unit", text="A(2)")[3:] == [
        "Hospital(3)                      ║   ║",
        "   ↓     ╔═══════════════════════╝   ║",
        "Patient(20) ──×── Treatment(3)       ║",
        "   ├─────────────────┘               ║",
        "   ↓                                 ║",
        "Sample(2) ═══════════════════════════╝",
    ]


def test_the_chain_of_a_crossed_partner_hangs_beside():
    assert body("two chains crossed") == [
        "Block(3)      Season(2)",
        "   ↓             ↓",
        "Plot(4) ──×── Visit(5)",
    ]


def test_parts_that_are_not_related_stand_below_each_other():
    assert body("two parts") == ["Donor(3)", "   ↓", "Sample(2)"]
    assert "Dose(4) ──×── Day(5)" in render(DESIGNS["two parts"])


def test_a_lane_joins_every_unit_that_its_batch_processed():
    assert body("a batch of three")[2:] == [
        "Patient(20) ══╣",
        "   ↓          ║",
        "Sample(2) ════╣",
        "   ↓          ║",
        "Cell(9) ══════╝",
    ]


def test_short_names_stand_for_labels_below_forty_columns():
    diagram = render(DESIGNS["genotypes"], width=39)
    assert "│ A " in diagram
    assert "A = Genotype(2)" in diagram
    assert "A = " not in render(DESIGNS["genotypes"], width=40)


def test_a_diagram_is_no_wider_than_it_has_to_be():
    assert render(DESIGNS["genotypes"], width=60) == render(DESIGNS["genotypes"], width=300)


def test_too_few_columns_are_refused():
    with pytest.raises(OutputError, match="at least 20 columns; 19 were given"):
        render(DESIGNS["genotypes"], width=19)


def test_a_text_that_cannot_be_broken_is_left_out_with_a_reason():
    diagram = render(DESIGNS["genotypes"], width=40, text=f'"{"x" * 60}"(2)')
    assert "(its text needs 65 columns)" in diagram


def test_the_arms_of_a_line_character_are_read_off_the_drawing():
    drawing = read_drawing("┌┐\n└┘", horizontal=1, vertical=1)
    assert drawing == {
        Arms(down=1, right=1): "┌",
        Arms(down=1, left=1): "┐",
        Arms(up=1, right=1): "└",
        Arms(up=1, left=1): "┘",
    }


def test_both_styles_draw_the_same_lines():
    assert UNICODE.lines.keys() == ASCII.lines.keys()


def test_the_diagram_does_not_import_what_it_does_not_need():
    program = "import sys, edviz.diagram; print([name for name in ('h5py', 'lark', 'rich') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
