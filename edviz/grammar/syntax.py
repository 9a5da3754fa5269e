"""Text to syntax tree. The only module that imports lark, which takes longer than all the rest."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, cast

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken

from edviz.grammar.expressions import (
    Alias,
    Braces,
    Chain,
    Expression,
    FactorTerm,
    Group,
    Labelling,
    Level,
    Operator,
    Processing,
    Size,
    Symbol,
)
from edviz.grammar.lines import join_lines
from edviz.grammar.mistakes import MistakeError, unexpected
from edviz.grammar.spelling import read_bare, read_quoted
from edviz.model import KINDS, Count

_LARGEST_NUMBER = 10**15
_MULTIPLIERS = {"k": 1_000, "m": 1_000_000}
_SYMBOLS: dict[str, Symbol] = {
    "NESTED": ">",
    "CROSSED": "×",
    "PARTLY_CROSSED": "◊",
    "LABELLED": ":",
    "PROCESSED": "==",
    "ALIASED": "≈≈",
    "PARTLY_ALIASED": "≈",
    "TILDE": "≈",
}


def parse(text: str) -> tuple[Expression, ...]:
    """Return the statements of a text.

    Raises
    ------
    MistakeError
        If the text is not in the language.
    """
    joined = join_lines(text)
    try:
        return cast(tuple[Expression, ...], _lark().parse(joined))
    except UnexpectedInput as error:
        raise _explain(joined, error) from None


@cache
def _lark() -> Lark:
    return Lark.open("design.lark", rel_to=__file__, parser="lalr", transformer=_ToExpressions())


def _explain(text: str, error: UnexpectedInput) -> MistakeError:
    if isinstance(error, UnexpectedToken):
        if error.token.type == "$END":
            return unexpected(text, len(text.rstrip()), "", error.accepts or error.expected)
        return unexpected(text, error.token.start_pos or 0, str(error.token), error.accepts or error.expected)
    place = error.pos_in_stream or 0
    return unexpected(text, place, text[place : place + 1], _accepted_after(text[:place]))


def _accepted_after(beginning: str) -> set[str]:
    """Return the terminals that can follow; what the lexer itself reports are those of all similar places."""
    parser = _lark().parse_interactive(beginning)
    parser.exhaust_lexer()
    accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]
    return accepted


class _Word(NamedTuple):
    """A name or value as it is meant, and where it is written."""

    text: str
    place: int


class _Attribute(NamedTuple):
    key: Token
    value: _Word | tuple[_Word, ...] | None


class _ToExpressions(Transformer[Token, Any]):
    """Builds the tree while the text is read: one method per rule of the grammar."""

    def start(self, children: list[Any]) -> tuple[Expression, ...]:
        return tuple(children)

    def alias(self, children: list[Any]) -> Alias:
        return Alias(*_operands_and_operators(children))

    def batch(self, children: list[Any]) -> Processing:
        return Processing(*_operands_and_operators(children))

    def chain(self, children: list[Any]) -> Chain:
        return Chain(*_operands_and_operators(children))

    def level(self, children: list[Any]) -> Level:
        return Level(*_operands_and_operators(children))

    def term(self, children: list[Any]) -> Labelling:
        return Labelling(*_operands_and_operators(children))

    def group(self, children: list[Any]) -> Expression:
        (content,) = children
        # Parentheses round a single factor say nothing.
        return content if isinstance(content, FactorTerm | Braces | Group) else Group(content)

    def braces(self, children: list[Any]) -> Braces:
        return Braces(tuple(child for child in children if isinstance(child, FactorTerm)))

    def factor(self, children: list[Any]) -> FactorTerm:
        name, *said = children
        size = next((part for part in said if isinstance(part, Size)), None)
        attributes = next((part for part in said if isinstance(part, dict)), {})
        return FactorTerm(name.text, size, place=name.place, **attributes)

    def name(self, children: list[Any]) -> _Word:
        (token,) = children
        read = read_quoted if token.type == "STRING" else read_bare
        return _Word(read(str(token), token.start_pos), token.start_pos)

    def per_parent(self, children: list[Any]) -> Size:
        return Size(tuple(children))

    def for_each_parent(self, children: list[Any]) -> Size:
        return Size(tuple(children))

    def unknown(self, children: list[Any]) -> Size:
        return Size(None)

    def count(self, children: list[Any]) -> Count:
        *tilde, number = children
        return Count(_whole_number(number), approximate=bool(tilde))

    def attributes(self, children: list[Any]) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        for attribute in children:
            if attribute.key in attributes:
                raise MistakeError(f"the attribute {attribute.key} is written twice", attribute.key.start_pos)
            attributes[str(attribute.key)] = _attribute_value(attribute)
        return attributes

    def attribute(self, children: list[Any]) -> _Attribute:
        key, *value = children
        return _Attribute(key, value[0] if value else None)

    def words(self, children: list[Any]) -> tuple[_Word, ...]:
        return tuple(children)

    def word(self, children: list[Any]) -> _Word:
        (token,) = children
        if token.type == "NUMBER":
            return _Word(str(token), token.start_pos)
        return self.name(children)


def _operands_and_operators(children: list[Any]) -> tuple[tuple[Expression, ...], tuple[Operator, ...]]:
    """Separate what the grammar delivers in turns: operand, operator, operand, ..."""
    operators = tuple(Operator(_SYMBOLS[token.type], token.start_pos) for token in children[1::2])
    return tuple(children[::2]), operators


def _whole_number(token: Token) -> int:
    """Read ``5000``, ``5_000``, ``5k`` or ``1.2m``."""
    digits = token.rstrip("kKmM").replace("_", "")
    number = Decimal(digits) * _MULTIPLIERS.get(token[-1].lower(), 1)
    place = token.start_pos or 0
    if number > _LARGEST_NUMBER:
        raise MistakeError(f"the largest size is {_LARGEST_NUMBER}", place)
    if number < 1 or number != int(number):
        raise MistakeError(f"a size is a whole number above zero, not {token}", place)
    return int(number)


def _attribute_value(attribute: _Attribute) -> str | tuple[str, ...]:
    key, value = attribute
    place = key.start_pos or 0
    match str(key), value:
        case "kind", _Word(text, _) if text in KINDS:
            return text
        case "kind", _:
            place = value.place if isinstance(value, _Word) else place
            raise MistakeError(f"the kind of a factor is one of {', '.join(KINDS)}", place)
        case "column", _Word(text, _):
            return text
        case "column", _:
            raise MistakeError("the column of a factor is one name", place, hint='write column="name"')
        case "levels", tuple(words) if not isinstance(words, _Word):
            return tuple(word.text for word in words)
        case "levels", _:
            raise MistakeError("the levels of a factor are a list", place, hint="write levels=[first,second]")
    raise MistakeError(f"{str(key)!r} is no attribute; the attributes are kind, levels and column", place)
