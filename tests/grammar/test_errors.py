"""Where a mistake is shown, and what is said about it."""

import pytest

from edviz.errors import EdvizError, GrammarError
from edviz.grammar import loads

MISTAKES = {
    "an operator without a right side": (
        "A(2) >",
        "line 1, column 7: expected a factor, '(' or '{', not the end of the text",
        None,
    ),
    "an operator without a left side": ("> A(2)", "line 1, column 1: expected a factor, '(' or '{', not '>'", None),
    "two operators": ("A(2)\nB(2) × > C(2)", "line 2, column 8: expected a factor, '(' or '{', not '>'", None),
    "no operator": ("A(2) B(2)", "line 1, column 6: expected an operator or a new line, not 'B'", None),
    "an unclosed parenthesis": (
        "(A(2) × B(3) > C(4)\nD(2)",
        "line 1, column 1: '(' is never closed; a ')' is missing",
        None,
    ),
    "a bracket too many": ("A(2)) > B(2)", "line 1, column 5: ')' closes nothing", None),
    "brackets that do not fit": ("A(2] > B(2)", "line 1, column 4: expected ')' for '(', not ']'", None),
    "an unclosed quote": (
        'A(2) > "cell type(3)',
        "line 1, column 8: the quoted name does not end on its line",
        r'close it with ", and write \n for a newline inside of it',
    ),
    "an unknown escape": (
        r'"a\q"(2)',
        r"line 1, column 3: '\q' is not an escape",
        r"the escapes are \" \\ \n \uXXXX and \UXXXXXXXX; write \\ for a backslash",
    ),
    "x for ×": (
        "A(2) x B(2)",
        "line 1, column 6: expected an operator or a new line, not 'x'",
        "for the operator write × (or *)",
    ),
    "✕ for ×": (
        "A(2) ✕ B(2)",
        "line 1, column 6: expected an operator or a new line, not '✕'",
        "for the operator write × (or *)",
    ),
    "◇ for ◊": (
        "A(2) ◇ B(2)",
        "line 1, column 6: expected an operator or a new line, not '◇'",
        "for the operator write ◊ (or <>)",
    ),
    "⋄ for ◊ without spaces": (
        "A⋄B",
        "line 1, column 2: '⋄' cannot be part of a name without quotes",
        "for the operator write ◊ (or <>)",
    ),
    "≃ for ≈≈": (
        "A(2) ≃ B(2)",
        "line 1, column 6: expected an operator or a new line, not '≃'",
        "for the operator write ≈≈ (or ~~)",
    ),
    "one equals sign": (
        "A(2) = B(2)",
        "line 1, column 6: expected an operator or a new line, not '='",
        "for a batch that processed units write ==",
    ),
    "a name that needs quotes": (
        "T-cell(4)",
        "line 1, column 2: expected a size, an operator or a new line, not '-'",
        'names with other characters are written in quotes: "T-cell"',
    ),
    "a name that begins with a number": (
        "10xRun(4)",
        "line 1, column 1: expected a factor, '(' or '{', not '10'",
        'names with other characters are written in quotes: "10xRun"',
    ),
    "a symbol in a name": (
        "A > B→(2)",
        "line 1, column 6: '→' cannot be part of a name without quotes",
        "for the operator write >",
    ),
    "a kind in a size": (
        "Site(3) > CellType(35:4)",
        "line 1, column 22: expected ')', not ':'",
        "did you mean CellType(35) : Kind(4)",
    ),
    "commas in a list": (
        "A(2) > B[3,4]",
        "line 1, column 11: expected ']' or '|', not ','",
        "the entries of a list are separated by |",
    ),
    "two tildes before a number": (
        "A(~~5)",
        "line 1, column 4: expected a number, not '~'",
        "an approximate number is written with one ~ in front",
    ),
    "a size of zero": ("A(2) > B(0)", "line 1, column 10: a size is a whole number above zero, not 0", None),
    "a broken size": ("A(2.5)", "line 1, column 3: a size is a whole number above zero, not 2.5", None),
    "a broken size in thousands": (
        "A(1.2345k)",
        "line 1, column 3: a size is a whole number above zero, not 1.2345k",
        None,
    ),
    "a huge size": ("A(" + "9" * 5000 + ")", "line 1, column 3: the largest size is 1000000000000000", None),
    "an empty size": ("A()", "line 1, column 3: expected '~', a number or '?', not ')'", None),
    "an unknown attribute": (
        "A(2){colour=red}",
        "line 1, column 6: 'colour' is no attribute; the attributes are kind, levels and column",
        None,
    ),
    "an unknown kind": (
        "A(2){kind=fixed}",
        "line 1, column 11: the kind of a factor is one of unit, treatment, observational, batch, classification",
        None,
    ),
    "a kind without a value": (
        "A(2){kind}",
        "line 1, column 6: the kind of a factor is one of unit, treatment, observational, batch, classification",
        None,
    ),
    "levels that are no list": (
        "A(2){levels=a}",
        "line 1, column 6: the levels of a factor are a list",
        "write levels=[first,second]",
    ),
    "a column that is a list": (
        "A(2){column=[a]}",
        "line 1, column 6: the column of a factor is one name",
        'write column="name"',
    ),
    "an attribute twice": (
        "A(2){kind=unit, kind=unit}",
        "line 1, column 17: the attribute kind is written twice",
        None,
    ),
    "a partial alias in braces": (
        "{A(2) ≈ B(3)} > C(2)",
        "line 1, column 7: expected a factor, '≈≈' or '}', not '≈'",
        "braces hold full aliases, ≈≈ (or ~~); a partial alias is a statement of its own: A ≈ B",
    ),
    "an alias of a chain": (
        "A(2) ≈≈ B(2) > C(3)",
        "line 1, column 6: '≈≈' without braces stands between single factors only",
        "put the aliased factors in braces: {A ≈≈ B}",
    ),
    "a label that is nested in": (
        "A(2) : B(2) > C(3)",
        "line 1, column 6: ':' is the last operation of a chain; nothing can be nested in a label or crossed with it",
        "give the label a statement of its own",
    ),
    "a label that is crossed": (
        "A(2) : B(2) × C(3)",
        "line 1, column 6: ':' is the last operation of a chain; nothing can be nested in a label or crossed with it",
        "give the label a statement of its own",
    ),
    "a label that is an expression": (
        "A(2) : (B(2) > C(3))",
        "line 1, column 6: ':' is followed by a single factor",
        "give every label a statement of its own",
    ),
    "two labels": (
        "A(2) : B(2) : C(3)",
        "line 1, column 13: expected an operator or a new line, not ':'",
        None,
    ),
    "a factor without a size, and a near one": (
        "Site(3) > Sample(2)\nBatch(2) == Sampel",
        "line 2, column 13: the factor 'Sampel' has no size anywhere",
        "did you mean Sample",
    ),
    "a factor without a size, in other letters": (
        "Site(3) > Sample(2)\nBatch(2) == sample",
        "line 2, column 13: the factor 'sample' has no size anywhere",
        "did you mean Sample",
    ),
    "a factor without a size": (
        "Site(3) > Sample",
        "line 1, column 11: the factor 'Sample' has no size anywhere",
        "write Sample(3), or Sample(?) if it is unknown",
    ),
    "two sizes": (
        "A(2) > B(3)\nC(2) > B(4)",
        "line 2, column 8: the factor 'B' has two sizes, (3) before and (4) here",
        None,
    ),
    "two kinds": (
        "A(2){kind=unit}\nA{kind=batch}",
        "line 2, column 1: the kind of 'A' was said before, and differently",
        None,
    ),
    "a circle": (
        "A(2) > B(3)\nB > A",
        "line 2, column 3: the factor 'A' would nest itself: A > B > A",
        None,
    ),
    "a factor crossed with itself": (
        "A(2) × A",
        "line 1, column 6: the factor 'A' is related to itself; a relation needs two factors",
        None,
    ),
    "nested and crossed": (
        "A(2) > B(3)\nC(2)\nA × B",
        "line 3, column 3: 'A' is nested with 'B' and crossed with it; a pair of factors has one relation",
        None,
    ),
    "fully and partly crossed": (
        "A(2) × B(3)\nA ◊ B",
        "line 2, column 3: 'A' is said to be both fully and partly crossed with 'B'; only one can hold",
        None,
    ),
    "fully and partly aliased": (
        "A(2) ≈≈ B(2)\nA ≈ B",
        "line 2, column 3: 'A' is said to be both fully and partly aliased with 'B'; only one can hold",
        None,
    ),
    "brackets nested too deeply": (
        "(" * 51 + "A(2)" + ")" * 51,
        "line 1, column 51: brackets are nested more than 50 deep; use several statements",
        None,
    ),
}


@pytest.mark.parametrize(("text", "sentence", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_explained(text, sentence, hint):
    with pytest.raises(GrammarError) as caught:
        loads(text)
    first, source, caret, *hints = str(caught.value).split("\n")
    assert first == sentence
    assert first.startswith(f"line {caught.value.line}, column {caught.value.column}: ")
    assert caret.strip() == "^"
    if "…" not in source:
        assert source == "  " + text.split("\n")[caught.value.line - 1]
        assert caret.index("^") == caught.value.column + 1
    assert hints == ([f"hint: {hint}"] if hint else [])


PICTURES = {
    "a tab takes one column": ("A(2)\t>\t> B(2)", "  A(2) > > B(2)", "         ^"),
    "a wide character takes two": ("細胞(2) >> B(2)", "  細胞(2) >> B(2)", "           ^"),
    "what a terminal would obey is shown escaped": ("\x1b(2) >> B", r"  \u001b(2) >> B", "  ^"),
    "a long line is cut": (
        f"{'A' * 80}(2) >> {'B' * 80}(2)",
        f"  …{'A' * 45}(2) >> {'B' * 48}…",
        " " * 53 + "^",
    ),
}


@pytest.mark.parametrize(("text", "source", "caret"), PICTURES.values(), ids=PICTURES)
def test_the_caret_stands_under_the_place(text, source, caret):
    with pytest.raises(GrammarError) as caught:
        loads(text)
    assert str(caught.value).split("\n")[1:3] == [source, caret]


HUGE = {
    "brackets": "(" * 100_000,
    "open lists": "[" * 99_000,
    "a long text": "A(2)\n" * 20_001,
    "a long name without a size": "A" * 100_000,
    "a long chain": " > ".join(f"A{index}(1)" for index in range(9_000)),
    "a wide level": " × ".join(f"A{index}(1)" for index in range(9_000)),
    "the same factor again and again": " × ".join(["A(1)"] * 12_000),
    "operators": "A(1)" + ">" * 99_000,
    "quotes": '"' * 99_999,
    "backslashes in quotes": '"' + "\\" * 99_000,
    "lines": "A >\n" * 24_000,
    "aliases": "{" + "A " * 40_000 + "}",
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_a_huge_text_is_refused_in_a_short_message(text):
    with pytest.raises(GrammarError) as caught:
        loads(text)
    assert len(str(caught.value)) < 600


def test_a_grammar_error_is_ours_and_a_value_error():
    with pytest.raises(EdvizError):
        loads(")")
    with pytest.raises(ValueError, match="closes nothing"):
        loads(")")
