"""The edviz language: text to design and back.

design.lark    the language
lines.py       which newlines end a statement
syntax.py      text -> expressions (the only user of lark)
meaning.py     expressions -> relations -> Design
arrangement.py Design -> expressions
printer.py     expressions -> text
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edviz.lazy import importer

if TYPE_CHECKING:
    from edviz.grammar.parser import loads
    from edviz.grammar.printer import dumps

__all__ = ["dumps", "loads"]

__getattr__ = importer(__name__, {"dumps": "edviz.grammar.printer", "loads": "edviz.grammar.parser"})
