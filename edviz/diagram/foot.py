"""Breaking the notes and the text of a design into lines of a given width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from edviz.diagram.width import display_width, hard_pieces

STEP = 2
"""How much further lines are indented that go on from the line before."""
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
    for breaks in BREAKS:
        lines = _filled(_clauses(statement, breaks), columns)
        if all(display_width(line) <= columns for line in lines):
            return lines
    return None


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
    """Yield the entries of a list whole where they fit, else their words, else pieces of words."""
    for entry in re.findall(r"[^,]*,? ?", note):
        if display_width(entry) <= columns:
            yield entry
        else:
            for word in re.findall(r"[^ ]* ?", entry):
                yield from hard_pieces(word, columns)


def _clauses(statement: str, breaks: re.Pattern[str]) -> Iterator[str]:
    """Yield a statement in pieces, each up to a place where the language allows a new line."""
    start = 0
    for match in breaks.finditer(statement):
        end = match.end()
        if not match.group().startswith('"'):
            end += statement[end : end + 1] == " "
            yield statement[start:end]
            start = end
    yield statement[start:]
