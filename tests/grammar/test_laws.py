"""What holds of every design and every text."""

import random

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from edviz.errors import GrammarError
from edviz.grammar import dumps, loads
from edviz.model import Design
from tests.grammar.strategies import designs, texts

ASCII = {chr(code) for code in range(0x20, 0x7F)} | {"\n"}


def assert_round_trip(design):
    text, plain = dumps(design), dumps(design, ascii=True)
    assert loads(text) == design
    assert loads(plain) == design
    assert dumps(loads(text)) == text
    assert dumps(loads(plain), ascii=True) == plain
    assert set(plain) <= ASCII


@settings(max_examples=400, deadline=None)
@given(designs())
def test_every_design_reads_back_as_itself(design):
    assert_round_trip(design)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_what_a_text_says_reads_back_as_itself(text):
    try:
        design = loads(text)
    except GrammarError:
        assume(False)
    assert_round_trip(design)


@settings(max_examples=150, deadline=None)
@given(designs())
def test_nothing_is_printed_that_a_terminal_would_obey(design):
    assert all(character.isprintable() or character == "\n" for character in dumps(design))


@settings(max_examples=150, deadline=None)
@given(designs(), st.randoms(use_true_random=False))
def test_the_order_of_statements_says_nothing(design, chance: random.Random):
    lines = dumps(design).split("\n")
    chance.shuffle(lines)
    assert loads("\n".join(lines)) == design


@settings(max_examples=150, deadline=None)
@given(designs(), st.randoms(use_true_random=False))
def test_the_text_reads_back_whatever_the_order_of_the_factors(design, chance: random.Random):
    factors = list(design.factors)
    chance.shuffle(factors)
    shuffled = Design(tuple(factors), design.relations)
    assert shuffled == design
    assert_round_trip(shuffled)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('AB2(){}[]|:,=~≈×*◊<>"\\ \n\t#?k_.◇x-'), max_size=30))
@example("A(2) >")
@example("{}")
def test_a_text_is_read_or_refused_with_its_place(text):
    try:
        loads(text)
    except GrammarError as error:
        assert error.line >= 1
        assert error.column >= 1
        assert str(error).startswith(f"line {error.line}, column {error.column}: ")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_any_characters_at_all_are_read_or_refused(text):
    try:
        loads(text)
    except GrammarError as error:
        assert all(character.isprintable() or character == "\n" for character in str(error))


SAME = {
    "spelling of operators": (
        "{A(2) ≈≈ B(2)} > C(3) × D(2) ◊ E(2) > F(4) : G(5)\nH(2) == F\nA ≈ D",
        "{A(2) ~~ B(2)} > C(3) * D(2) <> E(2) > F(4) : G(5)\nH(2) == F\nA ~ D",
    ),
    "members of braces side by side": ("{A(2) ≈≈ B(2)} > C(3)", "{B(2) A(2)} > C(3)"),
    "bare aliases of single factors": ("{A(2) ≈≈ B(2)}\nA > C(3)", "A(2) ≈≈ B(2)\nB > C(3)"),
    "a chain of bare aliases": ("{A(2) ≈≈ B(2) ≈≈ C(2)}", "A(2) ≈≈ B(2) ≈≈ C(2)"),
    "crossing at the root": ("A(2) × B(3) × C(4)", "C(4) × (B(3) × A(2))"),
    "partial crossing at the root": ("A(2) ◊ B(3)", "B(3) ◊ A(2)"),
    "partial alias": ("A(2) ≈ B(3)", "B(3) ≈ A(2)"),
    "spacing": ("A(2) > B(3) : C(4)", "A ( 2 )>B\t(3):C(4)"),
    "statements over several lines": ("A(2) > B(3) × C(2)", "A(2)\n\n>\n# reason\nB(3)\n  × C(2)\n"),
    "newlines in brackets": ("(A(2) × B(3)) > C(4)", "(\nA(2)\n×\nB(3)\n)\n> C(\n4\n)"),
    "line ends": ("A(2) > B(3)\nC(2)", "A(2) > B(3)\r\nC(2)\r\n"),
    "line ends of old": ("A(2) > B(3)\nC(2)", "A(2) > B(3)\rC(2)"),
    "a byte order mark": ("A(2)", "\ufeffA(2)"),
    "comments": ("A(2) > B(3)", "# first\nA(2) > # second\nB(3) # third # fourth"),
    "numbers": ("A(5000) > B(1200000) > C(1000)", "A(5k) > B(1.2M) > C(1_000)"),
    "lists of equal entries below a parent": ("A(2) > B(3)", "A(2) > B[3|3]"),
    "sizes elsewhere": ("A(2) > B(3)", "A > B\nB(3)\nA(2)"),
    "a size said twice": ("A(2) > B(3)", "A(2) > B(3)\nA(2)"),
    "attributes elsewhere": ("A(2){kind=unit} > B(3)", "A(2) > B(3)\nA{kind=unit}"),
    "spelling of names": ("Café(2)", '"Cafe\u0301"(2)'),
    "composition of names": ("Café(2)", "Cafe\u0301(2)"),
    "quotes round a plain name": ("A(2)", '"A"(2)'),
    "escapes": ("Ab(2)", r'"\u0041\U00000062"(2)'),
    "parentheses round a factor": ("A(2) > B(3)", "((A(2))) > (B(3))"),
    "parentheses round a mixed level": ("A(2) > B(3) × C(2) > D(4)", "A(2) > (B(3) × C(2)) > D(4)"),
    "nesting said in steps": ("A(2) > B(3) > C(4)", "B(3) > C(4)\nA(2) > B\nA > C"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_these_say_the_same(one, other):
    assert loads(one) == loads(other)
    assert hash(loads(one)) == hash(loads(other))


DIFFERENT = {
    "full and partial crossing": ("A(2) × B(3)", "A(2) ◊ B(3)"),
    "full and partial alias": ("A(2) ≈≈ B(3)", "A(2) ≈ B(3)"),
    "nesting and crossing": ("A(2) > B(3)", "A(2) × B(3)"),
    "unequal alias and nesting": ("{A(2) ≈≈ B(6)}", "A(2) > B(3)"),
    "exact and approximate": ("A(2)", "A(~2)"),
    "known and unknown": ("A(2)", "A(?)"),
    "list and number at a root": ("A[3|3]", "A(3)"),
    "kinds": ("A(2)", "A(2){kind=treatment}"),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_these_do_not_say_the_same(one, other):
    assert loads(one) != loads(other)
