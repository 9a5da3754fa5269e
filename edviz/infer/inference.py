"""The procedure: from a table of factors to a design, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edviz.counting import Coding, Ints, with_row_numbers
from edviz.errors import DesignError
from edviz.grammar import dumps
from edviz.infer.composite import Composite, Part, find_composite
from edviz.infer.dependence import dependence
from edviz.infer.determining import determining_sets
from edviz.infer.facts import Facts, NestedLabels
from edviz.infer.findings import find_all
from edviz.infer.judge import Judge, with_joins
from edviz.infer.kinds import all_evidence, decide, equal_columns, named_evidence
from edviz.infer.labels import labels_to_nest
from edviz.infer.lexicon import (
    NO_SAMPLE_LEVELS,
    SURELY_MISSING,
    Evidence,
    evidence_of_name,
    is_counted_anew,
    is_generic,
)
from edviz.infer.pair_tables import PairTables
from edviz.infer.questions import ask_all
from edviz.infer.relations import contingency, pairs, relate
from edviz.infer.result import (
    FactorReport,
    Overrides,
    Pair,
    Report,
    SetAside,
    UnitReport,
)
from edviz.infer.structure import Roles, assign_roles, build_design
from edviz.infer.unit import MOST_ROWS_AS_UNITS, Unit, collapse, find_unit, given_unit
from edviz.model import KINDS, Design, Kind
from edviz.progress import report_stage
from edviz.table import Column, FactorTable, counted_column


@dataclass(frozen=True)
class Inference:
    """An inferred design, the report on it, and the facts that both rest on."""

    design: Design
    report: Report
    facts: Facts
    roles: Roles

    @property
    def totals(self) -> dict[str, int]:
        """Levels in all of every factor that the design shows, as counted."""
        return {name: self.facts.n_levels(name) for name in self.roles.shown} | {self.roles.row: self.report.n_obs}


def infer_design(table: FactorTable, overrides: Overrides | None = None) -> Inference:
    """Infer the experimental design of a table of factors.

    Relations come from the codes alone: which levels occur together. Names of columns and levels
    only suggest kinds, and every kind says what it rests on. The steps are those of database
    normal forms applied to noisy data: find the finest unit, collapse the columns to it, relate
    them there, and write the smallest design that implies the relations.

    Parameters
    ----------
    table
        Candidate factors with codes for n_obs observations.
    overrides
        What the user says; it is reported as given, not inferred.

    Raises
    ------
    DesignError
        If an override names an unknown column or kind, or a column that cannot be used so.
    """
    overrides = overrides or Overrides()
    report_stage("relating the columns")
    columns = table.listing.columns
    table, split = _split_columns(_with_named(_with_ignored(table, overrides), overrides), overrides)
    _require_candidates(table, overrides)
    exact = PairTables(table, [column.name for column in table.listing.candidates])
    unnamed = [part for parts in split.values() for part in parts]
    nested = _given_nesting(table, overrides)
    facts = _facts(*_with_nested_labels(table, overrides, nested), unnamed, nested, known=exact)
    if nested is None and not overrides.unit and (found := labels_to_nest(facts)):
        nested = NestedLabels(parents=found[:1], label=found[1], given=False)
        facts = _facts(*_with_nested_labels(table, overrides, nested), unnamed, nested, known=exact)
    listing, names = facts.tables.table.listing, facts.names
    report_stage("writing the design")
    roles = assign_roles(facts)
    design = build_design(facts, roles)
    determined = determining_sets(facts, names)
    report = Report(
        n_obs=table.n_obs,
        unit=_unit_report(facts.unit),
        design=dumps(design),
        factors=tuple(_factor_report(facts, roles, name) for name in names),
        findings=find_all(facts, roles, determined),
        questions=ask_all(facts, roles),
        given=_given(overrides, split),
        unit_relations=tuple(facts.relations),
        determined_by=determined,
        set_aside=tuple(
            SetAside(column.name, column.set_aside) for column in listing.columns if column.set_aside is not None
        ),
        pairs=tuple(_exact_pair(exact, a, b) for a, b in pairs(exact.names)),
        columns=columns,
    )
    return Inference(design, report, facts, roles)


def _facts(
    table: FactorTable,
    overrides: Overrides,
    unnamed: Sequence[str],
    nested: NestedLabels | None,
    *,
    known: PairTables,
) -> Facts:
    """Judge all pairs of a table and weigh the kinds of its columns; what is known of the same table is used again."""
    cleaned, no_samples = _without_no_samples(table)
    if cleaned.n_obs <= MOST_ROWS_AS_UNITS:
        cleaned = replace(cleaned, counts=with_row_numbers(cleaned.counts))
    tables = known
    if cleaned is not known.table:
        tables = PairTables(cleaned, [column.name for column in table.listing.candidates])
    return _gather(tables, overrides, unnamed, no_samples, nested)


def _gather(
    tables: PairTables,
    overrides: Overrides,
    unnamed: Sequence[str],
    no_samples: Mapping[str, tuple[str, ...]],
    nested: NestedLabels | None,
) -> Facts:
    named = named_evidence(tables, unnamed)
    if nested is not None:
        text = f"it is {nested.label} within {' and '.join(nested.parents)}"
        named[nested.combined] = [Evidence("unit", 3, text)]
    for name, kind in overrides.kinds.items():
        named[name] = [Evidence(kind, 9, "given by the user")]
    if overrides.unit:
        unit: Unit | None = given_unit(tables, overrides.unit)
    else:
        unit = find_unit(tables, named)
    unit_table = collapse(tables, unit, tables.names) if unit is not None else None
    judge = Judge(tables, unit_table)
    relations = with_joins(judge.relations())
    same_as = equal_columns(tables.names, relations)
    evidence = all_evidence(named, unit, unit_table, relations, same_as)
    decided = {name: decide(evidence[name]) for name in tables.names}
    kinds: dict[str, Kind] = {name: kind for name, (kind, _) in decided.items()} | dict(overrides.kinds)
    facts = Facts(
        tables=tables,
        unit=unit,
        unit_table=unit_table,
        judge=judge,
        relations=relations,
        same_as=same_as,
        evidence=evidence,
        kinds=kinds,
        confidence={name: confidence for name, (_, confidence) in decided.items()},
        given_kinds=frozenset(overrides.kinds),
        composites={},
        no_samples=no_samples,
        nested=nested,
    )
    facts = _with_combinations(facts)
    return replace(facts, composites=_new_composites(facts))


def _with_combinations(facts: Facts) -> Facts:
    """A column that combines a class with something else is measured on cells, too."""
    evidence, kinds = dict(facts.evidence), dict(facts.kinds)
    for name, (a, b) in facts.combinations.items():
        if name in facts.given_kinds or facts.is_unit_level(name):
            continue
        evidence[name] = [*evidence[name], Evidence("classification", 2, f"it is the combination of {a} and {b}")]
        kinds[name] = decide(evidence[name])[0]
    return replace(facts, evidence=evidence, kinds=kinds)


def _new_composites(facts: Facts) -> dict[str, Composite]:
    """Experimental columns with composite level names, with those parts that are no column yet."""
    found, combined = {}, {*facts.combinations, *((facts.nested.combined,) if facts.nested else ())}
    for name in facts.names:
        if facts.kinds[name] == "classification" or name in combined:
            continue
        composite = find_composite(facts.tables.levels(name))
        if composite is None:
            continue
        new = tuple(part for part in composite.parts if composite.aligned < 1 or _is_new(facts.tables, name, part))
        if new:
            found[name] = replace(composite, parts=new)
    return found


def _is_new(tables: PairTables, name: str, part: Part) -> bool:
    return not part.replicate_index and _equal_column(tables, name, part.of_level) is None


def _equal_column(tables: PairTables, name: str, of_level: Ints) -> str | None:
    """Return a column with the same partition, but for strays, as a part of the level names of `name`."""
    for other in tables.names:
        if other != name:
            recorded = tables.contingency(name, other)
            counted = contingency(of_level[recorded.a], recorded.b, recorded.n)
            if dependence(counted).holds and dependence(counted.flipped).holds:
                return other
    return None


def _with_ignored(table: FactorTable, overrides: Overrides) -> FactorTable:
    for name in overrides.ignore:
        table.listing.column(name)
    columns = [
        replace(column, set_aside="ignored by the user") if column.name in overrides.ignore else column
        for column in table.listing.columns
    ]
    return table.with_columns(columns, {})


def _with_named(table: FactorTable, overrides: Overrides) -> FactorTable:
    """Take columns that the user names as candidates, whatever was thought of them, if they were counted."""
    named = set(overrides.columns) & set(table.counts.names) - set(overrides.ignore)
    columns = [replace(column, set_aside=None) if column.name in named else column for column in table.listing.columns]
    return table.with_columns(columns, {})


def _given_nesting(table: FactorTable, overrides: Overrides) -> NestedLabels | None:
    """Whether the unit is said to be a label within its parents.

    `--unit genotype --unit replicate` says that replicate 1 of one genotype is not replicate 1 of another.
    """
    names = list(overrides.unit)
    labels = _labels_within(PairTables(table, names)) if len(names) > 1 else []
    if len(labels) != 1:
        return None
    return NestedLabels(tuple(name for name in names if name != labels[0]), labels[0], given=True)


def _with_nested_labels(
    table: FactorTable, overrides: Overrides, nested: NestedLabels | None
) -> tuple[FactorTable, Overrides]:
    """Put the combination of a label and its parents in the place of the label."""
    if nested is None:
        return table, overrides
    names = [*nested.parents, nested.label]
    coding = Coding.of_combinations(table.counts.rows(*names), names)
    levels_of = [[entry.level for entry in table.listing.column(name).levels or ()] for name in names]
    levels = [":".join(levels[code] for levels, code in zip(levels_of, parts, strict=True)) for parts in coding.parts]
    within = " and ".join(nested.parents)
    columns = [
        replace(known, set_aside=f"its labels start anew in each {within}: {nested.combined} stands for it")
        if known.name == nested.label
        else known
        for known in table.listing.columns
    ]
    made = Column(nested.combined, "categorical", note=f"the combinations of {' and '.join(names)}")
    if nested.given:
        overrides = replace(overrides, unit=(nested.combined,))
    return _with_made(table.with_columns(columns, {}), made, levels, coding), overrides


def _labels_within(tables: PairTables) -> list[str]:
    """Bare labels that are crossed with all the other columns, and probably start anew in one of them."""

    def starts_anew(name: str, parent: str) -> bool:
        return is_counted_anew(name, parent) or not is_generic(tables.levels(parent), but_for_prefix=True)

    def is_label(name: str) -> bool:
        others = [parent for parent in tables.names if parent != name]
        return (
            is_generic(tables.levels(name), but_for_prefix=True)
            and not any(item.kind == "classification" for item in evidence_of_name(name))
            and any(starts_anew(name, parent) for parent in others)
            and all(relate(tables.contingency(name, parent)).relation == "crossed" for parent in others)
        )

    return [name for name in tables.names if is_label(name)]


def _with_made(table: FactorTable, made: Column, levels: Sequence[str], coding: Coding) -> FactorTable:
    """Add a column that is a function of others."""
    grown = table.with_columns((*table.listing.columns, made), {made.name: coding})
    counted = counted_column(made, levels, grown.counts)
    return grown.with_columns((*table.listing.columns, counted), {})


def _without_no_samples(table: FactorTable) -> tuple[FactorTable, dict[str, tuple[str, ...]]]:
    """Take levels that spell a missing value as missing, and calls such as doublet in columns that name samples."""
    codings, found = {}, {}
    for column in table.listing.candidates:
        levels = [entry.level for entry in column.levels or ()]
        left_out = [index for index, level in enumerate(levels) if level.strip().lower() in NO_SAMPLE_LEVELS]
        if not any(item.kind == "unit" and item.weight >= 2 for item in evidence_of_name(column.name)):
            left_out = []
        left_out += [index for index, level in enumerate(levels) if level.strip().lower() in SURELY_MISSING]
        if 0 < len(left_out) <= len(levels) - 2:
            numbers = np.arange(len(levels))
            numbers[left_out] = -1
            codings[column.name] = Coding.of_levels(column.name, numbers)
            found[column.name] = tuple(levels[index] for index in left_out)
    if not found:
        return table, found
    cleaned = table.with_columns(table.listing.columns, codings)
    columns = [
        counted_column(column, [entry.level for entry in column.levels or ()], cleaned.counts)
        if column.name in codings
        else column
        for column in table.listing.columns
    ]
    return cleaned.with_columns(columns, {}), found


def _split_columns(table: FactorTable, overrides: Overrides) -> tuple[FactorTable, dict[str, tuple[str, ...]]]:
    """Put the parts of composite columns beside them; a part that is a column already is not made again."""
    grown, made = table, {}
    for name in overrides.split:
        column = table.listing.column(name)
        composite = None
        if column.set_aside is None:
            composite = find_composite([entry.level for entry in column.levels or ()])
        if composite is None or composite.aligned < 1:
            raise DesignError(
                f"the levels of {name!r} do not come apart into parts: every level needs the same number of parts, "
                "separated by _ - . / | : or a space, that repeat between levels"
            )
        tables = PairTables(table, [candidate.name for candidate in table.listing.candidates])
        new = []
        for number, part in enumerate(composite.parts, start=1):
            if _is_new(tables, name, part):
                note = f"part {number} of the levels of {name}"
                part_column = Column(f"{name}_{number}", "categorical", note=note)
                coding = Coding.of_levels(name, part.of_level)
                grown = _with_made(grown, part_column, part.levels, coding)
                new.append(part_column.name)
        made[name] = tuple(new)
    return grown, made


def _require_candidates(table: FactorTable, overrides: Overrides) -> None:
    for name in (*overrides.unit, *overrides.kinds):
        column = table.listing.column(name)
        if column.set_aside is not None:
            raise DesignError(f"the column {name!r} cannot be used: {column.set_aside}")
    for name, kind in overrides.kinds.items():
        if kind not in KINDS:
            raise DesignError(f"no kind {kind!r} for {name!r}; the kinds are {', '.join(KINDS)}")


def _unit_report(unit: Unit | None) -> UnitReport | None:
    if unit is None:
        return None
    column = unit.columns[0] if len(unit.columns) == 1 else None
    return UnitReport(column, unit.columns, unit.n_units, unit.given, unit.evidence)


def _factor_report(facts: Facts, roles: Roles, name: str) -> FactorReport:
    return FactorReport(
        name=name,
        column=name,
        n_levels=facts.n_levels(name),
        kind=facts.kinds[name],
        given=name in facts.given_kinds,
        confidence="high" if name in facts.given_kinds else facts.confidence[name],
        evidence=tuple(dict.fromkeys(item.text for item in facts.evidence[name])),
        level="unit" if facts.is_unit_level(name) else "observation",
        same_as=facts.same_as[name],
        in_design=name in roles.shown,
    )


def _exact_pair(tables: PairTables, a: str, b: str) -> Pair:
    found = relate(tables.contingency(a, b))
    return Pair(a, b, found.relation, found.filled, found.possible, found.components, found.n_obs)


def _given(overrides: Overrides, split: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    said = [f"unit: {' × '.join(overrides.unit)}"] if overrides.unit else []
    said += [f"kind of {name}: {kind}" for name, kind in overrides.kinds.items()]
    said += [f"ignored: {name}" for name in overrides.ignore]
    said += [f"split: {name} into {', '.join(parts) or 'columns that exist already'}" for name, parts in split.items()]
    return tuple(said)
