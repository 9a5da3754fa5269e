"""What kind of factor a column is: evidence from names, levels and structure, weighed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from edviz.infer.lexicon import Evidence, clarity, evidence_of_levels, evidence_of_name, is_given_to_cells
from edviz.infer.pair_tables import PairTables
from edviz.infer.result import Confidence, UnitRelation
from edviz.infer.unit import Unit, UnitTable
from edviz.model import KINDS, Kind


def named_evidence(tables: PairTables, unnamed: Collection[str]) -> dict[str, list[Evidence]]:
    """Collect what the names of columns and levels suggest; the names of some columns are no person's."""
    return {
        name: [*([] if name in unnamed else evidence_of_name(name)), *evidence_of_levels(tables.levels(name))]
        for name in tables.names
    }


def all_evidence(
    named: Mapping[str, Sequence[Evidence]],
    unit: Unit | None,
    unit_table: UnitTable | None,
    relations: Sequence[UnitRelation],
    same_as: Mapping[str, tuple[str, ...]],
) -> dict[str, list[Evidence]]:
    """Add to what names suggest what the structure suggests."""
    collected: dict[str, list[Evidence]] = {}
    unit_column = unit.columns[0] if unit is not None and len(unit.columns) == 1 else None
    for name, evidence in named.items():
        if unit_table is not None and name in unit_table.codes:
            collected[name] = [item for item in evidence if item.kind != "classification"]
            if name == unit_column:
                # A batch that stands in for samples that no column names stays a batch, unless conditions nest it.
                only_batch = {item.kind for item in evidence} == {"batch"}
                weight = 1 if only_batch and not _outer(name, relations, unit_table) else 3
                collected[name].append(Evidence("unit", weight, "its levels are the finest experimental units"))
            elif unit_column is not None and unit_column in same_as[name]:
                collected[name].append(
                    Evidence("unit", 1, f"it is the same partition as {unit_column!r}, the finest unit")
                )
            elif outer := _outer(name, relations, unit_table):
                collected[name].append(Evidence("unit", 1, f"it is nested in {outer!r}"))
            else:
                collected[name].append(
                    Evidence("observational", 1, "it is constant within units and nested in nothing")
                )
        else:
            collected[name] = list(evidence)
            if unit_table is not None and not is_given_to_cells(name, named):
                collected[name].append(Evidence("classification", 1, "it varies within units"))
            elif not evidence:
                collected[name].append(Evidence("observational", 1, "nothing tells what it is"))
    return collected


def decide(evidence: Sequence[Evidence]) -> tuple[Kind, Confidence]:
    """Weigh the evidence; of equally supported kinds the one that claims least is taken."""
    weights = {kind: sum(item.weight for item in evidence if item.kind == kind) for kind in KINDS}
    cautious: tuple[Kind, ...] = ("unit", "classification", "batch", "observational", "treatment")
    best = max(cautious, key=lambda kind: (weights[kind], -cautious.index(kind)))
    rival = max(weight for kind, weight in weights.items() if kind != best)
    if weights[best] >= 3 and weights[best] >= rival + 2:
        return best, "high"
    if weights[best] >= 2 and weights[best] > rival:
        return best, "medium"
    return best, "low"


def equal_columns(names: Sequence[str], relations: Sequence[UnitRelation]) -> dict[str, tuple[str, ...]]:
    """Map each column to the other columns with the same partition."""
    groups = {name: {name} for name in names}
    for relation in relations:
        if relation.relation == "aliased":
            merged = groups[relation.a] | groups[relation.b]
            for name in merged:
                groups[name] = merged
    return {name: tuple(other for other in names if other in groups[name] and other != name) for name in names}


def clearest(names: Sequence[str], kinds: Mapping[str, Kind]) -> str:
    """Choose the name that stands for columns with the same partition: by kind, then by clarity."""
    order: tuple[Kind, ...] = ("unit", "treatment", "observational", "classification", "batch")
    return min(names, key=lambda name: (order.index(kinds[name]), clarity(name)))


def _outer(name: str, relations: Sequence[UnitRelation], unit_table: UnitTable) -> str | None:
    """Return a unit-level column that nests `name`, if there is one."""
    outer = [
        relation.b if relation.relation == "a_nested_in_b" else relation.a
        for relation in relations
        if (relation.a == name and relation.relation == "a_nested_in_b")
        or (relation.b == name and relation.relation == "b_nested_in_a")
    ]
    return next((other for other in outer if other in unit_table.codes), None)
