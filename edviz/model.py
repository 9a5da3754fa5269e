"""An experimental design as data: factors, and the relations between them.

A `Design` is always in normal form, so two designs that say the same compare equal,
whatever the order in which they were said:

- aliases are maximal groups, and a group takes part in every nesting and crossing as one factor;
- nesting is transitively reduced (``A > B > C`` does not also hold ``A > C``);
- a crossing that follows from a crossing of finer factors is dropped;
- a factor whose kind was not stated has the kind that its place implies, or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Literal, TypeVar, get_args

from edviz.errors import DesignError

Kind = Literal["unit", "treatment", "observational", "batch", "classification"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Count:
    """A number of levels; approximate ones are written with ``~``."""

    number: int
    approximate: bool = False


@dataclass(frozen=True)
class Factor:
    """A partition of the observations.

    Attributes
    ----------
    name
        Unique within a design.
    size
        ``None`` when unknown, one count (levels per parent), or one count per parent level.
    kind
        ``None`` when neither stated nor implied by the relations.
    levels
        Names of the levels, where known.
    column
        The obs column that holds the factor, where it differs from the name.
    """

    name: str
    size: tuple[Count, ...] | None = None
    kind: Kind | None = None
    levels: tuple[str, ...] = ()
    column: str | None = None


@dataclass(frozen=True)
class Nesting:
    """Each level of `inner` lies in one level of `outer`: ``outer > inner``."""

    outer: str
    inner: str


@dataclass(frozen=True)
class Crossing:
    """Levels of `a` occur with levels of `b`: ``a × b``, or ``a ◊ b`` when some combinations are missing.

    The two names are kept in alphabetical order, because the relation is symmetric.
    """

    a: str
    b: str
    partial: bool = False

    def __post_init__(self) -> None:
        if self.a > self.b:
            first, second = self.b, self.a
            object.__setattr__(self, "a", first)
            object.__setattr__(self, "b", second)


@dataclass(frozen=True)
class Aliasing:
    """The factors cannot be told apart: ``{a ≈≈ b}``; partial aliasing, ``a ≈ b``, holds for two.

    The names are kept in alphabetical order, because the relation is symmetric.
    """

    factors: tuple[str, ...]
    partial: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(sorted(set(self.factors))))


@dataclass(frozen=True)
class Classification:
    """`label` was measured on the levels of `unit`: ``unit : label``."""

    unit: str
    label: str


@dataclass(frozen=True)
class BatchEffect:
    """Each level of `unit` was processed in one level of `batch`: ``batch == unit``."""

    batch: str
    unit: str


Relation = Nesting | Crossing | Aliasing | Classification | BatchEffect
R = TypeVar("R", Nesting, Crossing, Aliasing, Classification, BatchEffect)


@dataclass(frozen=True, eq=False)
class Design:
    """Factors in the order of their first appearance, and the set of relations between them.

    Make one with `make_design`, which brings the relations into normal form.
    """

    factors: tuple[Factor, ...]
    relations: frozenset[Relation]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Design):
            return NotImplemented
        return frozenset(self.factors) == frozenset(other.factors) and self.relations == other.relations

    def __hash__(self) -> int:
        return hash((frozenset(self.factors), self.relations))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the factors, in the order of first appearance."""
        return tuple(factor.name for factor in self.factors)

    def factor(self, name: str) -> Factor:
        """Return the factor called `name`.

        Raises
        ------
        DesignError
            If there is none.
        """
        for factor in self.factors:
            if factor.name == name:
                return factor
        raise DesignError(f"no factor {name!r} in the design; the factors are {', '.join(self.names)}")

    @cached_property
    def nestings(self) -> tuple[Nesting, ...]:
        """Nestings in the order of the factors."""
        return tuple(self._sorted(Nesting))

    @cached_property
    def crossings(self) -> tuple[Crossing, ...]:
        """Crossings, full and partial, in the order of the factors."""
        return tuple(self._sorted(Crossing))

    @cached_property
    def aliasings(self) -> tuple[Aliasing, ...]:
        """Aliases, full and partial, in the order of the factors."""
        return tuple(self._sorted(Aliasing))

    @cached_property
    def classifications(self) -> tuple[Classification, ...]:
        """Classifications in the order of the factors."""
        return tuple(self._sorted(Classification))

    @cached_property
    def batch_effects(self) -> tuple[BatchEffect, ...]:
        """Batch effects in the order of the factors."""
        return tuple(self._sorted(BatchEffect))

    def parents(self, name: str) -> tuple[str, ...]:
        """Names of the factors that directly nest `name`."""
        return tuple(nesting.outer for nesting in self.nestings if nesting.inner == name)

    def children(self, name: str) -> tuple[str, ...]:
        """Names of the factors directly nested in `name`."""
        return tuple(nesting.inner for nesting in self.nestings if nesting.outer == name)

    def alias_group(self, name: str) -> tuple[str, ...]:
        """Names of all factors fully aliased with `name`, itself included, in the order of the factors."""
        for aliasing in self.aliasings:
            if not aliasing.partial and name in aliasing.factors:
                return tuple(factor for factor in self.names if factor in aliasing.factors)
        return (name,)

    def _sorted(self, kind: type[R]) -> Iterator[R]:
        position = {name: index for index, name in enumerate(self.names)}
        chosen = [relation for relation in self.relations if isinstance(relation, kind)]
        yield from sorted(chosen, key=lambda relation: [position[name] for name in factors_of(relation)])


def factors_of(relation: Relation) -> tuple[str, ...]:
    """Return the names of the factors that a relation speaks of."""
    match relation:
        case Nesting(outer, inner):
            return (outer, inner)
        case Crossing(a, b):
            return (a, b)
        case Aliasing(factors):
            return factors
        case Classification(unit, label):
            return (unit, label)
        case BatchEffect(batch, unit):
            return (batch, unit)


def make_design(factors: Iterable[Factor], relations: Iterable[Relation]) -> Design:
    """Bring factors and relations into normal form.

    Parameters
    ----------
    factors
        In the order in which they are to appear; each name once.
    relations
        In any order; they may repeat and imply each other.

    Raises
    ------
    DesignError
        If a name is used twice, a relation speaks of an unknown factor or relates a factor to
        itself, a partial alias holds for more than two factors, a factor nests itself through
        others, a size is not above zero, or two relations contradict each other.
    """
    factors = tuple(factors)
    names = [factor.name for factor in factors]
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise DesignError(f"the factor {min(repeated)!r} is defined twice; each name may stand for one factor only")
    relations = set(relations)
    _require_known_factors(names, relations)

    groups = _alias_groups(names, relations)
    _require_consistent_aliases(relations, groups)
    nestings = _reduced_nestings(names, _spread_nestings(relations, groups))
    ancestors = _ancestors(names, nestings)
    crossings = _reduced_crossings(_spread_crossings(relations, groups), nestings, ancestors)
    normal: set[Relation] = {Nesting(outer, inner) for outer, inner in nestings}
    normal.update(crossings)
    normal.update(Aliasing(group) for group in groups.values() if len(group) > 1)
    normal.update(relation for relation in relations if isinstance(relation, Aliasing) and relation.partial)
    normal.update(relation for relation in relations if isinstance(relation, Classification | BatchEffect))
    of_factor = _relations_of_each(names, normal)
    return Design(
        tuple(
            replace(
                factor,
                size=_canonical_size(factor, ancestors),
                kind=factor.kind or default_kind(factor.name, of_factor[factor.name]),
            )
            for factor in factors
        ),
        frozenset(normal),
    )


def default_kind(name: str, relations: Collection[Relation]) -> Kind | None:
    """Return the kind that the relations imply for a factor whose kind is not stated.

    What processed units is a batch, and what was measured on units is a classification. A factor
    on a nesting chain, or one that was processed or measured on, is a unit. A factor that is
    crossed or aliased and nested in nothing could be several things.
    """
    inner = any(isinstance(relation, Nesting) and relation.inner == name for relation in relations)
    children = [relation.inner for relation in relations if isinstance(relation, Nesting) and relation.outer == name]
    crossed = any(isinstance(relation, Crossing | Aliasing) and name in factors_of(relation) for relation in relations)
    if any(isinstance(relation, Classification) and relation.label == name for relation in relations):
        return "classification"
    if any(isinstance(relation, BatchEffect) and relation.batch == name for relation in relations):
        return "batch"
    measured = any(
        isinstance(relation, Classification | BatchEffect) and relation.unit == name for relation in relations
    )
    if inner or ((children or measured) and not crossed):
        return "unit"
    return None


def _relations_of_each(names: Iterable[str], relations: Iterable[Relation]) -> dict[str, list[Relation]]:
    """Map each factor to the relations that speak of it."""
    of_factor: dict[str, list[Relation]] = {name: [] for name in names}
    for relation in relations:
        for name in factors_of(relation):
            of_factor[name].append(relation)
    return of_factor


def _require_known_factors(names: Collection[str], relations: Collection[Relation]) -> None:
    known = set(names)
    for relation in relations:
        mentioned = factors_of(relation)
        for name in mentioned:
            if name not in known:
                raise DesignError(f"no factor {name!r} in the design; the factors are {', '.join(names)}")
        if len(set(mentioned)) < 2:
            raise DesignError(f"the factor {mentioned[0]!r} is related to itself; a relation needs two factors")


def _alias_groups(names: Iterable[str], relations: Iterable[Relation]) -> dict[str, tuple[str, ...]]:
    """Map each factor to its maximal group of full aliases."""
    groups = {name: {name} for name in names}
    for relation in relations:
        if isinstance(relation, Aliasing) and not relation.partial:
            merged = set().union(*(groups[name] for name in relation.factors))
            for name in merged:
                groups[name] = merged
    return {name: tuple(sorted(group)) for name, group in groups.items()}


def _require_consistent_aliases(relations: Iterable[Relation], groups: Mapping[str, tuple[str, ...]]) -> None:
    for relation in relations:
        if isinstance(relation, Aliasing) and relation.partial:
            first, second, *more = relation.factors
            if more:
                raise DesignError(f"a partial alias holds for two factors, not for {', '.join(relation.factors)}")
            if first in groups[second]:
                raise DesignError(
                    f"{first!r} is said to be both fully and partly aliased with {second!r}; only one can hold"
                )


def _spread_nestings(relations: Iterable[Relation], groups: Mapping[str, tuple[str, ...]]) -> set[tuple[str, str]]:
    spread = set()
    for relation in relations:
        if isinstance(relation, Nesting):
            if relation.inner in groups[relation.outer]:
                raise DesignError(
                    f"{relation.outer!r} is aliased with {relation.inner!r} and nests it; two factors have one relation"
                )
            spread |= {(outer, inner) for outer in groups[relation.outer] for inner in groups[relation.inner]}
    return spread


def _parents(names: Iterable[str], nestings: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Map each factor to those that nest it, in alphabetical order so that errors do not vary."""
    parents: dict[str, list[str]] = {name: [] for name in names}
    for outer, inner in sorted(nestings):
        parents[inner].append(outer)
    return parents


def _ancestors(names: Iterable[str], nestings: Collection[tuple[str, str]]) -> dict[str, set[str]]:
    """Map each factor to all factors that nest it, directly or through others."""
    parents = _parents(names, nestings)
    try:
        outer_first = tuple(TopologicalSorter(parents).static_order())
    except CycleError as error:
        cycle = error.args[1]
        raise DesignError(f"the factor {cycle[0]!r} would nest itself: {' > '.join(cycle)}") from None
    ancestors: dict[str, set[str]] = {}
    for name in outer_first:
        ancestors[name] = set(parents[name]).union(*(ancestors[parent] for parent in parents[name]))
    return ancestors


def _reduced_nestings(names: Collection[str], nestings: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Drop every nesting that follows from two others (transitive reduction)."""
    ancestors = _ancestors(names, nestings)
    parents = _parents(names, nestings)
    return {
        (outer, inner)
        for outer, inner in nestings
        if not any(outer in ancestors[other] for other in parents[inner] if other != outer)
    }


def _spread_crossings(relations: Iterable[Relation], groups: Mapping[str, tuple[str, ...]]) -> set[Crossing]:
    spread = set()
    for relation in relations:
        if isinstance(relation, Crossing):
            if relation.a in groups[relation.b]:
                raise DesignError(
                    f"{relation.a!r} is aliased with {relation.b!r} and crossed with it; two factors have one relation"
                )
            spread |= {Crossing(a, b, relation.partial) for a in groups[relation.a] for b in groups[relation.b]}
    return spread


def _reduced_crossings(
    crossings: set[Crossing], nestings: set[tuple[str, str]], ancestors: Mapping[str, set[str]]
) -> set[Crossing]:
    """Drop every crossing that follows from a full crossing of factors nested in the two."""
    for crossing in sorted(crossings, key=factors_of):
        if crossing.a in ancestors[crossing.b] or crossing.b in ancestors[crossing.a]:
            raise DesignError(
                f"{crossing.a!r} is nested with {crossing.b!r} and crossed with it; a pair of factors has one relation"
            )
        if crossing.partial and replace(crossing, partial=False) in crossings:
            raise DesignError(
                f"{crossing.a!r} is said to be both fully and partly crossed with {crossing.b!r}; only one can hold"
            )
    parents = _parents(ancestors, nestings)
    implied = _coarser_crossings((crossing for crossing in crossings if not crossing.partial), parents)
    return {crossing for crossing in crossings if crossing.partial or crossing not in implied}


def _coarser_crossings(full: Iterable[Crossing], parents: Mapping[str, Collection[str]]) -> set[Crossing]:
    """Return the crossings of what nests the crossed factors, each found once by climbing one parent at a time."""
    implied: set[Crossing] = set()
    waiting = list(full)
    while waiting:
        crossing = waiting.pop()
        climbed = {Crossing(parent, crossing.b) for parent in parents[crossing.a]}
        climbed |= {Crossing(crossing.a, parent) for parent in parents[crossing.b]}
        waiting.extend(climbed - implied)
        implied |= climbed
    return implied


def _canonical_size(factor: Factor, ancestors: Mapping[str, set[str]]) -> tuple[Count, ...] | None:
    """Write a list of equal entries as one count; at a root the entries are branches to be summed, so they stay."""
    if factor.size is None:
        return None
    if not factor.size or any(count.number < 1 for count in factor.size):
        raise DesignError(f"the size of {factor.name!r} must be whole numbers above zero")
    if len(set(factor.size)) == 1 and (ancestors[factor.name] or len(factor.size) == 1):
        return factor.size[:1]
    return factor.size
