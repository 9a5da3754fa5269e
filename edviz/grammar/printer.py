"""Design to text, in canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edviz.grammar.arrangement import Arrangement, arrange
from edviz.grammar.expressions import Braces, Expression, FactorTerm, Group, Processing, Size, Symbol, mentions
from edviz.grammar.spelling import spell, spell_quoted, spell_size
from edviz.model import Design, Factor

_ASCII: Mapping[Symbol, str] = {">": ">", "×": "*", "◊": "<>", ":": ":", "==": "==", "≈≈": "~~", "≈": "~"}


def dumps(design: Design, *, ascii: bool = False) -> str:
    """Write a design as a text in the edviz language.

    Parameters
    ----------
    design
        Made by `make_design` or by `loads`.
    ascii
        Whether to use only ASCII: ``*`` for ``×``, ``<>`` for ``◊``, ``~~`` for ``≈≈`` and ``~`` for ``≈``.

    Returns
    -------
    One statement a line, without a newline at the end; `loads` makes the same design of it.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> print(dumps(loads("Donor(4) > Sample(2) * Stimulus(3) > Cell(5k) : CellType(12)")))
    Donor(4) > (Sample(2) × Stimulus(3)) > Cell(5000) : CellType(12)
    """
    statements = _with_definitions(design, _stable_arrangement(design))
    return "\n".join(_text(statement, ascii) for statement in statements)


def _stable_arrangement(design: Design) -> Arrangement:
    """Arrange a design so that arranging what is read back gives the same.

    The order of first mention breaks ties, and what is read back has its factors in the order of the
    statements. So the design is arranged again in that order until nothing changes; if it goes round
    in circles, every design on the circle gets the same one of its arrangements.
    """
    seen: list[Arrangement] = []
    while (arrangement := arrange(design)) not in seen:
        seen.append(arrangement)
        design = Design(_in_order_of_mention(design, arrangement), design.relations)
    circle = seen[seen.index(arrangement) :]
    return min(circle, key=repr) if len(circle) > 1 else arrangement


def _in_order_of_mention(design: Design, arrangement: Arrangement) -> tuple[Factor, ...]:
    factors = {factor.name: factor for factor in design.factors}
    names = dict.fromkeys(mention.name for statement in arrangement.statements for mention in mentions(statement))
    return tuple(factors[name] for name in names)


def _with_definitions(design: Design, arrangement: Arrangement) -> list[Expression]:
    """Add size and attributes to the first mention of each factor.

    A unit is mentioned in the statement of its batch before its own statement, where the size belongs.
    """
    pending = {
        factor.name: FactorTerm(
            factor.name,
            Size(factor.size),
            arrangement.kinds.get(factor.name),
            factor.levels or None,
            factor.column,
        )
        for factor in design.factors
    }
    statements = [_with_batch_defined(statement, pending) for statement in arrangement.statements]
    statements = [
        statement if isinstance(statement, Processing) else _defined(statement, pending) for statement in statements
    ]
    return [_defined(statement, pending) for statement in statements]


def _with_batch_defined(statement: Expression, pending: dict[str, FactorTerm]) -> Expression:
    if not isinstance(statement, Processing):
        return statement
    batch, *units = statement.operands
    return replace(statement, operands=(_defined(batch, pending), *units))


def _defined(expression: Expression, pending: dict[str, FactorTerm]) -> Expression:
    match expression:
        case FactorTerm(name):
            return pending.pop(name, expression)
        case Braces(members):
            return Braces(tuple(pending.pop(member.name, member) for member in members))
        case Group(content):
            return Group(_defined(content, pending))
    return replace(expression, operands=tuple(_defined(operand, pending) for operand in expression.operands))


def _text(expression: Expression, ascii: bool) -> str:
    match expression:
        case FactorTerm():
            return _factor_text(expression, ascii)
        case Braces(members):
            return "{" + f" {_symbol('≈≈', ascii)} ".join(_factor_text(member, ascii) for member in members) + "}"
        case Group(content):
            return f"({_text(content, ascii)})"
    first, *others = (_text(operand, ascii) for operand in expression.operands)
    symbols = (_symbol(operator.symbol, ascii) for operator in expression.operators)
    return first + "".join(f" {symbol} {other}" for symbol, other in zip(symbols, others, strict=True))


def _symbol(symbol: Symbol, ascii: bool) -> str:
    return _ASCII[symbol] if ascii else symbol


def _factor_text(term: FactorTerm, ascii: bool) -> str:
    size = spell_size(term.size.counts) if term.size else ""
    attributes = []
    if term.kind is not None:
        attributes.append(f"kind={term.kind}")
    if term.levels is not None:
        attributes.append(f"levels=[{','.join(_level_text(level, ascii) for level in term.levels)}]")
    if term.column is not None:
        attributes.append(f"column={spell_quoted(term.column, ascii=ascii)}")
    return spell(term.name, ascii=ascii) + size + (f"{{{', '.join(attributes)}}}" if attributes else "")


def _level_text(level: str, ascii: bool) -> str:
    is_number = level.isascii() and level.isdigit()
    return level if is_number else spell(level, ascii=ascii)
