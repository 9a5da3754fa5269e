"""Two designs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edviz.comparison.matching import By, Match, match_factors
from edviz.comparison.pooling import Pooling, judge_pooling
from edviz.comparison.statements import (
    Statement,
    content,
    implied_statements,
    renamed,
    similarity,
    stated,
    structure,
)
from edviz.comparison.subject import Subject
from edviz.comparison.traits import traits_of
from edviz.counts import CountRange
from edviz.grammar.spelling import spell
from edviz.model import Kind

MOST_LEVELS = 20
_SIGNS = {
    "nests": ">",
    "crossed": "×",
    "partly crossed": "◊",
    "aliased": "≈≈",
    "partly aliased": "≈",
    "classified by": ":",
    "processed in": "==",
}


@dataclass(frozen=True)
class FactorComparison:
    """A factor of either design and its counterpart; null where there is none.

    Attributes
    ----------
    by
        What the two were matched by: `name`, `spelling`, `levels` or `place` in the design.
    kind_a, kind_b
        Kinds, null where not stated.
    levels_a, levels_b
        Levels in all.
    common_levels
        Names of levels that both have, at most 20; null if the names are not known for both.
    n_common_levels
        How many they are.
    """

    a: str | None
    b: str | None
    by: By | None
    kind_a: Kind | None
    kind_b: Kind | None
    levels_a: CountRange | None
    levels_b: CountRange | None
    common_levels: tuple[str, ...] | None
    n_common_levels: int | None


@dataclass(frozen=True)
class Difference:
    """Something that both designs have, and its value in each."""

    what: str
    a: str
    b: str


@dataclass(frozen=True)
class Comparison:
    """What is the same and what differs between two designs.

    Attributes
    ----------
    structure_similarity
        Share of the statements about kinds of factors that both make; names and numbers play no part.
    content_similarity
        Share of the statements about factors, their kinds, numbers and relations that both make.
    same, differs
        Sentences.
    relations_in_both, relations_in_a, relations_in_b
        Relations that a design states; what it only implies is looked for in the other design, but not listed.
        Those of `relations_in_b` name the factors of `b`, the others those of `a`.
    """

    a: str
    b: str
    structure_similarity: float
    content_similarity: float
    same: tuple[str, ...]
    differs: tuple[str, ...]
    factors: tuple[FactorComparison, ...]
    relations_in_both: tuple[str, ...]
    relations_in_a: tuple[str, ...]
    relations_in_b: tuple[str, ...]
    numbers: tuple[Difference, ...]
    pooling: Pooling


def compare_designs(a: Subject, b: Subject) -> Comparison:
    """Compare two designs.

    Parameters
    ----------
    a, b
        The designs, from `edviz.comparison.subject_of`.

    Examples
    --------
    >>> from edviz.comparison import subject_of
    >>> found = compare_designs(subject_of("stim(2) > donor(8)"), subject_of("drug(2) > patient(8)"))
    >>> found.structure_similarity, found.content_similarity
    (1.0, 1.0)
    >>> [(each.a, each.b, each.by) for each in found.factors]
    [('stim', 'drug', 'place'), ('donor', 'patient', 'place')]
    """
    matches = match_factors(a, b)
    factors = tuple(_factors(a, b, matches))
    numbers = tuple(_numbers(a, b))
    names_a, names_b = _common_names(a, b, matches)
    holds_a, holds_b = (
        {renamed(each, names) for each in implied_statements(subject.design)}
        for subject, names in ((a, names_a), (b, names_b))
    )
    stated_a, stated_b = stated(a.design), stated(b.design)
    both = [each for each in stated_a if renamed(each, names_a) in holds_b]
    only_a = [each for each in stated_a if each not in both]
    only_b = [each for each in stated_b if renamed(each, names_b) not in holds_a]
    return Comparison(
        a=a.name,
        b=b.name,
        structure_similarity=similarity(structure(a.design), structure(b.design)),
        content_similarity=similarity(
            content(a.design, names_a, {name: a.total(name) for name in a.design.names}),
            content(b.design, names_b, {name: b.total(name) for name in b.design.names}),
        ),
        same=tuple(_same(factors, both, numbers)),
        differs=tuple(_differs(factors, only_a, only_b, numbers)),
        factors=factors,
        relations_in_both=tuple(map(written, both)),
        relations_in_a=tuple(map(written, only_a)),
        relations_in_b=tuple(map(written, only_b)),
        numbers=numbers,
        pooling=judge_pooling(a, b, matches),
    )


def _common_names(a: Subject, b: Subject, matches: Sequence[Match]) -> tuple[dict[str, str], dict[str, str]]:
    """Name the factors of both designs alike where they were matched; the others have names that no factor can have."""
    of_b = {match.b: match.a for match in matches}
    return {name: name for name in a.design.names}, {name: of_b.get(name, f"\0{name}") for name in b.design.names}


def _factors(a: Subject, b: Subject, matches: Sequence[Match]) -> Iterator[FactorComparison]:
    of_a = {match.a: match for match in matches}
    for name in a.design.names:
        match = of_a.get(name)
        yield _factor(a, b, name, None if match is None else match.b, None if match is None else match.by)
    matched = {match.b for match in matches}
    yield from (_factor(a, b, None, name, None) for name in b.design.names if name not in matched)


def _factor(a: Subject, b: Subject, one: str | None, other: str | None, by: By | None) -> FactorComparison:
    common = None
    if one is not None and other is not None and a.levels(one) and b.levels(other):
        others = set(b.levels(other))
        common = tuple(level for level in a.levels(one) if level in others)
    return FactorComparison(
        a=one,
        b=other,
        by=by,
        kind_a=None if one is None else a.design.factor(one).kind,
        kind_b=None if other is None else b.design.factor(other).kind,
        levels_a=None if one is None else a.total(one),
        levels_b=None if other is None else b.total(other),
        common_levels=None if common is None else common[:MOST_LEVELS],
        n_common_levels=None if common is None else len(common),
    )


def _numbers(a: Subject, b: Subject) -> Iterator[Difference]:
    one, other = traits_of(a), traits_of(b)
    for what in ("observations", "units", "conditions", "batches", "classes", "unit", "species", "counts"):
        yield Difference(what, *(_shown(getattr(traits, what)) for traits in (one, other)))


def _shown(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _same(
    factors: Sequence[FactorComparison], both: Sequence[Statement], numbers: Sequence[Difference]
) -> Iterator[str]:
    for each in factors:
        if each.a is not None and each.b is not None:
            called = each.a if each.a == each.b else f"{each.a} and {each.b}"
            yield f"Factor {called}, matched by {each.by}."
    for statement in both:
        yield f"{written(statement)} holds in both."
    for number in numbers:
        if number.a == number.b != "unknown":
            yield f"{number.what.capitalize()}: {number.a} in both."


def _differs(
    factors: Sequence[FactorComparison],
    only_a: Sequence[Statement],
    only_b: Sequence[Statement],
    numbers: Sequence[Difference],
) -> Iterator[str]:
    for each in factors:
        if each.a is None or each.b is None:
            yield f"Factor {each.a or each.b} is only in the {'first' if each.b is None else 'second'}."
            continue
        if each.kind_a != each.kind_b:
            yield _apart(each.a, each.kind_a or "no stated kind", each.kind_b or "no stated kind")
        if each.levels_a != each.levels_b and each.levels_a is not None and each.levels_b is not None:
            yield _apart(f"Levels of {each.a}", range_text(each.levels_a), range_text(each.levels_b))
    yield from (f"{written(statement)} holds only in the first." for statement in only_a)
    yield from (f"{written(statement)} holds only in the second." for statement in only_b)
    for number in numbers:
        if number.a != number.b:
            yield _apart(number.what.capitalize(), number.a, number.b)


def _apart(what: str, a: str, b: str) -> str:
    return f"{what}: {a} in the first, {b} in the second."


def written(statement: Statement) -> str:
    """Write a statement as a relation of the language.

    >>> written(("processed in", "Sample", "Lane"))
    'Lane == Sample'
    """
    word, *names = statement
    one, *others = map(spell, reversed(names) if word == "processed in" else names)
    return f" {_SIGNS[word]} ".join([one, *others])


def range_text(count: CountRange) -> str:
    """Write how many there are, about, from so many, or an unknown number."""
    if count.high is None:
        return "unknown" if count.low is None or count.low < 2 else f"{count.low:,} or more"
    number = f"{'~' if count.approximate else ''}{count.high:,}"
    return number if count.low == count.high else f"{count.low:,} to {number}"
