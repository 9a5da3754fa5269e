"""What expressions say: syntax tree to factors, relations and design.

A chain is read as levels. Every expression has *heads*, the factors that a level above it can nest, and
*tails*, the factors that nest the heads of a level below it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TypeAlias

from edviz.errors import DesignError
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
    mentions,
)
from edviz.grammar.mistakes import MistakeError
from edviz.grammar.spelling import spell, spell_size
from edviz.model import (
    Aliasing,
    BatchEffect,
    Classification,
    Crossing,
    Design,
    Factor,
    Kind,
    Nesting,
    Relation,
    make_design,
)

MOST_FACTORS = 500
"""In a text, and mentions in one statement; far above any design, and a bound for what one line can cost."""

Kinds: TypeAlias = Mapping[str, Kind]
"""The stated kinds, by factor."""


@dataclass(frozen=True)
class Claim:
    """A relation that a text states, and the position of the operator that states it."""

    relation: Relation
    place: int


@dataclass(frozen=True)
class Meaning:
    """What an expression states, and how levels above and below it attach.

    Attributes
    ----------
    heads
        What a level above nests; aliased factors in braces are one head.
    tails
        What nests a level below.
    """

    heads: tuple[tuple[str, ...], ...]
    tails: tuple[str, ...]
    claims: tuple[Claim, ...] = ()


def design_of(statements: Sequence[Expression]) -> Design:
    """Return the design that the statements of a text describe.

    Raises
    ------
    MistakeError
        If a factor has no size or two, or the statements contradict each other.
    """
    _require_bounded(statements)
    factors = defined_factors(statements)
    kinds = {factor.name: factor.kind for factor in factors if factor.kind}
    claims = claims_of(statements, kinds)
    relations = [claim.relation for claim in claims]
    try:
        return make_design(factors, relations)
    except DesignError as error:
        raise MistakeError(str(error), _first_contradiction(factors, claims)) from error


def claims_of(statements: Iterable[Expression], kinds: Kinds) -> tuple[Claim, ...]:
    """Return all that statements state about relations, each relation where it is first stated."""
    first: dict[Relation, Claim] = {}
    for statement in statements:
        for claim in meaning_of(statement, kinds).claims:
            first.setdefault(claim.relation, claim)
    return tuple(first.values())


def meaning_of(expression: Expression, kinds: Kinds) -> Meaning:
    """Return what an expression states, given the kinds that are stated anywhere in the text."""
    match expression:
        case FactorTerm(name):
            return Meaning(((name,),), (name,))
        case Braces(members):
            return _aliased(tuple(member.name for member in members), members[0].place)
        case Group(content):
            return meaning_of(content, kinds)
        case Labelling(operands, operators):
            return _labelling(operands, operators[0], kinds)
        case Level(operands, operators):
            _require_labels_last(operands)
            return _level([meaning_of(operand, kinds) for operand in operands], operators)
        case Chain(operands, operators):
            _require_labels_last(operands)
            return _chain([meaning_of(operand, kinds) for operand in operands], operators, kinds)
        case Processing(operands, operators):
            return _processing([meaning_of(operand, kinds) for operand in operands], operators)
        case Alias(operands, operators):
            return _alias(operands, operators)


def _aliased(names: tuple[str, ...], place: int) -> Meaning:
    claims = (Claim(Aliasing(names), place),) if len(names) > 1 else ()
    return Meaning((names,), names, claims)


def _labelling(operands: Sequence[Expression], operator: Operator, kinds: Kinds) -> Meaning:
    unit, label = operands
    if not isinstance(label, FactorTerm | Braces):
        raise MistakeError(
            "':' is followed by a single factor", operator.place, hint="give every label a statement of its own"
        )
    units, labels = meaning_of(unit, kinds), meaning_of(label, kinds)
    claims = _each_pair(Classification, units.tails, labels.tails, operator)
    return Meaning(units.heads, units.tails, (*units.claims, *labels.claims, *claims))


def _require_labels_last(operands: Sequence[Expression]) -> None:
    for operand in operands[:-1]:
        last = operand.operands[-1] if isinstance(operand, Level) else operand
        if isinstance(last, Labelling):
            raise MistakeError(
                "':' is the last operation of a chain; nothing can be nested in a label or crossed with it",
                last.operators[0].place,
                hint="give the label a statement of its own",
            )


def _level(operands: Sequence[Meaning], operators: Sequence[Operator]) -> Meaning:
    """Cross each operand with the tails of all operands to its left."""
    claims = [*operands[0].claims]
    tails = operands[0].tails
    for operator, operand in zip(operators, operands[1:], strict=True):
        partial = operator.symbol == "◊"
        claims += operand.claims
        claims += [Claim(Crossing(a, b, partial), operator.place) for a, b in product(tails, operand.tails)]
        tails = (*tails, *operand.tails)
    return Meaning(tuple(head for operand in operands for head in operand.heads), tails, tuple(claims))


def _chain(levels: Sequence[Meaning], operators: Sequence[Operator], kinds: Kinds) -> Meaning:
    claims = [*levels[0].claims]
    for operator, (above, below) in zip(operators, pairwise(levels), strict=True):
        claims += below.claims
        claims += _attachment(above.tails, below.heads, operator, kinds)
    return Meaning(levels[0].heads, levels[-1].tails, tuple(claims))


def _attachment(
    tails: Sequence[str], heads: Sequence[tuple[str, ...]], operator: Operator, kinds: Kinds
) -> Iterator[Claim]:
    """Nest those heads that are new for every level above; the others are shared between the levels above."""
    nested = nested_heads(heads, kinds)
    if nested:
        yield from _each_pair(Nesting, tails, [name for head in nested for name in head], operator)
    else:
        yield from _each_pair(Crossing, tails, [name for head in heads for name in head], operator)


def nested_heads(heads: Sequence[tuple[str, ...]], kinds: Kinds) -> tuple[tuple[str, ...], ...]:
    """Return the heads of a level that are nested in the level above.

    A single head is. Of several, units are; treatments and other stated kinds are shared; of those
    without a stated kind only the very first is nested, because that much the text does say.
    """
    if len(heads) == 1:
        return tuple(heads)
    nested_kinds = [{"unit", None} if index == 0 else {"unit"} for index in range(len(heads))]
    return tuple(head for head, kinds_here in zip(heads, nested_kinds, strict=True) if _kind(head, kinds) in kinds_here)


def _kind(head: Sequence[str], kinds: Kinds) -> Kind | None:
    """Return the stated kind of aliased factors: if one of them is a unit, they all are."""
    stated = [kinds[name] for name in head if name in kinds]
    return "unit" if "unit" in stated else next(iter(stated), None)


def _processing(chains: Sequence[Meaning], operators: Sequence[Operator]) -> Meaning:
    claims = [claim for chain in chains for claim in chain.claims]
    for operator, (batch, unit) in zip(operators, pairwise(chains), strict=True):
        claims += _each_pair(BatchEffect, batch.tails, unit.tails, operator)
    return Meaning(chains[-1].heads, chains[-1].tails, tuple(claims))


def _alias(operands: Sequence[Expression], operators: Sequence[Operator]) -> Meaning:
    _require_single_factors(operands, operators)
    names = tuple(operand.name for operand in operands if isinstance(operand, FactorTerm))
    claims = [
        Claim(Aliasing(pair, partial=operator.symbol == "≈"), operator.place)
        for operator, pair in zip(operators, pairwise(names), strict=True)
    ]
    return Meaning((names,), names, tuple(claims))


def _require_single_factors(operands: Sequence[Expression], operators: Sequence[Operator]) -> None:
    for operator, (left, right) in zip(operators, pairwise(operands), strict=True):
        if not (isinstance(left, FactorTerm) and isinstance(right, FactorTerm)):
            *_, before = mentions(left)
            after, *_ = mentions(right)
            hint = None
            if operator.symbol == "≈≈":
                hint = f"put the aliased factors in braces: {{{spell(before.name)} ≈≈ {spell(after.name)}}}"
            raise MistakeError(
                f"'{operator.symbol}' without braces stands between single factors only", operator.place, hint=hint
            )


def _each_pair(
    relation: type[Nesting] | type[Crossing] | type[Classification] | type[BatchEffect],
    left: Iterable[str],
    right: Iterable[str],
    operator: Operator,
) -> list[Claim]:
    return [Claim(relation(first, second), operator.place) for first, second in product(left, right)]


def _first_contradiction(factors: Sequence[Factor], claims: Sequence[Claim]) -> int:
    """Return the place of the first claim that cannot hold together with those before it."""
    consistent, contradictory = 0, len(claims)
    while contradictory - consistent > 1:
        middle = (consistent + contradictory) // 2
        if _is_consistent(factors, claims[:middle]):
            consistent = middle
        else:
            contradictory = middle
    return claims[contradictory - 1].place


def _is_consistent(factors: Sequence[Factor], claims: Sequence[Claim]) -> bool:
    try:
        make_design(factors, [claim.relation for claim in claims])
    except DesignError:
        return False
    return True


def _require_bounded(statements: Iterable[Expression]) -> None:
    names = set()
    for statement in statements:
        for count, mention in enumerate(mentions(statement), start=1):
            names.add(mention.name)
            if max(count, len(names)) > MOST_FACTORS:
                raise MistakeError(
                    f"a design has at most {MOST_FACTORS} factors, and so has a statement", mention.place
                )


def defined_factors(statements: Iterable[Expression]) -> tuple[Factor, ...]:
    """Collect what is said about each factor anywhere, in the order of first mention.

    Raises
    ------
    MistakeError
        If a factor is said to be different things, or has no size anywhere.
    """
    definitions: dict[str, FactorTerm] = {}
    for mention in (mention for statement in statements for mention in mentions(statement)):
        known = definitions.get(mention.name)
        definitions[mention.name] = _combined(known, mention) if known else mention
    sized = [name for name, definition in definitions.items() if definition.size]
    for definition in definitions.values():
        if not definition.size:
            raise _never_sized(definition, sized)
    return tuple(_factor(definition) for definition in definitions.values())


def _factor(definition: FactorTerm) -> Factor:
    size = definition.size.counts if definition.size else None
    return Factor(definition.name, size, definition.kind, definition.levels or (), definition.column)


def _combined(known: FactorTerm, mention: FactorTerm) -> FactorTerm:
    if known.size and mention.size and known.size != mention.size:
        sizes = f"{spell_size(known.size.counts)} before and {spell_size(mention.size.counts)} here"
        raise MistakeError(f"the factor {mention.name!r} has two sizes, {sizes}", mention.place)
    for what in ("kind", "levels", "column"):
        before, now = getattr(known, what), getattr(mention, what)
        if before is not None and now is not None and before != now:
            raise MistakeError(f"the {what} of {mention.name!r} was said before, and differently", mention.place)
    return replace(
        known,
        size=known.size or mention.size,
        kind=known.kind or mention.kind,
        levels=mention.levels if known.levels is None else known.levels,
        column=mention.column if known.column is None else known.column,
    )


def _never_sized(mention: FactorTerm, sized: Sequence[str]) -> MistakeError:
    folded = {name.casefold(): name for name in sized}
    near = difflib.get_close_matches(mention.name.casefold(), folded, n=1)
    name = spell(mention.name)
    hint = f"did you mean {spell(folded[near[0]])}" if near else f"write {name}(3), or {name}(?) if it is unknown"
    return MistakeError(f"the factor {mention.name!r} has no size anywhere", mention.place, hint=hint)
