"""Comments and line ends: which newlines end a statement.

A newline ends a statement unless it is inside brackets or next to a binary operator. Everything that
does not is overwritten with spaces, so every position in the result is a position in the text.
"""

from __future__ import annotations

import re

from edviz.grammar.mistakes import MistakeError

MOST_CHARACTERS = 100_000
DEEPEST_BRACKETS = 50
"""Far above any design, and low enough for recursion over the syntax tree."""

_OPERATOR_ENDS = "><×*◊:=≈~"
_PARTS = re.compile(r'"(?:\\.|[^"\\\n])*"?|#[^\n]*|[()\[\]{}]|\n')
_BLANK = re.compile(r"\s+")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def unify_newlines(text: str) -> str:
    """Write every line end as a newline, and a byte order mark as a space."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return " " + text[1:] if text.startswith("\ufeff") else text


def join_lines(text: str) -> str:
    """Blank out comments and the newlines that do not end a statement.

    Parameters
    ----------
    text
        With newlines as the only line ends.

    Returns
    -------
    A text of the same length, in which every newline outside of quotes ends a statement.

    Raises
    ------
    MistakeError
        If the text is too long, a bracket or a quote is not closed, or brackets are nested too deeply.
    """
    if len(text) > MOST_CHARACTERS:
        raise MistakeError(f"the text has {len(text)} characters; a design has at most {MOST_CHARACTERS}", 0)
    return _BLANK.sub(_blank_next_to_operator, _blank_in_brackets(text))


def _blank_in_brackets(text: str) -> str:
    """Blank out comments, and newlines inside brackets."""
    open_brackets: list[re.Match[str]] = []

    def blank(part: re.Match[str]) -> str:
        found = part.group()
        if found.startswith('"'):
            _require_closed_quote(part)
        elif found in _CLOSING:
            open_brackets.append(part)
            _require_shallow(open_brackets)
        elif found in _CLOSING.values():
            _close(open_brackets, part)
        elif found.startswith("#") or open_brackets:
            return " " * len(found)
        return found

    blanked = _PARTS.sub(blank, text)
    if open_brackets:
        unclosed = open_brackets[-1]
        raise MistakeError(
            f"'{unclosed.group()}' is never closed; a '{_CLOSING[unclosed.group()]}' is missing", unclosed.start()
        )
    return blanked


def _require_closed_quote(part: re.Match[str]) -> None:
    if len(part.group()) < 2 or not part.group().endswith('"') or _ends_in_escaped_quote(part.group()):
        raise MistakeError(
            "the quoted name does not end on its line",
            part.start(),
            hint=r'close it with ", and write \n for a newline inside of it',
        )


def _ends_in_escaped_quote(quoted: str) -> bool:
    backslashes = len(quoted[:-1]) - len(quoted[:-1].rstrip("\\"))
    return backslashes % 2 == 1


def _require_shallow(open_brackets: list[re.Match[str]]) -> None:
    if len(open_brackets) > DEEPEST_BRACKETS:
        raise MistakeError(
            f"brackets are nested more than {DEEPEST_BRACKETS} deep; use several statements",
            open_brackets[-1].start(),
        )


def _close(open_brackets: list[re.Match[str]], closing: re.Match[str]) -> None:
    if not open_brackets:
        raise MistakeError(f"'{closing.group()}' closes nothing", closing.start())
    opening = open_brackets.pop().group()
    if _CLOSING[opening] != closing.group():
        raise MistakeError(f"expected '{_CLOSING[opening]}' for '{opening}', not '{closing.group()}'", closing.start())


def _blank_next_to_operator(blank: re.Match[str]) -> str:
    text, start, end = blank.string, blank.start(), blank.end()
    before = text[start - 1] if start else ""
    after = text[end] if end < len(text) else ""
    next_to_operator = any(character and character in _OPERATOR_ENDS for character in (before, after))
    return " " * len(blank.group()) if next_to_operator else blank.group()
