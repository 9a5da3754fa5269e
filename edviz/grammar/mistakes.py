"""Errors that help: the place, what was expected in words, and what was probably meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from edviz.errors import GrammarError

_LONGEST_EXCERPT = 100
_LONGEST_SENTENCE = 240

_LOOK_ALIKES = {
    "◇⋄♢⬦◆⟡": "◊ (or <>)",
    "✕✖⨯⨉╳❌⊗хХ": "× (or *)",
    "≃≅∼≋∿～": "≈≈ (or ~~)",
    "→›＞⟩≻▸➜/": ">",
    "：∶": ":",
    "═≡＝": "==",
}
"""Characters that are taken for an operator, and how the operator is written."""

_OPERATORS = {"NESTED", "CROSSED", "PARTLY_CROSSED", "LABELLED", "PROCESSED", "ALIASED", "PARTLY_ALIASED"}
_WORDS = {
    "NUMBER": "a number",
    "RPAR": "')'",
    "RSQB": "']'",
    "RBRACE": "'}'",
    "VBAR": "'|'",
    "COMMA": "','",
    "EQUAL": "'='",
    "QMARK": "'?'",
}
"""What a terminal of the grammar is called, where that does not depend on the place."""


class MistakeError(Exception):
    """A mistake in a text, known by its position; `grammar_error` shows it to the user.

    Parameters
    ----------
    sentence
        What is wrong and what would be right.
    place
        Position of the first character that does not fit, from 0.
    hint
        What was probably meant.
    """

    def __init__(self, sentence: str, place: int, *, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.place = place
        self.hint = hint


def grammar_error(text: str, mistake: MistakeError) -> GrammarError:
    """Show a mistake in its text: a sentence, the line with a caret under the place, and a hint."""
    place = min(mistake.place, len(text))
    start = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    line = text.count("\n", 0, place) + 1
    column = place - start + 1
    before, after = _excerpt(text[start:place], text[place : end if end >= 0 else len(text)])
    message = f"line {line}, column {column}: {_cut(mistake.sentence)}\n  {before}{after}\n  {' ' * _width(before)}^"
    if mistake.hint:
        message += f"\nhint: {_cut(mistake.hint)}"
    return GrammarError(message, line=line, column=column)


def _excerpt(before: str, after: str) -> tuple[str, str]:
    """Cut a line to what can be read, and make every character of it visible."""
    half = _LONGEST_EXCERPT // 2
    before = before if len(before) <= half else "…" + before[-half:]
    after = after if len(after) <= half else after[:half] + "…"
    return _visible(before), _visible(after).rstrip()


def _cut(sentence: str) -> str:
    """Shorten a sentence that names something very long."""
    half = _LONGEST_SENTENCE // 2
    return sentence if len(sentence) <= _LONGEST_SENTENCE else f"{sentence[:half]}…{sentence[-half:]}"


def _visible(text: str) -> str:
    return "".join(
        character if character.isprintable() else " " if character == "\t" else f"\\u{ord(character):04x}"
        for character in text
    )


def _width(text: str) -> int:
    """Columns of a terminal that the text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def unexpected(text: str, place: int, found: str, expected: Collection[str]) -> MistakeError:
    """Say that a text does not go on as it could.

    Parameters
    ----------
    text
        The whole text.
    place
        Position of what was found.
    found
        The token or character, empty at the end of the text.
    expected
        Names of the terminals that the grammar allows at the place.
    """
    what = _describe_expected(set(expected))
    shown = _describe_found(found)
    return MistakeError(f"expected {what}, not {shown}", place, hint=_hint(text, place, found, set(expected)))


def _describe_found(found: str) -> str:
    if not found:
        return "the end of the text"
    return "the end of the line" if found.startswith("\n") else f"'{_visible(found)}'"


def _describe_expected(expected: set[str]) -> str:
    starts_factor = {"NAME", "STRING"} <= expected and "NUMBER" not in expected
    words = []
    if {"NAME", "STRING", "NUMBER"} <= expected:
        words.append("a word in quotes or without" if "LSQB" not in expected else "a value")
    elif starts_factor:
        words.append("a factor")
    elif "NAME" in expected:
        words.append("one of the attributes kind, levels and column")
    if starts_factor and "LPAR" in expected:
        words += ["'('", "'{'"]
    elif "LPAR" in expected or ("LSQB" in expected and "NUMBER" not in expected):
        words.append("a size")
    if expected & {"NESTED", "CROSSED", "LABELLED", "PROCESSED"}:
        words.append("an operator")
    elif expected & {"ALIASED"}:
        words.append("'≈≈'")
    elif "TILDE" in expected and "NUMBER" in expected:
        words.append("'~'")
    words += [word for terminal, word in _WORDS.items() if terminal in expected and not _is_value(terminal, expected)]
    if "_NEWLINE" in expected and not starts_factor:
        words.append("a new line")
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) or "the end of the text"


def _is_value(terminal: str, expected: set[str]) -> bool:
    return terminal == "NUMBER" and {"NAME", "STRING"} <= expected


def look_alike_hint(character: str) -> str | None:
    """Say which operator a look-alike character was probably meant to be, if any."""
    for characters, operator in _LOOK_ALIKES.items():
        if character in characters:
            return f"for the operator write {operator}"
    return None


def _hint(text: str, place: int, found: str, expected: set[str]) -> str | None:
    if not found or found.startswith("\n"):
        return None
    if hint := _size_with_kind_hint(text, place) if found == ":" and "RPAR" in expected else None:
        return hint
    if "NESTED" in expected:
        return _operator_hint(text, place, found)
    if found in {"≈", "~", "≈≈", "~~"}:
        return _alias_hint(expected)
    if found == "," and "VBAR" in expected:
        return "the entries of a list are separated by |"
    if "NAME" in expected:
        return look_alike_hint(found[0]) or _quotes_hint(text, place)
    return None


def _size_with_kind_hint(text: str, place: int) -> str | None:
    start = text.rfind("(", 0, place)
    written = re.search(r"([^\s(]+)\s*$", text[:start]) if start >= 0 else None
    numbers = re.match(r"\(\s*([^\s:]+)\s*:\s*([^\s)]+)\s*\)", text[start:]) if start >= 0 else None
    if not written or not numbers:
        return None
    return f"did you mean {written.group(1)}({numbers.group(1)}) : Kind({numbers.group(2)})"


def _operator_hint(text: str, place: int, found: str) -> str | None:
    if found in {"x", "X"}:
        return "for the operator write × (or *)"
    if found == "=":
        return "for a batch that processed units write =="
    if found in {"~", "≈"}:
        return None
    return look_alike_hint(found[0]) or _quotes_hint(text, place)


def _alias_hint(expected: set[str]) -> str | None:
    if "NUMBER" in expected:
        return "an approximate number is written with one ~ in front"
    if "ALIASED" in expected:
        return "braces hold full aliases, ≈≈ (or ~~); a partial alias is a statement of its own: A ≈ B"
    return None


def _quotes_hint(text: str, place: int) -> str | None:
    """Suggest quotes where a word holds a character that a bare name cannot have."""
    word = r"[^\s\"#()\[\]{}|,×*◊<>:=≈~]"
    before = re.search(rf"{word}*$", text[:place])
    after = re.match(rf"{word}*", text[place:])
    found = (before.group() if before else "") + (after.group() if after else "")
    is_word = re.search(r"\w", found) and not re.fullmatch(r"[^\W\d]\w*", found)
    return f'names with other characters are written in quotes: "{_visible(found)}"' if is_word else None
