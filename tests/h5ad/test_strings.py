"""Text from files is shown so that it cannot act."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edviz.h5ad.strings import LONGEST_TEXT, harmless, unlike

SHOWN = {
    "T cell": "T cell",
    "α‐cell 細胞": "α‐cell 細胞",
    "no\u00a0break": "no\u00a0break",
    "\x1b[31mred": r"\x1b[31mred",
    "line\nbreak\ttab": r"line\x0abreak\x09tab",
    "\x7f\x9b": r"\x7f\x9b",
    "\u202eabc\u202c": r"\u202eabc\u202c",
    "\u2066abc\u2069": r"\u2066abc\u2069",
    "zero\u200bwidth\ufeff": r"zero\u200bwidth\ufeff",
    "line\u2028separator": r"line\u2028separator",
    "hidden\U000e0041tag": r"hidden\U000e0041tag",
    "a\U000e0100b\ufe0f": r"a\U000e0100b\ufe0f",
    "lone\udce9": "lone\ufffd",
    b"caf\xe9": "caf\ufffd",
    b"caf\xc3\xa9": "café",
    "x" * 120: "x" * 120,
    "x" * 121: "x" * 119 + "…",
    "\x1b" * 40: r"\x1b" * 29 + r"\x1…",
    "": "",
}


@pytest.mark.parametrize("text", SHOWN)
def test_text_is_shown_harmless(text):
    assert harmless(text) == SHOWN[text]


@given(st.text(st.characters()) | st.binary())
def test_shown_text_is_short_and_prints_as_it_is(text):
    shown = harmless(text)
    assert len(shown) <= LONGEST_TEXT
    assert all(character.isprintable() or character.isspace() for character in shown)
    assert len(shown.splitlines()) <= 1


@given(st.lists(st.sampled_from(["a", "a (2)", "b"])))
def test_names_become_unlike_each_other(names):
    shown = unlike(names)
    assert len(set(shown)) == len(shown) == len(names)
    assert all(after.startswith(before) for before, after in zip(names, shown, strict=True))
