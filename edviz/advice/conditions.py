"""What a design allows: unit and replication of each condition, and what has to be adjusted for.

Definitions follow the literature on comparative experiments: the experimental unit of a factor is
the coarsest unit within which it is constant; a unit in which it varies is a block; a comparison
needs at least two units in a level. Formulas are given only when their model matrix on the table
of units has full rank and leaves degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edviz.infer.facts import Facts
from edviz.infer.findings import conditions
from edviz.infer.replication import ExperimentalUnits, experimental_units
from edviz.infer.result import Finding
from edviz.infer.structure import Roles

LEAST_KNOWN = 0.9
"""Share of the units of which a column must be known to be adjusted for: the others would be lost."""


@dataclass(frozen=True)
class ConditionAdvice:
    """How one treatment or observational factor can be compared.

    Attributes
    ----------
    condition
        The factor.
    unit
        Its experimental unit; several columns where only their combination is one.
    units_per_level
        Number of experimental units in each level, in stored order.
    blocks
        Coarser units and batches within which it varies.
    testable
        Whether every level has at least two units and some formula has full rank.
    terms
        Terms to adjust for, fitted as fixed effects before the condition.
    residual_df
        Degrees of freedom left for error between units, None where nothing can be fitted.
    reason
        Why it cannot be tested, or None.
    """

    condition: str
    unit: tuple[str, ...]
    units_per_level: dict[str, int]
    blocks: tuple[str, ...]
    testable: bool
    terms: tuple[str, ...]
    residual_df: int | None
    reason: str | None


def advise_conditions(facts: Facts, roles: Roles) -> tuple[ConditionAdvice, ...]:
    """Advise on every condition that the design shows."""
    return tuple(_advise(facts, roles, name) for name in conditions(facts, roles) if name in roles.shown)


def why_nothing_to_compare(facts: Facts, roles: Roles, findings: Sequence[Finding]) -> str:
    """Say why a design shows no condition that could be compared between units."""
    if any(finding.id == "no_replication" for finding in findings):
        return "The units themselves are the conditions, one of each: differences can be described, not tested."
    within = [name for name in roles.factors if not facts.is_unit_level(name) and facts.kinds[name] == "treatment"]
    told = [name for name in roles.factors if facts.kinds[name] in ("treatment", "observational")]
    if facts.unit is None and told:
        return (
            f"{', '.join(told)}: no column names the samples, and cells are no replicates, so nothing can be tested "
            "until the samples are known."
        )
    if within:
        vary, its = ("varies", "its") if len(within) == 1 else ("vary", "their")
        return (
            f"{', '.join(within)} {vary} within samples: compare {its} levels within samples or batches, and sum "
            "counts per sample and level where there are enough observations."
        )
    nothing = (
        "No obs column tells a treatment or condition that differs between units: the file alone allows no comparison"
    )
    batch, unit = _crossed_batch(facts, roles)
    if batch is None:
        return f"{nothing}."
    return (
        f"{nothing}, but of {batch}, which is technical, within {unit}; with --kind {batch}=treatment it is analysed."
    )


def _crossed_batch(facts: Facts, roles: Roles) -> tuple[str | None, str | None]:
    """Find a batch that varies within a unit, as a method that was tried on every donor."""
    for batch in (*roles.factors, *roles.batches):
        for unit in roles.factors:
            if not (facts.is_unit_level(batch) and facts.is_unit_level(unit) and facts.kinds[batch] == "batch"):
                continue
            if facts.kinds[unit] == "unit" and facts.relation(batch, unit).relation == "crossed":
                return batch, unit
    return None, None


def unit_name(facts: Facts, columns: Sequence[str]) -> str:
    """Name a unit that is a combination of columns, or every row."""
    return " × ".join(columns) or "row"


def _advise(facts: Facts, roles: Roles, condition: str) -> ConditionAdvice:
    units = experimental_units(facts, (*roles.factors, *roles.batches), condition)
    blocks = _blocks(facts, roles, units)
    terms = _adjustable(facts, roles, units, blocks)
    residual = _residual_df(facts, units, terms)
    per_level = units.per_level(facts)
    reason = _obstacle(facts, roles, units, per_level, residual)
    return ConditionAdvice(condition, units.columns, per_level, blocks, reason is None, terms, residual, reason)


def _obstacle(
    facts: Facts, roles: Roles, units: ExperimentalUnits, per_level: dict[str, int], residual: int | None
) -> str | None:
    """Say what stands in the way of a test, or return None."""
    single = [level for level, n in per_level.items() if n < 2]
    if single or len(per_level) < 2:
        levels = "every level" if len(single) == len(per_level) else ", ".join(map(repr, single[:4]))
        others = "; the other levels can be compared" if len(per_level) - len(single) >= 2 else ""
        return f"one {unit_name(facts, units.columns)} in {levels}{others}"
    for name in (*roles.factors, *roles.batches):
        if name != units.condition and facts.is_unit_level(name) and facts.kinds[name] in ("batch", "unit"):
            apart = facts.relation(name, units.condition).components > 1
            if apart and units.columns != (name,) and not facts.nests(units.condition, name):
                if facts.kinds[name] == "unit":
                    return f"some of its levels share no {name}: compare those that do within {name}, others between"
                return f"its levels lie in different levels of {name}; only levels that share one can be compared"
    if residual is None:
        return "it cannot be told apart from the factors that it would have to be adjusted for"
    return "no degrees of freedom are left for the error" if residual < 1 else None


def _blocks(facts: Facts, roles: Roles, units: ExperimentalUnits) -> tuple[str, ...]:
    """Units and batches, constant within the experimental units, in which several levels of the condition occur."""
    return tuple(
        name
        for name in (*roles.factors, *roles.batches)
        if facts.is_unit_level(name)
        and facts.kinds[name] in ("unit", "batch")
        and units.columns != (name,)
        and facts.crossed(name, units.condition)
        and units.tells(facts, name)
    )


def _adjustable(facts: Facts, roles: Roles, units: ExperimentalUnits, blocks: Sequence[str]) -> tuple[str, ...]:
    """Blocks and other conditions, added one by one while the condition stays estimable with error left."""
    others = [
        name
        for name in conditions(facts, roles)
        if name != units.condition
        and name in roles.shown
        and facts.crossed(name, units.condition)
        and units.tells(facts, name)
    ]
    terms: list[str] = []
    for name in (*blocks, *others):
        n_known = len(units.complete_rows(facts, [name, units.condition]))
        if n_known < LEAST_KNOWN * len(units.complete_rows(facts, [units.condition])):
            continue
        left = _residual_df(facts, units, [*terms, name])
        if left is not None and left >= 1 and _adds(facts, units, terms, name):
            terms.append(name)
    return tuple(terms)


def _adds(facts: Facts, units: ExperimentalUnits, terms: Sequence[str], name: str) -> bool:
    """Whether a term says more than those already there."""
    rows = units.complete_rows(facts, [*terms, name, units.condition])
    before = units.rank(facts, [*terms, units.condition], rows)
    n_levels = len(np.unique(facts.codes(name)[rows]))
    return units.rank(facts, [*terms, name, units.condition], rows) == before + n_levels - 1


def _residual_df(facts: Facts, units: ExperimentalUnits, terms: Sequence[str]) -> int | None:
    """Experimental units less the rank of the model matrix on them; None if the condition is not wholly estimable."""
    rows = units.complete_rows(facts, [*terms, units.condition])
    n_levels = len(np.unique(facts.codes(units.condition)[rows]))
    with_condition, without = units.rank(facts, [*terms, units.condition], rows), units.rank(facts, terms, rows)
    if with_condition - without < n_levels - 1 or n_levels < facts.n_levels(units.condition):
        return None
    return len(rows) - with_condition
