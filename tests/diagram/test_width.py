"""Display width agrees with an independent implementation, and text from files is harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth, wcwidth

from edviz.diagram.width import display_width, elide, hard_pieces, pad, printable

WIDTHS = {
    "": 0,
    "Cell": 4,
    "细胞": 4,
    "e\u0301": 1,
    "זכר": 3,
    "한글": 4,
    "🧬": 2,
    "×≈↓…": 4,
    "ｱ": 1,
    "Ａ": 2,
    "กำ": 2,
}
HARMLESS = {
    "plain": "plain",
    "tab\there": "tab\\u0009here",
    "line\nbreak": "line\\nbreak",
    "\x1b[31mred": "\\u001b[31mred",
    "\u202eturned": "\\u202eturned",
    "zero\u200bwidth": "zero\\u200bwidth",
    "❤\ufe0f": "❤\\ufe0f",
    "👩\u200d🔬": "👩\\u200d🔬",
    "👍🏽": "👍\\U0001f3fd",
    "🇩🇪": "\\U0001f1e9\\U0001f1ea",
    "no\u00a0break": "no\\u00a0break",
    "cafe\u0301": "café",
}


@pytest.mark.parametrize(("text", "width"), WIDTHS.items())
def test_wide_characters_take_two_columns_and_accents_none(text, width):
    assert display_width(text) == width


@pytest.mark.parametrize(("text", "shown"), HARMLESS.items())
def test_what_does_not_print_as_itself_is_shown_as_an_escape(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_shown_text_has_the_width_that_terminals_give_it(text):
    shown = "".join(character for character in printable(text) if not changed_width_lately(character))
    assert display_width(shown) == wcswidth(shown)


def changed_width_lately(character: str) -> bool:
    """Tell whether terminals disagree about a character: its width changed, or it is a spacing mark of an Indic script.

    Of a spacing mark without its letter some terminals show a column, and wcwidth has gone both ways.
    """
    changed = unicodedata.east_asian_width(character) == "N" and wcwidth(character) == 2
    return changed or unicodedata.category(character) == "Mc"


@given(st.text())
def test_shown_text_can_be_ascii(text):
    assert all("\x20" <= character <= "\x7e" for character in printable(text, ascii=True))


def test_a_long_text_is_shortened_between_characters():
    assert elide("Patient", 7, "…") == "Patient"
    assert elide("Patient", 6, "…") == "Patie…"
    assert elide("细胞类型", 6, "…") == "细胞…"


@given(st.text(min_size=1), st.integers(2, 9))
def test_pieces_of_a_word_fit_and_make_up_the_word(text, columns):
    shown = printable(text)
    pieces = list(hard_pieces(shown, columns))
    assert "".join(pieces) == shown
    assert all(display_width(piece) <= columns for piece in pieces)


def test_padding_counts_columns_and_not_characters():
    assert pad("细", 4) == "细  "
