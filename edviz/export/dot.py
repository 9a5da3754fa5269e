"""The picture of a design in DOT, the language of Graphviz.

Kinds differ in colour, and for print in grey also in outline: rounded, thick, thin, double, dotted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from edviz.export.drawing import Box, Drawing, Joint, Line, Link, Sign, drawing_of
from edviz.model import Design, Kind

INK, FAINT = "#26323d", "#5d6a76"
FONTS = "Helvetica,Arial,sans-serif"
BOX_STYLES: Mapping[Kind | None, str] = {
    "unit": 'style="rounded,filled" fillcolor="#eaf2fa"',
    "treatment": 'style="filled" fillcolor="#ffc971" penwidth="2.6"',
    "observational": 'style="filled" fillcolor="#d3ead0"',
    "batch": 'style="filled" fillcolor="#dcdcdc" peripheries="2"',
    "classification": 'style="rounded,filled,dotted" fillcolor="#ffffff" penwidth="1.4"',
    None: 'style="filled" fillcolor="#ffffff"',
}
JOINT_STYLES: Mapping[Sign, str] = {
    "×": 'shape="circle" width="0.3"',
    "◊": 'shape="diamond" width="0.42" height="0.42"',
    "≈≈": 'shape="box" width="0.42" height="0.24" color="#ffffff"',
    "≈": 'shape="box" width="0.3" height="0.24" color="#ffffff"',
}
DRAWN_SIGNS: Mapping[Sign, str] = {"×": "×", "◊": "", "≈≈": "≈≈", "≈": "≈"}
"""What a joint shows; the diamond is its own sign."""
LINE_STYLES: Mapping[Link, str] = {
    "nests": 'arrowhead="normal" arrowsize="0.8" weight="8"',
    "crosses": 'arrowhead="none"',
    "partial_crosses": 'arrowhead="none" style="dashed"',
    "confounded": f'arrowhead="none" color="{INK}:#ffffff:{INK}"',
    "partly_confounded": f'arrowhead="none" style="dashed" color="{INK}:#ffffff:{INK}"',
    "classifies": 'arrowhead="none" style="dotted" penwidth="1.8" weight="4"',
    "batch_effect": f'arrowhead="none" color="{FAINT}:#ffffff:{FAINT}" penwidth="1.6"',
}


def to_dot(design: Design, *, totals: Mapping[str, int] | None = None) -> str:
    """Write the picture of a design in DOT.

    Every factor is a box, with its name also as the attribute `factor`; `link` of a line says what it means.

    Parameters
    ----------
    design
        The design.
    totals
        Levels in all that were counted in data, by factor; without them totals follow from the sizes.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> print(to_dot(loads("Donor(4) > Sample(2)")).splitlines()[-2].strip())
    f1 -> f2 [arrowhead="normal" arrowsize="0.8" weight="8" link="nests"]
    """
    return "\n".join(["digraph design {", *(f"  {line}" for line in _lines(drawing_of(design, totals))), "}", ""])


def _lines(drawing: Drawing) -> Iterator[str]:
    yield f'graph [rankdir="TB" nodesep="0.45" ranksep="0.38" pad="0.2" fontname="{FONTS}" bgcolor="#ffffff"]'
    yield f'node [shape="box" fontname="{FONTS}" fontsize="13" fontcolor="{INK}" color="{INK}" margin="0.16,0.09"]'
    yield f'edge [fontname="{FONTS}" color="{INK}"]'
    yield from map(_box, drawing.boxes)
    yield from map(_joint, drawing.joints)
    yield from map(_line, drawing.lines)


def _box(box: Box) -> str:
    name = f"<b>{_markup(box.name)}</b>"
    small = [f'<br/><font point-size="10.5" color="{FAINT}">{_markup(line)}</font>' for line in box.details]
    return f"{box.id} [label=<{name}{''.join(small)}> factor={_quoted(box.name)} {BOX_STYLES[box.kind]}]"


def _joint(joint: Joint) -> str:
    style = JOINT_STYLES[joint.sign]
    look = f'{style} style="filled" fillcolor="#ffffff" fixedsize="true" margin="0" fontsize="14"'
    return f'{joint.id} [label="{DRAWN_SIGNS[joint.sign]}" sign="{joint.sign}" {look}]'


def _line(line: Line) -> str:
    return f'{line.start} -> {line.end} [{LINE_STYLES[line.link]} link="{line.link}"]'


def _markup(text: str) -> str:
    """Write text for a label like HTML; Graphviz puts the name of the node for a bare ``\\N`` even there.

    An empty element is a mistake to it, a blank is none.
    """
    return escape(text or " ", quote=True).replace("\\", "\\\\")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
