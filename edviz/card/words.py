"""A design in words: what kind it is, and a sentence on each part."""

from __future__ import annotations

from collections.abc import Sequence

from edviz.infer.facts import Facts
from edviz.infer.findings import conditions, unit_named_like_conditions
from edviz.infer.result import Finding
from edviz.infer.structure import Roles
from edviz.model import Design


def classify(facts: Facts, roles: Roles, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Name the kinds of design that a table is, the gravest word first."""
    found = {finding.id: finding for finding in findings if finding.severity != "note"} | {
        finding.id: finding for finding in findings if finding.id == "paired"
    }
    if not roles.factors and not roles.batches:
        return ("no experimental factor",)
    kinds = [name for name in roles.factors if facts.kinds[name] in ("treatment", "observational")]
    words = []
    if "confounded" in found:
        words.append("confounded")
    if "no_replication" in found:
        words.append("unreplicated" if found["no_replication"].severity == "error" else "partly unreplicated")
    if {"confounded_partly", "batch_nested_in_condition"} & set(found):
        words.append("partly confounded with batch")
    if "paired" in found:
        words.append("blocked (paired)")
    pairs = [(a, b) for index, a in enumerate(roles.factors) for b in roles.factors[index + 1 :]]
    if any(facts.relation(a, b).relation == "crossed" for a, b in pairs):
        words.append("crossed")
    if any(facts.relation(a, b).relation == "partially_crossed" for a, b in pairs):
        words.append("partly crossed")
    if any(facts.nests(a, b) or facts.nests(b, a) for a, b in pairs):
        words.append("nested")
    if any(not facts.is_unit_level(name) and facts.kinds[name] == "treatment" for name in kinds):
        words.append("treatment varies within samples")
    return tuple(words) or ("samples without conditions",)


def describe(facts: Facts, roles: Roles, design: Design) -> list[str]:
    """Say in sentences how the factors of a design hang together."""
    sentences = []
    if facts.unit is None:
        n_obs = facts.tables.n_obs
        sentences.append(
            f"Nothing groups the {n_obs:,} observations into samples." if n_obs != 1 else "One observation."
        )
    elif not facts.unit.columns:
        sentences.append(f"Each of the {facts.unit.n_units} rows is an experimental unit, as in a bulk table.")
    else:
        named = " × ".join(facts.unit.columns)
        sentences.append(f"The finest experimental unit is {named}, with {facts.unit.n_units} levels.")
    for name in roles.factors:
        outer = [parent for parent in design.parents(name) if parent in facts.names]
        if outer:
            sentences.append(f"{name} ({facts.n_levels(name)}) is nested in {_and(_sized(facts, outer))}.")
    sentences += [
        _crossing_sentence(facts, crossing.a, crossing.b)
        for crossing in design.crossings
        if crossing.a in facts.names and crossing.b in facts.names
    ]
    sentences += [
        f"Each {effect.unit} was processed in one {effect.batch} ({facts.n_levels(effect.batch)})."
        for effect in design.batch_effects
    ]
    for aliasing in design.aliasings:
        how = "share a part of their levels' differences" if aliasing.partial else "cannot be told apart"
        sentences.append(f"{_and(aliasing.factors)} {how}.")
    if roles.label is not None:
        sentences.append(f"Observations are classified by {roles.label} ({facts.n_levels(roles.label)} classes).")
    within = [name for name in roles.factors if not facts.is_unit_level(name) and facts.kinds[name] == "treatment"]
    if facts.unit is not None and within:
        sentences.append(f"{_and(within)} {'varies' if len(within) == 1 else 'vary'} within these units.")
    lone = [name for name in conditions(facts, roles) if name in roles.shown]
    if like_conditions := unit_named_like_conditions(facts, roles):
        sentences.append(f"The levels of {like_conditions[0]} read like conditions, one unit of each.")
    elif facts.unit is not None and not lone and not within:
        sentences.append("No column tells a treatment or condition that differs between units.")
    return sentences


def _crossing_sentence(facts: Facts, a: str, b: str) -> str:
    relation = facts.relation(a, b)
    pair = f"{a} ({facts.n_levels(a)}) and {b} ({facts.n_levels(b)})"
    if relation.relation == "crossed":
        return f"{pair} are crossed: all {relation.possible} combinations occur."
    if relation.within:
        return f"{pair} are crossed within each level of {relation.join or 'their common groups'}."
    return f"{pair} are partly crossed: {relation.filled} of {relation.possible} combinations occur."


def _sized(facts: Facts, names: Sequence[str]) -> list[str]:
    return [f"{name} ({facts.n_levels(name)})" for name in names]


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
