"""What a person should know of a design: one small function per question, registered by name.

Each check takes the facts and yields findings; their ids are stable. Replication is never called
confounding: donors nested in a condition, or one batch per donor, pass every check here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from edviz.infer.composite import Composite
from edviz.infer.determining import aliased_interactions, latin_squares
from edviz.infer.facts import Facts
from edviz.infer.kinds import clearest
from edviz.infer.labels import may_mean_the_same, reused_label_pairs
from edviz.infer.lexicon import (
    MOST_LEVELS_OF_A_CONDITION,
    are_numbered,
    evidence_of_name,
    is_control,
    spells_missing,
    words_of,
)
from edviz.infer.replication import experimental_units
from edviz.infer.result import SEVERITIES, DeterminingSet, Finding
from edviz.infer.structure import Roles

Check = Callable[[Facts, Roles, Sequence[DeterminingSet]], Iterator[Finding]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Register a check."""
    CHECKS.append(function)
    return function


def find_all(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> tuple[Finding, ...]:
    """Run every check; the gravest findings come first."""
    found = [finding for function in CHECKS for finding in function(facts, roles, determined)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


@check
def no_unit(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """No column says which observations belong to one sample, or they all do."""
    alone = single_units(facts)
    if alone and (facts.unit is None or not roles.factors):
        text = f"All observations have the same {', '.join(alone[:4])}: nothing can be compared between units."
        yield Finding("single_unit", "warning", text, tuple(alone))
    elif facts.unit is None:
        if roles.factors or roles.batches:
            text = "No column names samples, donors or other units, so relations were judged on single observations."
            yield Finding("no_unit", "warning", text, ())
        else:
            text = "No experimental factor was found: no obs column groups the observations into samples."
            yield Finding("no_unit", "note", text, ())


@check
def confounded(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """A condition and a batch that are the same partition, or share some of it."""
    for condition in (name for name in conditions(facts, roles) if name in roles.shown):
        for batch in _batches(facts):
            relation = facts.relation(condition, batch)
            levels = facts.n_levels(condition)
            if relation.relation == "aliased":
                yield Finding(
                    "confounded",
                    "error",
                    f"{condition} and {batch} are the same partition, so no comparison of {condition} can be told "
                    f"apart from {batch}; do not integrate {batch} out.",
                    (condition, batch),
                )
            elif facts.nests(batch, condition):
                yield Finding(
                    "confounded_partly",
                    "warning",
                    f"{condition} is nested in {batch}: comparisons of levels of {condition} in one level of {batch} "
                    f"survive, those between levels of {batch} are lost ({relation.components - 1} of {levels - 1} "
                    "degrees of freedom).",
                    (condition, batch),
                )
            elif facts.nests(condition, batch):
                yield Finding(
                    "batch_nested_in_condition",
                    "warning",
                    f"Every level of {batch} holds one level of {condition}: {condition} is compared between batches, "
                    f"with {batch} as its replicate ({_per_level(facts, condition, batch)}); "
                    f"do not integrate {batch} out.",
                    (condition, batch),
                )
            elif relation.relation == "partially_crossed" and 1 < relation.components < levels and not relation.join:
                yield Finding(
                    "confounded_partly",
                    "warning",
                    f"{condition} and {batch} share {relation.components - 1} of {levels - 1} degrees of freedom: "
                    f"their levels fall into {relation.components} groups that never mix.",
                    (condition, batch),
                )


@check
def same_conditions(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Conditions and attributes of different names that are the same partition."""
    for condition in (name for name in conditions(facts, roles) if name in roles.shown):
        others = [
            name
            for name in facts.same_as[condition]
            if facts.kinds[name] in ("treatment", "observational") and not _say_the_same(facts, condition, name)
        ]
        if others:
            yield Finding(
                "same_partition",
                "warning",
                f"{condition} and {_listed(others)} are the same partition: unless they say the same thing, "
                "the effect of one cannot be told apart from that of the other.",
                (condition, *others),
            )


@check
def no_replication(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """A condition with a single unit in some level cannot be tested."""
    for condition in conditions(facts, roles):
        if condition not in roles.shown:
            continue
        units = experimental_units(facts, (*roles.factors, *roles.batches), condition)
        per_level = units.per_level(facts)
        single = [level for level, n in per_level.items() if n == 1]
        if single and not any(facts.kinds[name] == "batch" for name in units.columns):
            which = "every level" if len(single) == len(per_level) else _listed(single)
            yield Finding(
                "no_replication",
                "error" if len(single) == len(per_level) else "warning",
                f"{condition} has one {' × '.join(units.columns) or 'row'} in {which}: a difference cannot be told "
                "from variation between units, however many observations there are.",
                (condition,),
            )


@check
def unit_is_condition(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """The levels of the unit are named like conditions: nothing is left to test them against."""
    group = unit_named_like_conditions(facts, roles)
    if group:
        also = f" ({_listed(group[1:])} says the same)" if len(group) > 1 else ""
        levels = _listed(facts.tables.levels(group[0])[:4])
        yield Finding(
            "no_replication",
            "error",
            f"The levels of {group[0]} ({levels}) read like conditions, and each is one unit{also}: "
            "the condition is wholly confounded with the sample, and no test of it is possible.",
            tuple(group),
        )


@check
def few_shared_batches(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """A condition whose levels seldom share a batch, though some do."""
    for condition in (name for name in conditions(facts, roles) if name in roles.shown):
        for batch in _batches(facts):
            relation = facts.relation(batch, condition)
            if relation.relation != "partially_crossed" or relation.components > 1:
                continue
            levels = _levels_within(facts, batch, condition)
            shared = sum(n > 1 for n in levels)
            if _few_hold_several(levels):
                yield Finding(
                    "few_shared_batches",
                    "warning",
                    f"Only {shared} of {len(levels)} levels of {batch} hold more than one level of {condition}: "
                    "what can be compared within them rests on few units.",
                    (condition, batch),
                )


@check
def paired(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """A factor that varies within the levels of a coarser unit or batch: a block."""
    shown = (*roles.factors, *roles.batches)
    blocks = [name for name in shown if facts.kinds[name] in ("unit", "batch") and facts.is_unit_level(name)]
    for condition in conditions(facts, roles):
        for block in blocks:
            if condition not in roles.shown or not facts.crossed(condition, block) or facts.is_unit(block):
                continue
            levels = _levels_within(facts, block, condition)
            complete = sum(n == facts.n_levels(condition) for n in levels)
            several = sum(n > 1 for n in levels)
            told = facts.kinds[block] == "batch" and _few_hold_several(levels)  # by `few_shared_batches`
            if several and not told:
                yield Finding(
                    "paired" if facts.kinds[block] == "unit" else "blocked",
                    "note",
                    f"{condition} varies within {block}: {several} of {len(levels)} levels of {block} have several "
                    f"levels of {condition}, {complete} have all; compare within {block}.",
                    (condition, block),
                )


@check
def crossed_within(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Factors that look partly crossed but are fully crossed inside each level of a third."""
    for relation in facts.relations:
        if not relation.within or relation.a not in roles.shown or relation.b not in roles.shown:
            continue
        if relation.join is not None:
            text = f"{relation.a} and {relation.b} are fully crossed within each level of {relation.join}."
            yield Finding("crossed_within", "note", text, (relation.a, relation.b, relation.join))
        else:
            text = (
                f"{relation.a} and {relation.b} are fully crossed within {relation.components} groups that no column "
                "names: a factor that separates the groups is probably missing from obs."
            )
            yield Finding("hidden_factor", "warning", text, (relation.a, relation.b))


@check
def combination_columns(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """A column that is the combination of two others."""
    combined = facts.combinations
    for name, (a, b) in combined.items():
        twice = any(
            other in combined and facts.names.index(other) < facts.names.index(name) for other in facts.same_as[name]
        )
        if not twice and (facts.is_unit_level(name) or facts.is_unit_level(a) != facts.is_unit_level(b)):
            yield Finding("combination", "note", f"{name} is the combination of {a} and {b}.", (name, a, b))


@check
def latin_square(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Three factors of which any two determine the third."""
    for three in latin_squares(facts, roles.factors):
        text = f"{three[0]}, {three[1]} and {three[2]} form a Latin square: any two determine the third."
        yield Finding("latin_square", "note", text, three)


@check
def interaction_aliased(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """An interaction that a block or batch holds constant."""
    for interaction, other in aliased_interactions(facts, roles.shown):
        text = f"The interaction {' : '.join(interaction)} is aliased with {other} and cannot be estimated."
        yield Finding("interaction_aliased", "warning", text, (*interaction, other))


@check
def determined_by_others(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """A condition that others determine together: adjusting for them leaves nothing of it."""
    for entry in determined:
        if entry.factor not in conditions(facts, roles):
            continue
        if (
            entry.factor in roles.shown
            and not facts.is_unit(entry.factor)
            and set(entry.determined_by) <= set(roles.shown)
        ):
            text = f"{entry.factor} is determined by {' and '.join(entry.determined_by)} together."
            yield Finding("determined_by", "note", text, (entry.factor, *entry.determined_by))


@check
def stray_observations(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Observations whose level differs from that of their unit."""
    if facts.unit_table is None:
        return
    strays = {name: n for name, n in facts.unit_table.strays.items() if n and name not in facts.unit_table.unit.columns}
    if strays:
        listed = ", ".join(f"{name} {n:,}" for name, n in strays.items())
        yield Finding(
            "strays",
            "warning",
            f"Some observations differ from the rest of their unit ({listed} of {facts.tables.n_obs:,}); "
            "the most frequent level of each unit was taken.",
            tuple(strays),
        )


@check
def missing_values(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Values that are missing, by chance or because another factor excludes them."""
    for name in facts.names:
        missing = facts.tables.table.listing.column(name).missing or 0
        if not missing or facts.kinds[name] == "classification":
            continue
        reason = _missing_by_design(facts, name)
        if reason is not None:
            other, levels = reason
            text = f"{name} is recorded only where {other} is {_listed(levels)}: missing by design."
            yield Finding("missing_by_design", "note", text, (name, other))
        elif name in roles.shown:
            share = missing / facts.tables.n_obs
            text = f"{name} is missing for {missing:,} of {facts.tables.n_obs:,} observations ({share:.1%})."
            yield Finding("missing_values", "warning" if share > 0.1 else "note", text, (name,))


@check
def missing_labels(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Level names that spell a missing value."""
    for name in roles.shown:
        taken = facts.no_samples.get(name, ())
        if spelled := [level for level in spells_missing(facts.tables.levels(name)) if level not in taken]:
            text = (
                f"{name} has the level {_listed(spelled)}, which reads like a missing value; it was counted as a level."
            )
            yield Finding("missing_label", "warning", text, (name,))


@check
def reused_labels(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Labels such as 1, 2, 3 that may stand for different things under each parent."""
    if facts.nested is not None and not facts.nested.given:
        name, parent = facts.nested.label, facts.nested.parents[0]
        text = (
            f"The labels of {name} occur in every {parent}, but probably start anew in each: "
            f"{facts.nested.combined} was taken in its place."
        )
        yield Finding("reused_labels", "warning", text, (name, parent))
    for name, parent in reused_label_pairs(facts):
        labels = _listed(facts.tables.occurring(name)[:4])
        if may_mean_the_same(facts, name, parent):
            text = f"The labels of {name} ({labels}) occur in every {parent}; they were taken to mean the same in each."
            yield Finding("reused_labels", "note", text, (name, parent))
        else:
            text = (
                f"{name} ({labels}) is crossed with {parent} by its labels, "
                f"but probably nested: another {name} in each {parent}."
            )
            yield Finding("reused_labels", "warning", text, (name, parent))


@check
def composite_levels(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Level names that hold several factors."""
    for name, composite in facts.composites.items():
        text = f"The level names of {name} have parts that no column holds: {describe_parts(composite)}."
        yield Finding("composite_levels", "note", text, (name,))


@check
def unreadable_columns(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Columns that could not be read for want of a filter."""
    columns = facts.tables.table.listing.columns
    unreadable = [column for column in columns if "filter" in (column.set_aside or "")]
    if unreadable:
        text = f"{len(unreadable)} of {len(columns)} obs columns could not be read: {unreadable[0].set_aside}."
        yield Finding("unreadable", "warning", text, tuple(column.name for column in unreadable[:10]))


@check
def labels_of_no_sample(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Calls of demultiplexing that name no sample, and were left out."""
    for name, levels in facts.no_samples.items():
        if not {name, *facts.same_as[name]} & {*roles.shown, *roles.attributes, *roles.left_out}:
            continue
        text = f"Levels of {name} that name nothing ({_listed(levels)}) were taken as missing."
        yield Finding("no_sample_labels", "warning", text, (name,))


@check
def attributes_of_units(facts: Facts, roles: Roles, determined: Sequence[DeterminingSet]) -> Iterator[Finding]:
    """Columns that describe units, left out of the diagram."""
    if roles.attributes:
        listed = ", ".join(f"{name} ({facts.n_levels(name)})" for name in roles.attributes)
        text = f"Attributes of units, with numbers of levels, not drawn: {listed}."
        yield Finding("unit_attributes", "note", text, roles.attributes)
    if roles.left_out:
        text = f"Not drawn, to keep the diagram readable: {', '.join(roles.left_out)}."
        yield Finding("not_drawn", "note", text, roles.left_out)


def single_units(facts: Facts) -> list[str]:
    """Columns named like samples or donors that have one level."""
    return [
        column.name
        for column in facts.tables.table.listing.columns
        if column.n_levels == 1
        and any(item.kind == "unit" and item.weight >= 2 for item in evidence_of_name(column.name))
    ]


def unit_named_like_conditions(facts: Facts, roles: Roles) -> list[str]:
    """Columns of the unit, if its few levels read like conditions, each once, and no other column tells a condition.

    Numbered levels (Ctrl1, Ctrl2, KO1, KO2) are replicates, and no conditions of their own.
    """
    if (
        facts.unit is None
        or len(facts.unit.columns) != 1
        or any(name in roles.shown for name in conditions(facts, roles))
    ):
        return []
    column = facts.unit.columns[0]
    group = [column, *facts.same_as[column]]
    named = [name for name in group if any(is_control(level) for level in facts.tables.levels(name))]
    if not named or facts.n_levels(column) > MOST_LEVELS_OF_A_CONDITION:
        return []
    if are_numbered(facts.tables.levels(named[0])):
        return []
    return [named[0], *(name for name in group if name != named[0])]


def describe_parts(composite: Composite) -> str:
    """List the levels of each part of composite level names that is no mere counter."""
    parts = [part.levels for part in composite.parts if not part.replicate_index]
    return "; ".join(_listed(levels) for levels in parts)


def conditions(facts: Facts, roles: Roles) -> list[str]:
    """Unit-level treatments and observational factors but for mere attributes, one of each set of equal columns."""
    names = [
        name
        for name in facts.names
        if facts.is_unit_level(name)
        and facts.kinds[name] in ("treatment", "observational")
        and not {name, *facts.same_as[name]} & set(roles.attributes)
    ]
    shown = [name for name in names if name in roles.shown]
    hidden = [name for name in names if not {name, *facts.same_as[name]} & set(shown)]
    return sorted(shown + _one_of_each(facts, hidden), key=facts.names.index)


def _batches(facts: Facts) -> list[str]:
    """Technical columns at unit level that do more than name the units."""
    names = [name for name in facts.names if facts.is_unit_level(name) and facts.kinds[name] == "batch"]
    return _one_of_each(facts, [name for name in names if not _only_names_units(facts, name)])


def _only_names_units(facts: Facts, batch: str) -> bool:
    """Whether a batch is one unit, donor or sample, and no condition is the same partition."""
    kinds = {facts.kinds[other] for other in facts.same_as[batch]}
    return (facts.is_unit(batch) or "unit" in kinds) and not kinds & {"treatment", "observational"}


def _one_of_each(facts: Facts, names: Sequence[str]) -> list[str]:
    """Keep of columns with the same partition the one with the clearest name."""
    return [
        name
        for name in names
        if name == clearest([name, *(other for other in facts.same_as[name] if other in names)], facts.kinds)
    ]


def _per_level(facts: Facts, outer: str, inner: str) -> str:
    counts = _levels_within(facts, outer, inner)
    return f"{min(counts)} per level" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)} per level"


def _levels_within(facts: Facts, block: str, condition: str) -> list[int]:
    _, table = facts.judge.table(block, condition)
    return [int(n) for n in np.bincount(table.a) if n]


def _say_the_same(facts: Facts, a: str, b: str) -> bool:
    """Whether two columns with the same partition share a word of their names, or all their levels."""
    levels = [{level.strip().lower() for level in facts.tables.levels(name)} for name in (a, b)]
    return bool(set(words_of(a)) & set(words_of(b))) or levels[0] == levels[1]


def _few_hold_several(levels_within: Sequence[int]) -> bool:
    return 2 * sum(n > 1 for n in levels_within) <= len(levels_within)


def _missing_by_design(facts: Facts, name: str) -> tuple[str, list[str]] | None:
    """Return the column, and its levels, where `name` is recorded, if its absence is a function of that column."""
    codes = facts.rows(name).codes[name]
    if (codes >= 0).all() or not (codes >= 0).any():
        return None
    for other in facts.names:
        if other == name or facts.is_unit_level(other) != facts.is_unit_level(name) or facts.kinds[other] == "unit":
            continue
        rows = facts.rows(name, other)
        outer, present = rows.codes[other], rows.codes[name] >= 0
        if (outer < 0).any():
            continue
        recorded, absent = set(outer[present].tolist()), set(outer[~present].tolist())
        if not recorded & absent and len(recorded | absent) < rows.n.sum() / 2:
            levels = facts.tables.levels(other)
            return other, [levels[code] for code in sorted(recorded)]
    return None


def _listed(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:6]]
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(shown) + more
