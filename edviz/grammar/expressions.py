"""What a text says, before it is given a meaning: the syntax tree of the language.

A statement is any expression. Operations keep their operands side by side, as they are written:
``A × B ◊ C`` is one `Level` of three operands and two operators.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edviz.model import Count, Kind

Symbol: TypeAlias = Literal[">", "×", "◊", ":", "==", "≈≈", "≈"]


@dataclass(frozen=True)
class Size:
    """The size written beside a factor; `counts` is ``None`` for ``(?)``."""

    counts: tuple[Count, ...] | None


@dataclass(frozen=True)
class FactorTerm:
    """One mention of a factor, with what is said about it there.

    Attributes
    ----------
    place
        Position of the first character in the text, from 0.
    """

    name: str
    size: Size | None = None
    kind: Kind | None = None
    levels: tuple[str, ...] | None = None
    column: str | None = None
    place: int = 0


@dataclass(frozen=True)
class Operator:
    """An operator in its Unicode spelling, and its position in the text."""

    symbol: Symbol
    place: int = 0


@dataclass(frozen=True)
class Braces:
    """Fully aliased factors: ``{A ≈≈ B}``."""

    members: tuple[FactorTerm, ...]


@dataclass(frozen=True)
class Group:
    """An expression in parentheses."""

    content: Expression


@dataclass(frozen=True)
class Operation:
    """Operands with one operator between each two neighbours."""

    operands: tuple[Expression, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True)
class Labelling(Operation):
    """``unit : label``."""


@dataclass(frozen=True)
class Level(Operation):
    """Operands joined by ``×`` and ``◊``."""


@dataclass(frozen=True)
class Chain(Operation):
    """Levels joined by ``>``."""


@dataclass(frozen=True)
class Processing(Operation):
    """Chains joined by ``==``."""


@dataclass(frozen=True)
class Alias(Operation):
    """Single factors joined by ``≈≈`` and ``≈``."""


Expression: TypeAlias = FactorTerm | Braces | Group | Labelling | Level | Chain | Processing | Alias


def mentions(expression: Expression) -> Iterator[FactorTerm]:
    """Yield every mention of a factor, from left to right."""
    match expression:
        case FactorTerm():
            yield expression
        case Braces(members):
            yield from members
        case Group(content):
            yield from mentions(content)
        case Operation(operands):
            for operand in operands:
                yield from mentions(operand)
