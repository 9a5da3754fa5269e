"""Breaking the notes and the text of a design into lines of a given width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from edviz.diagram.width import display_width, hard_pieces

STEP = 2
"""How much further lines are indented that go on from the line before."""
HEADING = re.compile(r"[A-Z][a-z ]+: ")
QUOTED = r'"(?:[^"\\]|\\.)*"'
BREAKS = (
    re.compile(rf"{QUOTED}|==|≈≈|~~|<>|[×*◊>≈]"),
    re.compile(rf"{QUOTED}|==|≈≈|~~|<>|[×*◊>≈:|,]"),
    re.compile(rf"{QUOTED}|==|≈≈|~~|<>|[×*◊>≈:|,({{\[]"),
)
"""What the language lets a new line follow, in the order of beauty; a quoted name must not be broken."""


def wrap_note(note: str, columns: int) -> list[str]:
    """Break a note at spaces, after a comma if there is one, or anywhere in a word that is too long."""
    return _filled(_words(note, columns - STEP), columns)


def wrap_statement(statement: str, columns: int) -> list[str] | None:
    """Break a statement of the language where that does not change its meaning; None if it cannot be that narrow."""
    lines = _filled(_clauses(statement, columns - STEP, BREAKS), columns)
    return lines if all(display_width(line) <= columns for line in lines) else None


def _filled(pieces: Iterable[str], columns: int) -> list[str]:
    """Put as many pieces on a line as fit; spaces at the ends of lines are left out."""
    lines: list[str] = []
    line = ""
    for piece in pieces:
        if line.strip() and display_width((line + piece).rstrip(" ")) > columns:
            lines.append(line.rstrip(" "))
            line = " " * STEP
        line += piece
    return [*lines, line.rstrip(" ")]


def _words(note: str, columns: int) -> Iterator[str]:
    """Yield the heading and the entries of a list whole where they fit, else their words, else pieces of words."""
    heading = HEADING.match(note)
    start = heading.end() if heading else 0
    for entry in (note[:start], *re.findall(r"[^,]*,? ?", note[start:])):
        if display_width(entry) <= columns:
            yield entry
        else:
            for word in re.findall(r"[^ ]* ?", entry):
                yield from hard_pieces(word, columns)


def _clauses(statement: str, columns: int, breaks: Sequence[re.Pattern[str]]) -> Iterator[str]:
    """Yield a statement in pieces, each up to a place where the language allows a new line."""
    for piece in _split(statement, breaks[0]):
        if len(breaks) > 1 and display_width(piece.rstrip(" ")) > columns:
            yield from _clauses(piece, columns, breaks[1:])
        else:
            yield piece


def _split(text: str, breaks: re.Pattern[str]) -> Iterator[str]:
    start = 0
    for match in breaks.finditer(text):
        if not match.group().startswith('"'):
            end = match.end() + (text[match.end() : match.end() + 1] == " ")
            yield text[start:end]
            start = end
    yield text[start:]
