"""What the inference found, as plain data: the JSON of the script and the result of the tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from edviz.infer.relations import RelationName
from edviz.model import Kind
from edviz.table import Column

Confidence = Literal["high", "medium", "low"]
Severity = Literal["note", "warning", "error"]
FindingId = Literal[
    "confounded",
    "no_replication",
    "same_partition",
    "confounded_partly",
    "batch_nested_in_condition",
    "few_shared_batches",
    "single_unit",
    "no_unit",
    "hidden_factor",
    "interaction_aliased",
    "reused_labels",
    "strays",
    "missing_values",
    "missing_label",
    "no_sample_labels",
    "unreadable",
    "paired",
    "blocked",
    "crossed_within",
    "combination",
    "determined_by",
    "latin_square",
    "missing_by_design",
    "composite_levels",
    "unit_attributes",
    "not_drawn",
]
"""Pipelines and cards rest on these, so none is renamed; references/findings.md explains each."""
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first."""


@dataclass(frozen=True)
class Overrides:
    """What the user says about the data, against what would be inferred.

    Attributes
    ----------
    unit
        Columns whose combination is the experimental unit; empty to have it inferred.
    kinds
        Kind of a column, by name.
    ignore
        Columns to leave out.
    split
        Columns whose level names are composites, to be split into their parts.
    """

    unit: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    split: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are to be used, whatever would be thought of them."""
        return tuple(dict.fromkeys((*self.unit, *self.kinds, *self.split)))


@dataclass(frozen=True)
class UnitReport:
    """The finest experimental unit.

    `column` is null when the unit is a combination of `columns`, or every row.
    """

    column: str | None
    columns: tuple[str, ...]
    n_units: int
    given: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class FactorReport:
    """A candidate factor.

    `same_as` names the columns with the same partition; `level` says whether it is constant within
    units ("unit") or varies within them ("observation"); `role` is what the design shows of it.
    """

    name: str
    column: str
    n_levels: int
    kind: Kind
    given: bool
    confidence: Confidence
    evidence: tuple[str, ...]
    level: Literal["unit", "observation"]
    same_as: tuple[str, ...]
    in_design: bool


@dataclass(frozen=True)
class Pair:
    """The exact relation of two candidate factors on the observations where both have a value."""

    a: str
    b: str
    relation: RelationName
    filled: int
    possible: int
    components: int
    n_obs: int


@dataclass(frozen=True)
class UnitRelation:
    """The relation of two factors with stray observations set aside.

    `judged_on` is "unit" for the table of units, a column name for a table of its levels, or
    "observations"; `n` counts its rows. `within` is true where the two are fully crossed inside every level of
    their join, and `join` names a column equal to it.
    """

    a: str
    b: str
    relation: RelationName
    filled: int
    possible: int
    components: int
    n: int
    strays: int
    judged_on: str
    within: bool
    join: str | None


@dataclass(frozen=True)
class DeterminingSet:
    """A smallest set of factors whose combination determines another on the unit table."""

    factor: str
    determined_by: tuple[str, ...]


@dataclass(frozen=True)
class SetAside:
    """A column that is no candidate factor."""

    column: str
    reason: str


@dataclass(frozen=True)
class Finding:
    """Something about the design that a person should know."""

    id: FindingId
    severity: Severity
    text: str
    factors: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """Something that the data cannot settle; `options` are the arguments that would."""

    id: str
    text: str
    factors: tuple[str, ...]
    options: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything that was inferred and how.

    `given` lists what was not inferred but said, and `columns` the columns as they were read.
    """

    n_obs: int
    unit: UnitReport | None
    design: str
    factors: tuple[FactorReport, ...]
    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    given: tuple[str, ...]
    unit_relations: tuple[UnitRelation, ...]
    determined_by: tuple[DeterminingSet, ...]
    set_aside: tuple[SetAside, ...]
    pairs: tuple[Pair, ...]
    columns: tuple[Column, ...]

    def factor(self, name: str) -> FactorReport:
        """Return the candidate factor called `name`; KeyError if there is none."""
        for factor in self.factors:
            if factor.name == name:
                return factor
        raise KeyError(name)

    def relation(self, a: str, b: str) -> UnitRelation:
        """Return the relation of two factors, in the order given; KeyError if there is none."""
        turned: dict[RelationName, RelationName] = {
            "a_nested_in_b": "b_nested_in_a",
            "b_nested_in_a": "a_nested_in_b",
        }
        for known in self.unit_relations:
            if (known.a, known.b) == (a, b):
                return known
            if (known.a, known.b) == (b, a):
                name = turned.get(known.relation, known.relation)
                return UnitRelation(**{**known.__dict__, "a": a, "b": b, "relation": name})
        raise KeyError((a, b))
