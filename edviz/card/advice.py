"""What a design allows: unit and replication of each condition, formulas that can be fitted, batch keys.

Definitions follow the literature on comparative experiments: the experimental unit of a factor is
the coarsest unit within which it is constant; a unit in which it varies is a block; a comparison
needs at least two units in a level. Formulas are given only when their model matrix on the table
of units has full rank and leaves degrees of freedom.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edviz.infer.facts import Facts
from edviz.infer.findings import conditions, unit_named_like_conditions
from edviz.infer.replication import ExperimentalUnits, experimental_units
from edviz.infer.structure import Roles

Verdict = Literal["usable", "partly", "with care", "not usable"]


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


@dataclass(frozen=True)
class KeyAdvice:
    """Whether a column may be integrated out, as `batch_key` of scVI.

    `lost` maps each condition to the degrees of freedom that integration on the column would remove, of
    those it has.
    """

    column: str
    verdict: Verdict
    lost: dict[str, tuple[int, int]]
    reason: str


def advise_conditions(facts: Facts, roles: Roles) -> tuple[ConditionAdvice, ...]:
    """Advise on every condition that the design shows."""
    return tuple(_advise(facts, roles, name) for name in conditions(facts, roles) if name in roles.shown)


def advise_batch_keys(facts: Facts, roles: Roles) -> tuple[KeyAdvice, ...]:
    """Judge every technical column and every unit as a batch key, the finest usable one first.

    For a key K and a condition B with b levels, k levels of their join are the groups that never
    mix; k - 1 of the b - 1 degrees of freedom of B are then differences between batches.
    """
    keys = [name for name in facts.names if facts.kinds[name] in ("batch", "unit") and name in roles.shown]
    hidden = [name for name in unit_named_like_conditions(facts, roles) if name in roles.shown]
    judged = [_judge_key(facts, roles, name, hidden) for name in keys]
    order: tuple[Verdict, ...] = ("usable", "partly", "with care", "not usable")
    return tuple(
        sorted(
            judged,
            key=lambda advice: (
                order.index(advice.verdict),
                sum(gone for gone, _ in advice.lost.values()),
                facts.kinds[advice.column] != "batch",
                -facts.n_levels(advice.column),
                advice.column,
            ),
        )
    )


def unit_name(facts: Facts, columns: Sequence[str]) -> str:
    """Name a unit that is a combination of columns, or every row."""
    return " × ".join(columns) or "row"


def formulas(advice: ConditionAdvice, facts: Facts) -> dict[str, str]:
    """Write the model of a testable condition in the syntax of the libraries.

    Returns
    -------
    Formulas by library: DESeq2 and edgeR on counts of the experimental units (pseudobulk, unless each
    row is one), blocks as fixed effects; lme4 on observations, blocks and units as random effects.
    """
    technical = [name for name in advice.terms if facts.kinds[name] != "unit"]
    groups: list[tuple[str, ...]] = [(name,) for name in advice.terms if facts.kinds[name] == "unit"]
    groups += [columns for columns in (advice.unit, facts.unit.columns if facts.unit else ()) if columns]
    random = [f"(1 | {':'.join(map(_quoted, columns))})" for columns in dict.fromkeys(groups)]
    libraries = "DESeq2, edgeR (pseudobulk)" if advice.unit else "DESeq2, edgeR"
    found = {libraries: "~ " + " + ".join(map(_quoted, (*advice.terms, advice.condition)))}
    if random:
        found["lme4 (observations)"] = "y ~ " + " + ".join([*map(_quoted, (*technical, advice.condition)), *random])
    return found


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


def _judge_key(facts: Facts, roles: Roles, key: str, hidden: Sequence[str]) -> KeyAdvice:
    if key in hidden or any(other in facts.same_as[key] for other in hidden):
        return KeyAdvice(key, "not usable", {}, "its levels read like the conditions of the experiment")
    if hiding := [name for name in (key, *facts.same_as[key]) if name in facts.composites]:
        reason = f"the level names of {hiding[0]} may hold conditions; settle the open question first"
        if not any(facts.kinds[name] in ("treatment", "observational") for name in roles.factors):
            return KeyAdvice(key, "with care", {}, reason)
    lost: dict[str, tuple[int, int]] = {}
    at_stake = _conditions_at_any_level(facts, roles)
    for condition in at_stake:
        relation, levels = facts.relation(key, condition), facts.n_levels(condition)
        if relation.components > 1:
            lost[condition] = (relation.components - 1, levels - 1)
    apart = [name for name in at_stake if mostly_apart(facts, key, name)]
    if not lost and apart:
        return KeyAdvice(key, "with care", {}, f"few of its levels hold more than one level of {apart[0]}")
    if not lost:
        mix = "mixes" if len(at_stake) == 1 else "mix"
        what = f"{_and(at_stake)} {mix} across its levels" if at_stake else "no condition is at stake"
        return KeyAdvice(key, "usable", {}, what)
    whole = [name for name, (gone, of) in lost.items() if gone == of]
    if whole:
        same = [name for name in whole if facts.relation(key, name).relation == "aliased"]
        bound = [name for name in whole if _is_confounded(facts, name)]
        if same:
            reason = f"it is the same partition as {same[0]}, which would be removed"
        elif bound:
            reason = f"{bound[0]} cannot be told apart from a batch, and would be removed with it"
        elif facts.kinds[key] == "unit" and all(_has_replicates(facts, key, name) for name in whole):
            reason = f"it is nested in {whole[0]}, whose differences may be absorbed"
            return KeyAdvice(key, "with care", lost, reason)
        else:
            reason = f"each of its levels holds one level of {whole[0]}, whose differences may be absorbed"
        return KeyAdvice(key, "not usable", lost, reason)
    first = next(iter(lost))
    return KeyAdvice(
        key, "partly", lost, f"{lost[first][0]} of {lost[first][1]} degrees of freedom of {first} would be lost"
    )


def _conditions_at_any_level(facts: Facts, roles: Roles) -> list[str]:
    """Conditions that the design shows, those that differ between units and those that vary within them."""
    within = [
        name
        for name in roles.factors
        if not facts.is_unit_level(name) and facts.kinds[name] in ("treatment", "observational")
    ]
    return [name for name in conditions(facts, roles) if name in roles.shown] + within


def _has_replicates(facts: Facts, key: str, condition: str) -> bool:
    """Whether every level of a condition holds several levels of the key."""
    _, table = facts.judge.table(condition, key)
    counts = np.bincount(table.a)
    return bool((counts[counts > 0] > 1).all())


def mostly_apart(facts: Facts, key: str, condition: str) -> bool:
    """Whether most levels of the key, or most units or observations, hold one level of the condition."""
    _, table = facts.judge.table(key, condition)
    levels = np.bincount(table.a)
    several = levels[table.a] > 1
    few_levels = 2 * np.count_nonzero(levels > 1) <= np.count_nonzero(levels)
    return bool(few_levels or 2 * table.n[several].sum() < table.n.sum())


def _is_confounded(facts: Facts, condition: str) -> bool:
    """Whether a condition is the same partition as a batch that is no mere name of units."""
    return any(facts.kinds[name] == "batch" for name in facts.same_as[condition])


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _quoted(name: str) -> str:
    """Write a column name as R wants it: names that are not syntactic in backticks."""
    if re.fullmatch(r"[A-Za-z.][A-Za-z0-9._]*", name):
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
