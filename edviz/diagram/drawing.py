"""A design as a text diagram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edviz.diagram.foot import wrap_note, wrap_statement
from edviz.diagram.labels import factor_label, keys, name_label
from edviz.diagram.layout import COMPACT_MANNERS, MANNERS, Picture, draw
from edviz.diagram.notes import note_lines
from edviz.diagram.styles import ASCII, UNICODE, Arms, Style
from edviz.diagram.width import display_width, elide, pad, printable
from edviz.errors import OutputError
from edviz.model import Design

NARROWEST = 20
NARROWEST_WITH_LABELS = 40
"""In fewer columns, factors are called A, B, … and a legend says which is which."""
MARGIN = 2
"""Columns of the frame and the space beside it."""
NOTE_INDENT = "  "


def render(
    design: Design,
    *,
    width: int = 80,
    ascii: bool = False,
    title: str = "Design Structure",
    notes: Sequence[str] = (),
    text: str | None = None,
    totals: Mapping[str, int] | None = None,
) -> str:
    """Draw a design as text.

    Parameters
    ----------
    width
        The most columns that the diagram may have; it takes as few as it needs.
    ascii
        Use only printable ASCII characters.
    title
        Shown in the upper border.
    notes
        Lines to add to the notes at the foot.
    text
        The design in the edviz language, shown at the foot; if None, it is written by `edviz.grammar.dumps`.
    totals
        Levels in all that were counted in data, by factor; without them totals follow from the sizes.

    Returns
    -------
    str
        Lines of one and the same width, without a line break after the last one.

    Raises
    ------
    OutputError
        If `width` is less than 20 columns, or the design does not fit even with short names.
    """
    if width < NARROWEST:
        raise OutputError(f"a diagram needs at least {NARROWEST} columns; {width} were given")
    style = ASCII if ascii else UNICODE
    columns = width - 2 * MARGIN
    if text is None:
        from edviz.grammar import dumps

        text = dumps(design, ascii=ascii)
    labels = {factor.name: factor_label(factor, ascii=ascii, ellipsis=style.ellipsis) for factor in design.factors}
    names = {name: name_label(name, ascii=ascii) for name in design.names}
    picture = draw(design, labels, style, columns) if width >= NARROWEST_WITH_LABELS else None
    legend: list[str] = []
    if picture is None:
        names = dict(zip(design.names, keys(), strict=False))
        legend = [f"{names[name]} = {label}" for name, label in labels.items()]
        picture = draw(design, names, style, columns, (*MANNERS, *COMPACT_MANNERS))
    if picture is None:
        raise OutputError(f"a design of {len(design.factors)} factors does not fit into {width} columns")
    remarks = [*legend, *note_lines(design, names, style, picture.shown, picture.tags, totals or {})]
    remarks += [printable(line, ascii=ascii) for note in notes for line in note.splitlines()]
    return "\n".join(_framed(_blocks(picture, remarks, text, columns, ascii), title, width, style, ascii))


def _blocks(picture: Picture, remarks: Sequence[str], text: str, columns: int, ascii: bool) -> Iterator[list[str]]:
    """Yield the picture, the notes and the text, each broken into lines."""
    yield list(picture.rows) or ["(no factors)"]
    room = columns - len(NOTE_INDENT)
    yield [NOTE_INDENT + line for remark in remarks for line in wrap_note(remark, room)]
    yield [NOTE_INDENT + line for line in _statement_lines(_printable_lines(text, ascii), room)]


def _statement_lines(statements: Sequence[str], columns: int) -> list[str]:
    """Break all statements into lines; if one of them cannot be broken, say so and show none."""
    wrapped = [wrap_statement(statement, columns) for statement in statements]
    if None in wrapped:
        needed = max(display_width(statement) for statement in statements)
        return wrap_note(f"(its text needs {needed} columns)", columns)
    return [line for lines in wrapped if lines for line in lines]


def _printable_lines(text: str, ascii: bool) -> list[str]:
    """Return the lines of `text` that are not empty, without characters that do not print."""
    return [printable(line, ascii=ascii) for line in text.splitlines() if line.strip()]


def _framed(blocks: Iterator[list[str]], title: str, width: int, style: Style, ascii: bool) -> Iterator[str]:
    """Yield the blocks in a frame, with a blank row above each."""
    rows = [row for block in blocks if block for row in ("", *block)]
    title = elide(printable(title, ascii=ascii), width - 8, style.ellipsis)
    columns = max(display_width(row) for row in [*rows, title + "    "])
    yield _border(title, columns + 2, style, down=True)
    side = style.lines[Arms(up=1, down=1)]
    for row in rows:
        yield f"{side} {pad(row, columns)} {side}"
    yield _border("", columns + 2, style, down=False)


def _border(title: str, columns: int, style: Style, *, down: bool) -> str:
    """Return the upper border, with the title in its middle, or the lower one."""
    corners = [style.lines[Arms(up=not down, down=down, left=not right, right=right)] for right in (True, False)]
    words = f" {title} " if title else ""
    before = (columns - display_width(words)) // 2
    after = columns - display_width(words) - before
    return corners[0] + style.rule * before + words + style.rule * after + corners[1]
