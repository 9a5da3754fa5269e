"""Which factor of one design is which of the other.

Factors are matched step by step, each step among those that are left: by the same name, by a name that
differs only in spelling, by shared names of levels, and by their place in the design. A step matches
only pairs that can be meant alone, so the order in which two designs are given does not matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from edviz.comparison.statements import implied_statements
from edviz.comparison.subject import Subject
from edviz.model import Design

By = Literal["name", "spelling", "levels", "place"]
LEAST_SHARED_LEVELS = 0.5
"""Share of the levels of the smaller factor that the other one must have, too."""
_ENDINGS = re.compile(r"(_?id|_?name|_?label|_?key|s)$")


@dataclass(frozen=True)
class Match:
    """A factor of one design and the one of the other that it stands for."""

    a: str
    b: str
    by: By


def match_factors(a: Subject, b: Subject) -> tuple[Match, ...]:
    """Match the factors of two designs, in the order of the first.

    Parameters
    ----------
    a, b
        The designs; with levels where they are known.
    """
    places_a, places_b = _places(a.design), _places(b.design)
    steps: Sequence[tuple[By, Callable[[list[str], list[str]], Iterable[tuple[str, str]]]]] = (
        ("name", lambda left, right: _alike(left, right, str, str)),
        ("spelling", lambda left, right: _alike(left, right, spelling, spelling)),
        ("levels", lambda left, right: _by_levels(a, b, left, right)),
        ("place", lambda left, right: _alike(left, right, places_a.__getitem__, places_b.__getitem__)),
    )
    left, right = list(a.design.names), list(b.design.names)
    found = []
    for by, pairs in steps:
        for one, other in list(pairs(left, right)):
            found.append(Match(one, other, by))
            left.remove(one)
            right.remove(other)
    return tuple(sorted(found, key=lambda match: a.design.names.index(match.a)))


def _alike(
    left: Iterable[str], right: Iterable[str], key: Callable[[str], Hashable], key_right: Callable[[str], Hashable]
) -> Iterable[tuple[str, str]]:
    """Yield the pairs with the same key that no other factor of either side has."""
    ones, others = _by_key(left, key), _by_key(right, key_right)
    for value, names in ones.items():
        partners = others.get(value, [])
        if value is not None and len(names) == len(partners) == 1:
            yield names[0], partners[0]


def _by_key(names: Iterable[str], key: Callable[[str], Hashable]) -> dict[Hashable, list[str]]:
    found: dict[Hashable, list[str]] = {}
    for name in names:
        found.setdefault(key(name), []).append(name)
    return found


def spelling(name: str) -> str:
    """Return what a name has in common with other spellings of it.

    >>> spelling("Donor_ID") == spelling("donors")
    True
    """
    folded = name.casefold().replace(" ", "_").replace("-", "_")
    return _ENDINGS.sub("", folded).replace("_", "") or folded


def _by_levels(a: Subject, b: Subject, left: list[str], right: list[str]) -> Iterable[tuple[str, str]]:
    """Yield the pairs of one kind of which each shares more levels with the other than with any third factor."""
    shares = {
        (one, other): share
        for one in left
        for other in right
        if (share := _shared_levels(a, b, one, other)) >= LEAST_SHARED_LEVELS
    }
    for (one, other), share in shares.items():
        rivals = [
            rival for pair, rival in shares.items() if pair != (one, other) and (pair[0] == one or pair[1] == other)
        ]
        if all(rival < share for rival in rivals):
            yield one, other


def _shared_levels(a: Subject, b: Subject, one: str, other: str) -> float:
    if a.design.factor(one).kind != b.design.factor(other).kind:
        return 0
    levels, others = set(a.levels(one)), set(b.levels(other))
    if not levels or not others or all(is_bare_label(level) for level in levels & others):
        return 0
    return len(levels & others) / min(len(levels), len(others))


def is_bare_label(level: str) -> bool:
    """Whether a level is a number or a single letter, which says nothing of what it labels."""
    return level.strip().isdecimal() or len(level.strip()) < 2


def _places(design: Design) -> dict[str, Hashable]:
    """Describe the place of each factor by its kind and what is said of it and of factors of which kind."""
    kinds = {factor.name: factor.kind for factor in design.factors}
    places: dict[str, Counter[tuple[str, int, str | None]]] = {name: Counter() for name in design.names}
    for word, first, second in implied_statements(design):
        ordered = word in ("nests", "classified by", "processed in")
        places[first][word, 0, kinds[second]] += 1
        places[second][word, 1 if ordered else 0, kinds[first]] += 1
    return {
        name: (kinds[name], frozenset(said.items())) if kinds[name] is not None and said else None
        for name, said in places.items()
    }
