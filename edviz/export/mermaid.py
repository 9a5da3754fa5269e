"""The picture of a design as a Mermaid flowchart, which GitHub and many editors draw in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from edviz.export.drawing import Box, Drawing, Joint, Line, Link, Sign, drawing_of
from edviz.model import Design, Kind

CLASSES: Mapping[Kind, str] = {
    "unit": "fill:#eaf2fa,stroke:#26323d,color:#26323d",
    "treatment": "fill:#ffc971,stroke:#26323d,color:#26323d,stroke-width:3px",
    "observational": "fill:#d3ead0,stroke:#26323d,color:#26323d",
    "batch": "fill:#dcdcdc,stroke:#26323d,color:#26323d",
    "classification": "fill:#ffffff,stroke:#26323d,color:#26323d,stroke-dasharray:2 3",
}
SHAPES: Mapping[Kind | None, tuple[str, str]] = {
    "unit": ("(", ")"),
    "batch": ("[[", "]]"),
    "classification": ("(", ")"),
}
JOINTS: Mapping[Sign, str] = {"×": '(("×"))', "◊": '{"◊"}', "≈≈": '(["≈≈"])', "≈": '(["≈"])'}
LINES: Mapping[Link, str] = {
    "nests": "-->",
    "crosses": "---",
    "partial_crosses": "-.-",
    "confounded": "===",
    "partly_confounded": "-.-",
    "classifies": "-.-",
    "batch_effect": "===",
}
_HARMLESS = re.compile(r"[^\W_]|(?<=[^\W_])[_-](?=[^\W_])|[ ,]")


def to_mermaid(design: Design, *, totals: Mapping[str, int] | None = None) -> str:
    """Write the picture of a design as a Mermaid flowchart.

    Parameters
    ----------
    design
        The design.
    totals
        Levels in all that were counted in data, by factor; without them totals follow from the sizes.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> print(to_mermaid(loads("Donor(4) > Sample(2)")))
    flowchart TD
      f1("<b>Donor</b><br/>4<br/>unit"):::unit
      f2("<b>Sample</b><br/>2 each, 8 in all<br/>unit"):::unit
      f1 --> f2
      classDef unit fill:#eaf2fa,stroke:#26323d,color:#26323d
    <BLANKLINE>
    """
    return "\n".join(["flowchart TD", *(f"  {line}" for line in _lines(drawing_of(design, totals))), ""])


def _lines(drawing: Drawing) -> Iterator[str]:
    yield from map(_box, drawing.boxes)
    yield from map(_joint, drawing.joints)
    yield from map(_line, drawing.lines)
    used = {box.kind for box in drawing.boxes}
    yield from (f"classDef {kind} {style}" for kind, style in CLASSES.items() if kind in used)


def _box(box: Box) -> str:
    opened, closed = SHAPES.get(box.kind, ("[", "]"))
    label = "<br/>".join([f"<b>{_escaped(box.name)}</b>", *map(_escaped, box.details)])
    named = f":::{box.kind}" if box.kind else ""
    return f'{box.id}{opened}"{label}"{closed}{named}'


def _joint(joint: Joint) -> str:
    return f"{joint.id}{JOINTS[joint.sign]}"


def _line(line: Line) -> str:
    return f"{line.start} {LINES[line.link]} {line.end}"


def _escaped(text: str) -> str:
    """Write every character that Markdown, HTML or Mermaid might take for its own as an entity of Mermaid."""
    pieces = []
    position = 0
    for found in _HARMLESS.finditer(text):
        pieces += [f"#{ord(character)};" for character in text[position : found.start()]] + [found.group()]
        position = found.end()
    return "".join([*pieces, *(f"#{ord(character)};" for character in text[position:])])
