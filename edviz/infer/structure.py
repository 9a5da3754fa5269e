"""From judged relations to the smallest design that tells them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from edviz.checks import check_design
from edviz.counting.rows import n_distinct
from edviz.errors import DesignError
from edviz.infer.facts import Facts
from edviz.infer.kinds import clearest
from edviz.infer.labels import labels_of_combinations
from edviz.infer.lexicon import MOST_LEVELS_OF_A_CONDITION, is_attribute, words_of
from edviz.infer.pair_tables import combine
from edviz.model import (
    Aliasing,
    BatchEffect,
    Classification,
    Count,
    Crossing,
    Design,
    Factor,
    Kind,
    Nesting,
    Relation,
    make_design,
)

MOST_NODES = 9
LONGEST_LIST = 20


@dataclass(frozen=True)
class Roles:
    """Which columns the design shows, and as what.

    Attributes
    ----------
    factors
        Columns on the nesting and crossing part of the design, in stored order.
    batches
        Technical columns that are drawn as batches of what they determine.
    label
        The column that classifies observations, or None.
    row
        Name of the factor whose levels are the observations.
    attributes, left_out
        Unit-level columns that are not shown: attributes of units, and the rest.
    """

    factors: tuple[str, ...]
    batches: tuple[str, ...]
    label: str | None
    row: str
    attributes: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """All columns that the design shows."""
        return (*self.factors, *self.batches, *((self.label,) if self.label else ()))


def assign_roles(facts: Facts) -> Roles:
    """Choose the columns that make the smallest design that says what matters."""
    unit_level = _representatives(facts, [name for name in facts.names if _is_structural(facts, name)])
    attributes = [name for name in unit_level if _is_only_attribute(facts, name)]
    if not any(facts.kinds[name] in ("treatment", "observational") for name in unit_level if name not in attributes):
        # What most studies only record is what this one is about, where nothing else differs between units.
        attributes = [name for name in attributes if not _is_replicated(facts, name)]
    labels = labels_of_combinations(facts)
    attributes += [name for name in unit_level if name in labels and name not in attributes]
    candidates = [name for name in unit_level if name not in attributes]
    within = _representatives(facts, [name for name in facts.names if _is_factor_within_units(facts, name)])
    factors = [name for name in candidates if facts.kinds[name] != "batch"] + within
    batches = [name for name in candidates if facts.kinds[name] == "batch"]
    needed = _batches_that_make_the_unit(facts, factors, batches)
    factors, batches = factors + needed, [name for name in batches if name not in needed]
    batches += _representatives(facts, [name for name in facts.names if _is_batch_of_observations(facts, name)])
    ranked = sorted(factors, key=lambda name: _rank(facts, name))
    kept = ranked[:MOST_NODES]
    kept_batches = sorted(batches, key=lambda name: _rank(facts, name))[: max(0, MOST_NODES - len(kept))]
    left_out = [name for name in (*factors, *batches) if name not in kept and name not in kept_batches]
    row = _row_name(facts, (*kept, *kept_batches))
    return Roles(
        factors=tuple(sorted(kept, key=facts.names.index)),
        batches=tuple(sorted(kept_batches, key=facts.names.index)),
        label=_best_label(facts),
        row=row,
        attributes=tuple(attributes),
        left_out=tuple(left_out),
    )


def build_design(facts: Facts, roles: Roles) -> Design:
    """Write the relations of the chosen columns as a design, with sizes and kinds."""
    relations: list[Relation] = [*_aliases(facts, roles), *_nestings(facts, roles.factors)]
    relations += _crossings(facts, roles.factors)
    relations += _rows(facts, roles)
    # A batch that an alias shows needs no lane of its own.
    aliased = {name for relation in relations if isinstance(relation, Aliasing) for name in relation.factors}
    relations += [BatchEffect(name, _processed_in(facts, roles, name)) for name in roles.batches if name not in aliased]
    if roles.label is not None:
        relations.append(Classification(roles.row, roles.label))
    names = [*_in_order(facts, roles), roles.row, *roles.batches, *((roles.label,) if roles.label else ())]
    kinds: dict[str, Kind] = {**facts.kinds, roles.row: "unit"}
    if roles.label is not None:
        kinds[roles.label] = "classification"
    outline = _consistent_design([Factor(name, kind=kinds[name]) for name in names], relations)
    sized = [replace(factor, size=_size(facts, roles, outline, factor.name)) for factor in outline.factors]
    return _with_fitting_sizes(make_design(sized, outline.relations))


def _with_fitting_sizes(design: Design) -> Design:
    """Write the mean for a list of sizes without an entry for each level above it, as where values are missing."""
    wrong = {remark.factors[-1] for remark in check_design(design) if remark.id == "list-length"}
    factors = [
        replace(factor, size=_written([count.number for count in factor.size], as_list=False))
        if factor.name in wrong and factor.size
        else factor
        for factor in design.factors
    ]
    return make_design(factors, design.relations) if wrong else design


def _consistent_design(factors: Sequence[Factor], relations: Sequence[Relation]) -> Design:
    """Make a design of the relations, leaving out those that contradict earlier ones.

    Pairs are judged on the rows where both have a value, so with missing values three factors can
    be related in ways that no complete table allows.
    """
    try:
        return make_design(factors, relations)
    except DesignError:
        kept: list[Relation] = []
        for relation in relations:
            with suppress(DesignError):
                make_design(factors, [*kept, relation])
                kept.append(relation)
        return make_design(factors, kept)


def _is_structural(facts: Facts, name: str) -> bool:
    if facts.unit_table is None:
        return facts.kinds[name] != "classification" and facts.confidence[name] != "low"
    return facts.is_unit_level(name) and facts.kinds[name] != "classification"


def _is_factor_within_units(facts: Facts, name: str) -> bool:
    if facts.unit_table is None or facts.is_unit_level(name):
        return False
    return facts.kinds[name] in ("treatment", "unit", "observational") and facts.confidence[name] != "low"


def _is_batch_of_observations(facts: Facts, name: str) -> bool:
    return facts.unit_table is not None and not facts.is_unit_level(name) and facts.kinds[name] == "batch"


def _is_only_attribute(facts: Facts, name: str) -> bool:
    """Whether a column describes units without grouping them."""
    if name in facts.given_kinds or facts.kinds[name] != "observational" or facts.unit_table is None:
        return False
    if is_attribute(name):
        return True
    n_levels, n_units = facts.n_levels(name), len(facts.codes(name))
    return n_levels > MOST_LEVELS_OF_A_CONDITION and n_levels > 0.6 * n_units


def _is_replicated(facts: Facts, name: str) -> bool:
    """Whether at least two levels of a unit-level column have several units each."""
    return sum(n > 1 for n in facts.units_per_level(name).values()) > 1


def _representatives(facts: Facts, names: Sequence[str]) -> list[str]:
    """Choose one column for each partition, and two where it is both a condition and something else."""
    chosen, seen = [], set()
    for name in names:
        if name in seen:
            continue
        group = [name, *(other for other in facts.same_as[name] if other in names)]
        seen.update(group)
        best = clearest([other for other in group if not _gives_way(facts, other, group)], facts.kinds)
        chosen.append(best)
        chosen += [other for other in group if other != best and other in facts.given_kinds]
        conditions = [other for other in group if _is_condition(facts, other)]
        batches = [other for other in group if facts.kinds[other] == "batch"]
        if facts.kinds[best] == "unit" and conditions:
            chosen.append(clearest(conditions, facts.kinds))
        elif conditions and batches:
            chosen.append(clearest(batches, facts.kinds))
    return list(dict.fromkeys(chosen))


def _gives_way(facts: Facts, name: str, group: Sequence[str]) -> bool:
    """Whether an attribute such as sex is the same partition as a condition, which a study is rather about."""
    conditions = [other for other in group if _is_condition(facts, other)]
    return bool(conditions) and name not in conditions and facts.kinds[name] in ("treatment", "observational")


def _is_condition(facts: Facts, name: str) -> bool:
    if facts.kinds[name] not in ("treatment", "observational") or facts.confidence[name] == "low":
        return False
    return not is_attribute(name) and facts.n_levels(name) <= MOST_LEVELS_OF_A_CONDITION


def _rank(facts: Facts, name: str) -> tuple[int, int, int]:
    order: tuple[Kind, ...] = ("unit", "treatment", "observational", "batch", "classification")
    sure = ("high", "medium", "low").index(facts.confidence[name])
    return (0 if facts.is_unit(name) else 1, order.index(facts.kinds[name]) + sure, facts.n_levels(name))


def _batches_that_make_the_unit(facts: Facts, factors: Sequence[str], batches: Sequence[str]) -> list[str]:
    """Batches without which the other factors do not tell the unit: they are blocks of the design."""
    if facts.unit is None or not facts.unit.columns:
        return []
    if len(facts.unit.columns) > 1:
        return [name for name in batches if name in facts.unit.columns]
    others = [name for name in factors if facts.is_unit_level(name) and not facts.is_unit(name)]
    for name in batches:
        if any(facts.nests(name, other) for other in others):
            continue
        if others and not _tell_the_unit(facts, others) and _tell_the_unit(facts, [*others, name]):
            return [name]
    return []


def _tell_the_unit(facts: Facts, names: Sequence[str]) -> bool:
    codes = combine([facts.codes(name) for name in names])
    return bool((codes >= 0).all()) and n_distinct(codes) == len(codes)


def _best_label(facts: Facts) -> str | None:
    """Choose the clearest classification: cell types before clusters, named before numbered, few before many."""
    labels = [
        name
        for name in facts.names
        if facts.kinds[name] == "classification"
        and facts.confidence[name] != "low"
        and not facts.is_unit_level(name)
        and not any("combination" in item.text for item in facts.evidence[name])
    ]

    def preference(name: str) -> tuple[int, int, int, int, str]:
        words = set(words_of(name))
        speaks = 0 if ("cell" in words or "celltype" in words) and "type" in "".join(words) else 1
        if speaks and words & {
            "annotation",
            "annotated",
            "labels",
            "label",
            "leiden",
            "louvain",
            "cluster",
            "clusters",
        }:
            speaks = 2
        elif speaks:
            speaks = 3
        technical = int(bool(words & {"ontology", "term", "id", "tmp"}))
        sure = ("high", "medium", "low").index(facts.confidence[name])
        return (speaks, technical, sure, facts.n_levels(name), name)

    return min(labels, key=preference, default=None)


def _row_name(facts: Facts, shown: Iterable[str]) -> str:
    taken = {name.lower() for name in shown} | {name.lower() for name in facts.names}
    if facts.unit is not None and not facts.unit.columns:
        options = ["observation", "row"]
    else:
        options = ["cell", "observation", "row"]
    return next((name for name in options if name not in taken), "observation_")


def _in_order(facts: Facts, roles: Roles) -> list[str]:
    """Coarse factors first, conditions before units, so that the spine of the design reads downwards."""

    def depth(name: str) -> int:
        return sum(facts.nests(other, name) for other in roles.factors if other != name)

    return sorted(
        roles.factors, key=lambda name: (depth(name), not facts.is_unit_level(name), facts.kinds[name] != "unit")
    )


def _nestings(facts: Facts, names: Sequence[str]) -> list[Nesting]:
    return [Nesting(outer, inner) for outer in names for inner in names if facts.nests(outer, inner)]


def _crossings(facts: Facts, names: Sequence[str]) -> list[Relation]:
    """Crossings of the finest factors; those of the factors above them follow or are left to the report."""
    found: list[Relation] = []
    for a, b in combinations(names, 2):
        if not facts.crossed(a, b) or _has_finer_crossing(facts, names, a, b):
            continue
        relation = facts.relation(a, b)
        if relation.components == 1:
            found.append(Crossing(a, b, partial=relation.relation != "crossed"))
        elif _nested_in_join(facts, names, a, b):
            found.append(Crossing(a, b, partial=not relation.within))
        else:
            found.append(Aliasing((a, b), partial=True))
    return found


def _has_finer_crossing(facts: Facts, names: Sequence[str], a: str, b: str) -> bool:
    finer_a = [a, *(name for name in names if facts.nests(a, name))]
    finer_b = [b, *(name for name in names if facts.nests(b, name))]
    return any((x, y) != (a, b) and x != y and facts.crossed(x, y) for x in finer_a for y in finer_b)


def _nested_in_join(facts: Facts, names: Sequence[str], a: str, b: str) -> bool:
    components = facts.relation(a, b).components
    return any(facts.nests(name, a) and facts.nests(name, b) and facts.n_levels(name) == components for name in names)


def _aliases(facts: Facts, roles: Roles) -> list[Aliasing]:
    """Factors that cannot be told apart: the same partition, or a condition and a batch where one nests the other."""
    everything = (*roles.factors, *roles.batches)
    found = [Aliasing((a, b)) for a, b in combinations(everything, 2) if facts.relation(a, b).relation == "aliased"]
    for batch in roles.batches:
        if any(batch in alias.factors for alias in found):
            continue
        bound = [
            name
            for name in roles.factors
            if facts.kinds[name] in ("treatment", "observational")
            and (facts.nests(name, batch) or facts.nests(batch, name))
        ]
        if len(bound) == 1 and _nest_the_same(facts, roles.factors, bound[0], batch):
            found.append(Aliasing((bound[0], batch)))
    return found


def _nest_the_same(facts: Facts, names: Sequence[str], a: str, b: str) -> bool:
    others = [name for name in names if name not in (a, b)]
    alike = all(facts.relation(a, name).relation == facts.relation(b, name).relation for name in others)
    return alike and any(facts.nests(a, name) for name in others)


def _rows(facts: Facts, roles: Roles) -> list[Nesting]:
    """Nest the observations in every factor that nests no other."""
    outer = [name for name in roles.factors if not any(facts.nests(name, other) for other in roles.factors)]
    return [Nesting(name, roles.row) for name in outer]


def _processed_in(facts: Facts, roles: Roles, batch: str) -> str:
    """Return the coarsest unit whose levels each went through one batch; the observations if there is none."""
    fitting = [name for name in roles.factors if facts.nests(batch, name) and facts.kinds[name] == "unit"]
    fitting = fitting or [name for name in roles.factors if facts.nests(batch, name) and facts.is_unit(name)]
    return min(fitting, key=facts.n_levels, default=roles.row)


def _size(facts: Facts, roles: Roles, outline: Design, name: str) -> tuple[Count, ...] | None:
    finest = _one_per_alias(facts, outline, outline.parents(name))
    if name == roles.row:
        return _rows_per_parent(facts, finest)
    if not finest:
        return _written([facts.n_levels(name)], as_list=False)
    counts = _levels_per_parent(facts, name, finest)
    return _written(counts, as_list=len(finest) == 1)


def _one_per_alias(facts: Facts, outline: Design, parents: Sequence[str]) -> list[str]:
    groups = {outline.alias_group(parent) for parent in parents}
    return sorted((max(group, key=facts.n_levels) for group in groups), key=facts.names.index)


def _levels_per_parent(facts: Facts, name: str, parents: Sequence[str]) -> list[int]:
    """Number of levels of a factor in each occupied combination of its parents, in the order of their levels."""
    if len(parents) == 1:
        _, table = facts.judge.table(parents[0], name)
        return [int(n) for n in np.bincount(table.a) if n]
    rows = facts.rows(*parents, name).complete().distinct((*parents, name))
    outer = combine([rows.codes[parent] for parent in parents])
    return [int(n) for n in np.bincount(outer) if n]


def _rows_per_parent(facts: Facts, parents: Sequence[str]) -> tuple[Count, ...] | None:
    if not parents:
        return _written([facts.tables.n_obs], as_list=False)
    units = facts.unit_table
    if units is not None and (all(map(facts.is_unit, parents)) or set(parents) == set(units.unit.columns)):
        return _written([int(n) for n in units.sizes if n], as_list=False)
    return _written(facts.tables.rows(*parents).complete().n.tolist(), as_list=False)


def _written(counts: Sequence[int], *, as_list: bool) -> tuple[Count, ...] | None:
    """Write counts as one number if they are equal, else as a list, or as their mean, which keeps the total right."""
    if not any(counts):
        return None
    if len(set(counts)) == 1:
        return (Count(counts[0]),)
    if as_list and len(counts) <= LONGEST_LIST:
        return tuple(Count(n) for n in counts)
    return (Count(max(1, round(float(np.mean(counts)))), approximate=True),)
