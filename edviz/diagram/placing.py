"""Where the labels of one part of a design stand: on which line, and from which column on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edviz.diagram.rows import Joint, Row
from edviz.diagram.styles import Style
from edviz.diagram.width import display_width

ARROW_INDENT = 3
"""Arrows leave and reach a label this far from its start."""
WRAP_INDENT = 6
"""Far enough for the arrows of the factors above to run down beside what is indented."""
GAP = 3
"""Spaces between two factors that are not joined."""
MOST_SWEEPS = 50


@dataclass(frozen=True)
class Place:
    """The place of a label: its line, its first column, the column after it and the one after its tag."""

    line: int
    x: int
    label_end: int
    end: int

    @property
    def anchor(self) -> int:
        """The column at which arrows leave and reach the label."""
        return min(self.x + ARROW_INDENT, self.label_end - 1)


@dataclass
class Placement:
    """Lines of labels, from the top, and the place of each label.

    Attributes
    ----------
    lines
        Names from left to right.
    tails
        The joint at the end of a line whose row goes on in the next line.
    """

    lines: list[list[str]] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    tails: dict[int, Joint | None] = field(default_factory=dict)
    joints: dict[str, Joint | None] = field(default_factory=dict)

    def is_free(self, line: int, x: int) -> bool:
        """Tell whether a line can run down through column `x` without touching a label or a joint."""
        names = self.lines[line]
        for index, name in enumerate(names):
            joined = index > 0 and self.joints[name] is not None
            start = self.places[names[index - 1]].end if joined else self.places[name].x
            if start - 1 <= x <= self.places[name].end + 1:
                return False
        return self.tails.get(line) is None or x <= self.places[names[-1]].end


def joint_text(joint: Joint | None, style: Style, columns: int = 0) -> str:
    """Return what stands between two labels, drawn out to `columns`.

    >>> from edviz.diagram.styles import UNICODE
    >>> joint_text("crossed", UNICODE), joint_text("crossed", UNICODE, 11)
    (' ──×── ', ' ────×──── ')
    """
    if joint is None:
        return " " * max(GAP, columns)
    if joint == "partly aliased":
        return f" {style.alias} ".center(columns)
    if joint == "aliased":
        return f" {style.alias * max(4, columns - 2)} "
    sign = style.crossed if joint == "crossed" else style.partly_crossed
    more = max(0, columns - len(sign) - 6)
    rule = style.rule
    return f" {rule * (2 + more // 2)}{sign}{rule * (2 + more - more // 2)} "


def tail_text(joint: Joint | None, style: Style) -> str:
    """Return what stands at the end of a line whose row goes on in the next one."""
    if joint is None:
        return ""
    return joint_text(joint, style).rstrip().rstrip(style.rule)


@dataclass(frozen=True)
class Request:
    """What is to be placed, and how.

    Attributes
    ----------
    rows
        From the top.
    labels
        The text of each factor.
    tags
        What is to be written behind each label.
    pointing, pointed_at
        The factors that an arrow leaves, and those that one reaches.
    aligned
        Child to parent, where the arrow should run straight down.
    columns
        The room that there is.
    wrap
        Let a row that is too wide go on in the next line.
    align
        Move parents to the right where their children cannot come further to the left.
    """

    rows: Sequence[Row]
    labels: Mapping[str, str]
    tags: Mapping[str, str]
    style: Style
    pointing: frozenset[str]
    pointed_at: frozenset[str]
    aligned: Mapping[str, str]
    columns: int
    wrap: bool
    align: bool


def place_labels(request: Request) -> Placement | None:
    """Place the labels row by row, each aligned child below its parent as far as possible; None if they do not fit."""
    least: dict[str, int] = {}
    for _ in range(MOST_SWEEPS):
        placement = Placement()
        for row in request.rows:
            _place_row(placement, row, request, least)
        if any(_end_of_line(placement, request, line) > request.columns for line in range(len(placement.lines))):
            return None
        moved = {
            parent: placement.places[child].x
            for child, parent in request.aligned.items()
            if request.align and placement.places[child].x > placement.places[parent].x
        }
        if not moved:
            return placement
        least |= moved
    return None


def _end_of_line(placement: Placement, request: Request, line: int) -> int:
    end = placement.places[placement.lines[line][-1]].end
    return end + display_width(tail_text(placement.tails.get(line), request.style))


def _place_row(placement: Placement, row: Row, request: Request, least: Mapping[str, int]) -> None:
    """Add a row as one line, or as several of which all but the first are indented."""
    wishes = {
        name: max(least.get(name, 0), placement.places[request.aligned[name]].x if name in request.aligned else 0)
        for name in row.names
    }
    lines = _lines_of(row, request, wishes, indent=0)
    if any(name in request.pointed_at for line in lines[1:] for name in line):
        lines = _lines_of(row, request, wishes, indent=WRAP_INDENT)
    placement.joints |= zip(row.names, row.joints, strict=True)
    for line in lines:
        number = len(placement.lines)
        placement.lines.append(list(line))
        placement.places |= {name: _place(request, name, number, x) for name, x in line.items()}
        if line is not lines[-1]:
            following = row.names[row.names.index(list(line)[-1]) + 1]
            placement.tails[number] = placement.joints[following]


def _place(request: Request, name: str, line: int, x: int) -> Place:
    label_end = x + display_width(request.labels[name])
    return Place(line, x, label_end, label_end + display_width(request.tags[name]))


def _lines_of(row: Row, request: Request, wishes: Mapping[str, int], indent: int) -> list[dict[str, int]]:
    """Return the first column of each label, line by line."""
    start = wishes[row.names[0]] + indent
    hanging = 0 if indent and request.pointing.isdisjoint(row.names) else WRAP_INDENT
    lines: list[dict[str, int]] = [{}]
    end = 0
    for name, joint, following in zip(row.names, row.joints, (*row.joints[1:], None), strict=True):
        width = display_width(request.labels[name] + request.tags[name])
        last = request.columns - width - display_width(tail_text(following, request.style))
        x = end + display_width(joint_text(joint, request.style)) if lines[-1] else start
        if request.wrap and lines[-1] and x > last:
            lines.append({})
            x = start + hanging
        if not request.wrap or wishes[name] <= last:
            x = max(x, wishes[name])
        if request.wrap and not lines[-1]:
            x = max(0, min(x, last))
        lines[-1][name] = x
        end = x + width
    return lines
