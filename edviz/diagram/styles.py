"""The drawings that a diagram is made of: one with box-drawing characters, one with ASCII only.

A style is a drawing. What a line character connects is read off the drawing, so a new style is
a new drawing and no table has to be kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Arms(NamedTuple):
    """Where a line character goes from the middle of its cell: 0 not there, 1 a single line, 2 a double line."""

    up: int = 0
    down: int = 0
    left: int = 0
    right: int = 0

    def __or__(self, other: Arms) -> Arms:
        return Arms(*(max(mine, theirs) for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Style:
    """Characters and words to draw with.

    Attributes
    ----------
    lines
        The character for each set of arms.
    nested, classified
        The head of an arrow to a nested factor, and to a classification.
    alias, crossed, partly_crossed
        What stands between neighbours; alias is repeated, and stands alone for a partial alias.
    between
        What stands between two factors in the notes, by the name of the relation.
    """

    lines: Mapping[Arms, str]
    nested: str
    classified: str
    alias: str
    crossed: str
    partly_crossed: str
    ellipsis: str
    between: Mapping[str, str]

    @property
    def rule(self) -> str:
        """A single horizontal line."""
        return self.lines[Arms(left=1, right=1)]

    @property
    def tag(self) -> str:
        """What stands before the number of a batch tag: a piece of the double line that it stands for."""
        return self.lines[Arms(left=2, right=2)]


def read_drawing(drawing: str, *, horizontal: int, vertical: int) -> dict[Arms, str]:
    """Map the arms of each character of a drawing to the character.

    A character has an arm towards each neighbour that is not a space.

    >>> lines = read_drawing("┌─┐", horizontal=1, vertical=1)
    >>> lines[Arms(left=1, right=1)]
    '─'
    """
    rows = drawing.strip("\n").splitlines()

    def drawn(y: int, x: int) -> bool:
        return 0 <= y < len(rows) and 0 <= x < len(rows[y]) and rows[y][x] != " "

    return {
        Arms(
            up=vertical * drawn(y - 1, x),
            down=vertical * drawn(y + 1, x),
            left=horizontal * drawn(y, x - 1),
            right=horizontal * drawn(y, x + 1),
        ): rows[y][x]
        for y in range(len(rows))
        for x in range(len(rows[y]))
        if drawn(y, x)
    }


UNICODE = Style(
    lines={
        **read_drawing(
            """
┌─┬─┐
│ │ │
├─┼─┤
│ │ │
└─┴─┘
""",
            horizontal=1,
            vertical=1,
        ),
        **read_drawing(
            """
╔═╦═╗
║ ║ ║
╠═╬═╣
║ ║ ║
╚═╩═╝
""",
            horizontal=2,
            vertical=2,
        ),
        Arms(1, 1, 2, 2): "╪",
    },
    nested="↓",
    classified=":",
    alias="≈",
    crossed="×",
    partly_crossed="◊",
    ellipsis="…",
    between={
        "nested": ">",
        "crossed": "×",
        "partly crossed": "◊",
        "aliased": "≈≈",
        "partly aliased": "≈",
        "classified": ":",
        "batch": "══",
    },
)

# Where two lines only cross, the vertical one goes over the other; a plus would say that they meet.
ASCII = Style(
    lines={
        **read_drawing(
            """
+-+-+
| | |
+-|-+
| | |
+-+-+
""",
            horizontal=1,
            vertical=1,
        ),
        **read_drawing(
            """
+=+=+
# # #
+=#=+
# # #
+=+=+
""",
            horizontal=2,
            vertical=2,
        ),
        Arms(1, 1, 2, 2): "|",
    },
    nested="v",
    classified=":",
    alias="~",
    crossed="*",
    partly_crossed="<>",
    ellipsis="...",
    between={
        "nested": ">",
        "crossed": "*",
        "partly crossed": "<>",
        "aliased": "~~",
        "partly aliased": "~",
        "classified": ":",
        "batch": "==",
    },
)
