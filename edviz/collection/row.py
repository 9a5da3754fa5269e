"""One design as a row of a table of many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from edviz.advice.conditions import ConditionAdvice, advise_conditions
from edviz.infer import Inference
from edviz.model import Kind

MOST_LEVELS = 20
"""Names of levels that a row lists of a condition."""


@dataclass(frozen=True)
class ConditionRow:
    """A treatment or an observational factor of a design.

    Attributes
    ----------
    levels
        Names of its levels in stored order, at most 20 of them.
    blocks
        Coarser units and batches within which it varies.
    testable
        Whether it can be tested between experimental units; null if it varies within them.
    """

    name: str
    kind: Kind
    n_levels: int
    levels: tuple[str, ...]
    blocks: tuple[str, ...]
    testable: bool | None


@dataclass(frozen=True)
class DesignRow:
    """What one file contributes to a table of designs.

    Attributes
    ----------
    unit
        Columns that together name the experimental unit; empty if every observation is one, null if none was found.
    batches
        Technical columns that the design shows.
    paired
        Whether some condition varies within coarser units, so that it can be compared within them.
    errors, warnings, notes
        Number of findings of each severity.
    findings
        Their ids, the gravest first.
    questions
        Number of questions that the data cannot settle.
    given
        What was not inferred but said.
    design
        In the edviz language; one statement a line.
    """

    n_obs: int
    unit: tuple[str, ...] | None
    n_units: int | None
    conditions: tuple[ConditionRow, ...]
    batches: tuple[str, ...]
    paired: bool
    errors: int
    warnings: int
    notes: int
    findings: tuple[str, ...]
    questions: int
    given: tuple[str, ...]
    design: str


def row_of(inference: Inference) -> DesignRow:
    """Take from an inference what a table of designs needs."""
    report, roles = inference.report, inference.roles
    severities = Counter(finding.severity for finding in report.findings)
    ids = [finding.id for finding in report.findings]
    return DesignRow(
        n_obs=report.n_obs,
        unit=None if report.unit is None else report.unit.columns,
        n_units=None if report.unit is None else report.unit.n_units,
        conditions=_conditions(inference),
        batches=roles.batches,
        paired="paired" in ids,
        errors=severities["error"],
        warnings=severities["warning"],
        notes=severities["note"],
        findings=tuple(dict.fromkeys(ids)),
        questions=len(report.questions),
        given=report.given,
        design=report.design,
    )


def _conditions(inference: Inference) -> tuple[ConditionRow, ...]:
    facts, roles = inference.facts, inference.roles
    advised = {advice.condition: advice for advice in advise_conditions(facts, roles)}
    shown = [name for name in roles.factors if facts.kinds[name] in ("treatment", "observational")]
    return tuple(_condition(inference, name, advised.get(name)) for name in shown)


def _condition(inference: Inference, name: str, advice: ConditionAdvice | None) -> ConditionRow:
    facts = inference.facts
    return ConditionRow(
        name=name,
        kind=facts.kinds[name],
        n_levels=facts.n_levels(name),
        levels=facts.tables.occurring(name)[:MOST_LEVELS],
        blocks=() if advice is None else advice.blocks,
        testable=None if advice is None else advice.testable,
    )
