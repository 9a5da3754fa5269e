"""The edviz language: text to design and back.

design.lark    the language
lines.py       which newlines end a statement
syntax.py      text -> expressions (the only user of lark)
meaning.py     expressions -> relations -> Design
arrangement.py Design -> expressions
printer.py     expressions -> text
"""

from edviz.grammar.parser import loads
from edviz.grammar.printer import dumps

__all__ = ["dumps", "loads"]
