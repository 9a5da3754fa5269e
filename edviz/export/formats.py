"""A design in the format that is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from edviz.description import describe_design
from edviz.diagram import render
from edviz.export.dot import to_dot
from edviz.export.graph import to_graphml
from edviz.export.mermaid import to_mermaid
from edviz.export.picture import to_png, to_svg
from edviz.model import Design
from edviz.plain import to_plain

TextFormat: TypeAlias = Literal["text", "json", "dot", "graphml", "mermaid", "svg"]
Format: TypeAlias = Literal["text", "json", "dot", "graphml", "mermaid", "svg", "png"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: Mapping[str, Format] = {
    ".txt": "text",
    ".json": "json",
    ".dot": "dot",
    ".gv": "dot",
    ".graphml": "graphml",
    ".mmd": "mermaid",
    ".svg": "svg",
    ".png": "png",
}
"""What the name of a file says of its format."""


def export_text(
    design: Design,
    form: TextFormat,
    *,
    width: int = 80,
    ascii: bool = False,
    totals: Mapping[str, int] | None = None,
) -> str:
    """Write a design in a format of text.

    Parameters
    ----------
    design
        The design.
    form
        The format; `json` is the whole description of the design.
    width
        Most columns that a text diagram may take.
    ascii
        Whether only ASCII is written; other characters of names become escapes of the format.
    totals
        Levels in all that were counted in data, by factor; without them totals follow from the sizes.

    Returns
    -------
    The text, with a line break at the end.

    Raises
    ------
    OutputError
        If the design cannot be drawn in that width, or Graphviz is needed and not installed.
    """
    text = _written(design, form, width, ascii, totals)
    return _escaped(text, form) if ascii else text


def _written(design: Design, form: TextFormat, width: int, ascii: bool, totals: Mapping[str, int] | None) -> str:
    match form:
        case "text":
            return render(design, width=width, ascii=ascii, totals=totals) + "\n"
        case "json":
            described = to_plain(describe_design(design, width=width, ascii=ascii, totals=totals))
            return json.dumps(described, indent=2, ensure_ascii=True) + "\n"
        case "dot":
            return to_dot(design, totals=totals)
        case "graphml":
            return to_graphml(design, totals=totals)
        case "mermaid":
            return to_mermaid(design, totals=totals)
        case "svg":
            return to_svg(design, totals=totals)


def export_bytes(
    design: Design,
    form: Format,
    *,
    width: int = 80,
    ascii: bool = False,
    totals: Mapping[str, int] | None = None,
) -> bytes:
    """Write a design in any format, as the bytes of a file; text is UTF-8.

    Parameters
    ----------
    design, form, width, ascii, totals
        As for `export_text`.

    Raises
    ------
    OutputError
        As for `export_text`.
    """
    if form == "png":
        return to_png(design, totals=totals)
    return export_text(design, form, width=width, ascii=ascii, totals=totals).encode("utf-8")


def _escaped(text: str, form: TextFormat) -> str:
    """Write characters beyond ASCII as Mermaid or XML do; Graphviz reads the escapes of XML, too."""
    if form == "mermaid":
        return "".join(character if character.isascii() else f"#{ord(character)};" for character in text)
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
