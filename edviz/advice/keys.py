"""Whether a column may be integrated out: advice on the `batch_key` of scVI.

scvi-tools calls the batch key the main technical effect, and makes the latent representation invariant to it and to all
covariates: what lies between the levels of the key is removed with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edviz.infer.facts import Facts
from edviz.infer.findings import conditions, unit_named_like_conditions
from edviz.infer.structure import Roles

Verdict = Literal["usable", "partly", "with care", "not usable"]


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
