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
from numpy.typing import NDArray

from edviz.infer.facts import Facts
from edviz.infer.findings import conditions
from edviz.infer.pair_tables import combine
from edviz.infer.relations import Ints
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
    keys = [
        name
        for name in facts.names
        if facts.is_unit_level(name) and facts.kinds[name] in ("batch", "unit") and name in roles.shown
    ]
    hidden = _hidden_condition(facts, roles)
    judged = [_judge_key(facts, roles, name, hidden) for name in keys]
    order: tuple[Verdict, ...] = ("usable", "partly", "with care", "not usable")
    return tuple(
        sorted(
            judged,
            key=lambda advice: (
                order.index(advice.verdict),
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
    Formulas by library: DESeq2 and edgeR on pseudobulk counts of the experimental units, blocks as
    fixed effects; lme4 on observations, blocks and units as random effects.
    """
    fixed = [*advice.terms, advice.condition]
    random = [name for name in advice.blocks if name not in _batches_of(facts, advice)]
    technical = [name for name in advice.terms if name in _batches_of(facts, advice)]
    found = {"DESeq2, edgeR (pseudobulk)": "~ " + " + ".join(_quoted(name) for name in fixed)}
    groups = [*random, ":".join(_quoted(name) for name in advice.unit)] if advice.unit else random
    if facts.unit is not None and len(facts.unit.columns) == 1:
        groups.append(facts.unit.columns[0])
    mixed = [_quoted(name) for name in (*technical, advice.condition)]
    mixed += [f"(1 | {group if ':' in group else _quoted(group)})" for group in dict.fromkeys(groups)]
    if groups:
        found["lme4 (observations)"] = "y ~ " + " + ".join(mixed)
    return found


def _advise(facts: Facts, roles: Roles, condition: str) -> ConditionAdvice:
    unit = _experimental_unit(facts, roles, condition)
    unit_codes = combine([facts.codes(name) for name in unit]) if unit else np.arange(len(facts.codes(condition)))
    per_level = _units_per_level(facts, condition, unit_codes)
    blocks = _blocks(facts, roles, condition, unit)
    terms = _adjustable(facts, roles, condition, blocks, unit_codes)
    residual = _residual_df(facts, condition, terms, unit_codes)
    reason = None
    if min(per_level.values(), default=0) < 2:
        single = [level for level, n in per_level.items() if n < 2]
        levels = "every level" if len(single) == len(per_level) else ", ".join(map(repr, single[:4]))
        reason = f"one {unit_name(facts, unit)} in {levels}"
        if len(per_level) - len(single) >= 2:
            reason += "; the other levels can be compared"
    elif residual is None:
        reason = "it cannot be told apart from the factors that it would have to be adjusted for"
    elif residual < 1:
        reason = "no degrees of freedom are left for the error"
    return ConditionAdvice(condition, unit, per_level, blocks, reason is None, terms, residual, reason)


def _experimental_unit(facts: Facts, roles: Roles, condition: str) -> tuple[str, ...]:
    """Return the coarsest unit, or batch that holds whole units, within which a condition is constant.

    A batch that holds one level of the condition brings its own variation, so batches are then the replicates.
    """
    fitting = [
        name
        for name in (*roles.factors, *roles.batches)
        if facts.is_unit_level(name) and facts.kinds[name] in ("unit", "batch") and facts.nests(condition, name)
    ]
    if fitting:
        return (min(fitting, key=facts.n_levels),)
    return () if facts.unit is None else facts.unit.columns


def _units_per_level(facts: Facts, condition: str, unit_codes: Ints) -> dict[str, int]:
    codes = facts.codes(condition)
    present = (codes >= 0) & (unit_codes >= 0)
    keys = np.unique(np.stack([codes[present], unit_codes[present]]), axis=1)
    counts = np.bincount(keys[0], minlength=len(facts.tables.levels(condition)))
    return {level: int(n) for level, n in zip(facts.tables.levels(condition), counts, strict=True) if n}


def _blocks(facts: Facts, roles: Roles, condition: str, unit: Sequence[str]) -> tuple[str, ...]:
    """Units and batches, coarser than the experimental unit, in which several levels of the condition occur."""
    return tuple(
        name
        for name in (*roles.factors, *roles.batches)
        if facts.is_unit_level(name)
        and facts.kinds[name] in ("unit", "batch")
        and tuple(unit) != (name,)
        and facts.crossed(name, condition)
        and not any(facts.nests(unit_column, name) for unit_column in unit)
    )


def _adjustable(facts: Facts, roles: Roles, condition: str, blocks: Sequence[str], unit_codes: Ints) -> tuple[str, ...]:
    """Blocks and other conditions, added one by one while the condition stays estimable with error left."""
    others = [name for name in conditions(facts, roles) if name != condition and name in roles.shown]
    constant = [name for name in others if facts.crossed(name, condition)]
    terms: list[str] = []
    for name in (*blocks, *constant):
        trial = [*terms, name]
        left = _residual_df(facts, condition, trial, unit_codes)
        if left is not None and left >= 1 and _adds(facts, terms, name, condition):
            terms = trial
    return tuple(terms)


def _adds(facts: Facts, terms: Sequence[str], name: str, condition: str) -> bool:
    """Whether a term says more than those already there."""
    before = _rank(facts, [*terms, condition])
    return _rank(facts, [*terms, name, condition]) == before + facts.n_levels(name) - 1


def _residual_df(facts: Facts, condition: str, terms: Sequence[str], unit_codes: Ints) -> int | None:
    """Units less the rank of the model matrix; None when the condition is not wholly estimable in it."""
    with_condition, without = _rank(facts, [*terms, condition]), _rank(facts, terms)
    if with_condition - without < facts.n_levels(condition) - 1:
        return None
    return len(np.unique(unit_codes[unit_codes >= 0])) - with_condition


def _rank(facts: Facts, names: Sequence[str]) -> int:
    """Rank of the intercept and the indicators of factors on the table of units."""
    rows = len(facts.codes(names[0])) if names else 1
    blocks: list[NDArray[np.float64]] = [np.ones((rows, 1))]
    for name in names:
        codes = facts.codes(name)
        blocks.append((codes[:, None] == np.unique(codes[codes >= 0])[None, :]).astype(np.float64))
    matrix = np.unique(np.hstack(blocks), axis=0)
    return int(np.linalg.matrix_rank(matrix))


def _hidden_condition(facts: Facts, roles: Roles) -> tuple[str, ...]:
    """The unit's column where its levels read like conditions: integrating it out removes them."""
    if facts.unit is None or len(facts.unit.columns) != 1:
        return ()
    group = (facts.unit.columns[0], *facts.same_as[facts.unit.columns[0]])
    speaks = any(item.kind == "treatment" and item.weight >= 2 for name in group for item in facts.evidence[name])
    shown = any(facts.kinds[name] == "treatment" for name in group)
    return tuple(name for name in group if name in roles.shown) if speaks and not shown else ()


def _judge_key(facts: Facts, roles: Roles, key: str, hidden: Sequence[str]) -> KeyAdvice:
    if key in hidden or any(other in facts.same_as[key] for other in hidden):
        return KeyAdvice(key, "not usable", {}, "its levels read like the conditions of the experiment")
    lost: dict[str, tuple[int, int]] = {}
    at_stake = _conditions_at_any_level(facts, roles)
    for condition in at_stake:
        relation, levels = facts.relation(key, condition), facts.n_levels(condition)
        if relation.components > 1:
            lost[condition] = (relation.components - 1, levels - 1)
    if not lost:
        what = f"{_and(at_stake)} mixes across its levels" if at_stake else "no condition is at stake"
        return KeyAdvice(key, "usable", {}, what)
    whole = [name for name, (gone, of) in lost.items() if gone == of]
    if whole:
        same = [name for name in whole if facts.relation(key, name).relation == "aliased"]
        if same:
            reason = f"it is the same partition as {same[0]}, which would be removed"
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


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _batches_of(facts: Facts, advice: ConditionAdvice) -> set[str]:
    return {name for name in advice.blocks if facts.kinds[name] == "batch"}


def _quoted(name: str) -> str:
    """Write a column name as R wants it: names that are not syntactic in backticks."""
    if re.fullmatch(r"[A-Za-z.][A-Za-z0-9._]*", name):
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
