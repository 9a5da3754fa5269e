"""Which levels of a condition can be compared, how precisely, and what stands in the way of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations

import numpy as np

from edviz.advice.conditions import ConditionAdvice, advise_conditions
from edviz.analysis import Comparison, UnitTable, comparison, effect, model_rank
from edviz.counting import Ints
from edviz.errors import DesignError
from edviz.infer import Inference
from edviz.infer.facts import Facts
from edviz.infer.replication import experimental_units
from edviz.infer.structure import Roles

MOST_LEVELS = 12
MOST_NAMED = 30
"""Levels up to which every pair is listed: 66 of them."""
LEAST_UNITS = 2
LEAST_PIVOT = 1e-9


@dataclass(frozen=True)
class Contrast:
    """The difference of two levels of a condition, with what the model adjusts for.

    Attributes
    ----------
    one, other
        The levels.
    n_one, n_other
        Experimental units of each.
    n_blocks
        Levels of the finest block that hold both; None if there is no block.
    estimable
        Whether the difference can be estimated given what is adjusted for.
    because
        What it cannot be told from, or why it is no test; empty otherwise.
    standard_error
        Of the estimated difference in standard deviations between units (within blocks, where there are blocks);
        None if it is not estimable or a level has one unit.
    df
        Degrees of freedom of the error, None where none are left.
    """

    one: str
    other: str
    n_one: int
    n_other: int
    n_blocks: int | None
    estimable: bool
    because: str
    standard_error: float | None
    df: int | None


@dataclass(frozen=True)
class Confounding:
    """What is lost of a condition when another factor is adjusted for.

    Attributes
    ----------
    given
        The other factor.
    lost, df
        Degrees of freedom that are lost, of those that the condition has.
    comparable
        Groups of levels that can still be compared.
    explanations
        What is the same as what, in words.
    """

    given: str
    lost: int
    df: int
    comparable: tuple[tuple[str, ...], ...]
    explanations: tuple[str, ...]


def units_of(facts: Facts, names: Sequence[str], rows: Ints | None = None) -> UnitTable:
    """Return the table of the finest units, or of some of them, with one or more unit-level columns."""
    names = tuple(dict.fromkeys(names))
    codes = np.stack([facts.codes(name) for name in names], axis=1).astype(np.int64)
    levels = tuple(facts.tables.levels(name) for name in names)
    return UnitTable(names, codes if rows is None else codes[rows], levels)


@dataclass(frozen=True)
class Subset:
    """Levels of a condition that can be compared among themselves, where not all of them can be.

    Attributes
    ----------
    levels
        The levels whose units are kept.
    terms
        What is adjusted for among them.
    residual_df
        Degrees of freedom of the error among them.
    """

    levels: tuple[str, ...]
    terms: tuple[str, ...]
    residual_df: int


def needed_terms(facts: Facts, advice: ConditionAdvice, confounded: Sequence[Confounding]) -> tuple[str, ...]:
    """Return what differences of levels have to be adjusted for: blocks, and batches whatever they cost."""
    costly = [found.given for found in confounded if facts.kinds[found.given] in ("batch", "unit")]
    return (*advice.terms, *costly)


def contrasts(
    facts: Facts, roles: Roles, advice: ConditionAdvice, confounded: Sequence[Confounding], among: Sequence[Subset]
) -> tuple[Contrast, ...]:
    """Judge the difference of every two levels of a condition, given all that has to be adjusted for.

    Two levels of a subset are judged by the model of that subset, which is the one that can be fitted.

    Parameters
    ----------
    confounded, among
        From `confoundings` and `subsets`.

    Returns
    -------
    One for each pair of levels; none if there are more than `MOST_LEVELS`.
    """
    terms = needed_terms(facts, advice, confounded)
    table = _units(facts, roles, advice, terms)
    levels = table.levels_of(advice.condition) if table.n_units else ()
    if not 2 <= len(levels) <= MOST_LEVELS:
        return ()
    block = advice.blocks[-1] if advice.blocks else None
    found = []
    for one, other in combinations(levels, 2):
        subset = next((each for each in among if {one, other} <= set(each.levels)), None)
        if subset is None:
            found.append(_contrast(table, advice.condition, terms, block, one, other))
        else:
            whole = _units(facts, roles, advice, subset.terms)
            part = _with_levels(whole, advice.condition, subset.levels)
            found.append(_contrast(part, advice.condition, subset.terms, block, one, other))
    return tuple(found)


def subsets(
    facts: Facts, roles: Roles, advice: ConditionAdvice, confounded: Sequence[Confounding]
) -> tuple[Subset, ...]:
    """Find the groups of levels that can be compared among themselves, where not all can be.

    Levels that share a batch are compared within batches: a model of all levels would not be of full rank. Of levels
    that share no block, as tissues of patients and of healthy donors, two at a time are compared between blocks. Where
    some levels have one unit only, the others are compared without them.
    """
    terms = needed_terms(facts, advice, confounded)
    whole = _units(facts, roles, advice, terms)
    if not whole.n_units:
        return ()
    replicated = [level for level, n in advice.units_per_level.items() if n > 1]
    groups: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    if terms != advice.terms:
        told = effect(whole, advice.condition, [(name,) for name in terms]).comparable
        groups = [(group, terms) for group in told]
        batches = tuple(name for name in terms if facts.kinds[name] == "batch")
        if len(batches) < len(terms):
            groups += [((one, other), batches) for a, b in combinations(told, 2) for one in a for other in b]
    elif len(replicated) < len(advice.units_per_level):
        groups = [(tuple(advice.units_per_level), terms)]
    found = []
    for group, adjusted in groups:
        levels = tuple(level for level in group if level in replicated)
        if len(levels) > 1:
            found.append(_subset(_units(facts, roles, advice, adjusted), advice.condition, levels, adjusted))
    return tuple(each for each in found if each is not None)


def _subset(whole: UnitTable, condition: str, levels: tuple[str, ...], terms: Sequence[str]) -> Subset | None:
    table = _with_levels(whole, condition, levels)
    kept: list[str] = []
    for name in terms:
        tried = [(each,) for each in (*kept, name)]
        if model_rank(table, tried).rank > model_rank(table, [(each,) for each in kept]).rank:
            told = effect(table, condition, tried)
            left = model_rank(table, [*tried, (condition,)]).residual_df
            if told.estimable and left > 0:
                kept.append(name)
    told = effect(table, condition, [(name,) for name in kept])
    left = model_rank(table, [(name,) for name in (*kept, condition)]).residual_df
    # Levels that a batch keeps apart are no comparison without it.
    apart = [name for name in terms if not effect(table, condition, [(name,)]).estimable]
    return Subset(levels, tuple(kept), left) if left > 0 and told.estimable and not apart else None


def _with_levels(table: UnitTable, condition: str, levels: Sequence[str]) -> UnitTable:
    places = [place for place, level in enumerate(table.levels_of(condition)) if level in levels]
    return table.take(np.flatnonzero(np.isin(table.of(condition), places))).complete(table.names)


def _units(facts: Facts, roles: Roles, advice: ConditionAdvice, terms: Sequence[str]) -> UnitTable:
    units = experimental_units(facts, (*roles.factors, *roles.batches), advice.condition)
    return units_of(facts, (*terms, advice.condition), units.rows).complete((*terms, advice.condition))


def confoundings(facts: Facts, roles: Roles, advice: ConditionAdvice) -> tuple[Confounding, ...]:
    """Find the factors that take degrees of freedom of a condition when they are adjusted for.

    Units nested in the condition are its replicates, and batches that serve as its units as well: they are left out.
    """
    units = experimental_units(facts, (*roles.factors, *roles.batches), advice.condition)
    found = []
    for name in _others(facts, roles, advice):
        if not units.tells(facts, name):
            continue
        table = units_of(facts, (name, advice.condition), units.rows)
        try:
            told = effect(table, advice.condition, [(name,)])
        except DesignError:
            continue  # too large, or never both known
        if told.lost:
            found.append(Confounding(name, told.lost, told.df, told.comparable, told.explanations))
    return tuple(found)


def compare_levels(
    inference: Inference, condition: str, one: str, other: str, *, given: Sequence[str] | None = None
) -> Comparison:
    """Tell whether the difference of two levels of a factor can be estimated, and if not, why.

    Parameters
    ----------
    condition
        A factor that differs between units.
    one, other
        Two of its levels.
    given
        What is adjusted for; by default what is advised for the condition.

    Raises
    ------
    DesignError
        If a factor or level is unknown, or a factor varies within units.
    """
    facts, roles = inference.facts, inference.roles
    for name in (condition, *(given or ())):
        _require_unit_level(facts, name)
    if one == other:
        raise DesignError(f"a difference is of two levels of {condition}, not of {one!r} and itself")
    if given is None:
        advised = (each for each in advise_conditions(facts, roles) if each.condition == condition)
        given = next((each.terms for each in advised), ())
    units = experimental_units(facts, (*roles.factors, *roles.batches), condition)
    # Finer than the units of the condition where what is given differs within them.
    rows = units.rows if all(units.tells(facts, name) for name in given) else None
    table = units_of(facts, (*given, condition), rows)
    return comparison(table, condition, one, other, [(name,) for name in given])


def _require_unit_level(facts: Facts, name: str) -> None:
    if name not in facts.names:
        near = get_close_matches(name, facts.names, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else f", which are {', '.join(facts.names[:MOST_NAMED])}"
        raise DesignError(f"no factor {name!r} among the candidates{meant}")
    if not facts.is_unit_level(name):
        raise DesignError(f"{name!r} varies within units, so its levels are not compared between them")


def _others(facts: Facts, roles: Roles, advice: ConditionAdvice) -> list[str]:
    return [
        name
        for name in (*roles.factors, *roles.batches)
        if name != advice.condition
        and facts.is_unit_level(name)
        and ((name,) != advice.unit or name in facts.same_as[advice.condition])
        and not (facts.nests(advice.condition, name) and facts.kinds[name] in ("unit", "batch"))
    ]


def _contrast(
    table: UnitTable, condition: str, terms: Sequence[str], block: str | None, one: str, other: str
) -> Contrast:
    judged = comparison(table, condition, one, other, [(name,) for name in terms])
    codes, levels = table.of(condition), table.levels_of(condition)
    counts = np.bincount(codes, minlength=len(levels))
    places = levels.index(one), levels.index(other)
    n_units = [int(counts[place]) for place in places]
    n_blocks = None
    if block is not None and block in table.names:
        held = [set(table.of(block)[codes == place].tolist()) for place in places]
        n_blocks = len(held[0] & held[1])
    left = model_rank(table, [(name,) for name in (*terms, condition)]).residual_df
    because, precise = judged.because, judged.estimable
    if judged.estimable and min(n_units) < LEAST_UNITS:
        because, precise = "one unit of a level: no test", False
    return Contrast(
        one=one,
        other=other,
        n_one=n_units[0],
        n_other=n_units[1],
        n_blocks=n_blocks,
        estimable=judged.estimable,
        because=because,
        standard_error=_standard_error(table, terms, condition, places) if precise else None,
        df=left if precise and left > 0 else None,
    )


def _standard_error(table: UnitTable, terms: Sequence[str], condition: str, places: tuple[int, int]) -> float:
    """Return sqrt(c' (X'X)⁻ c) for the difference c of two levels: least squares of units with equal variances."""
    indicators = [
        (table.of(name)[:, None] == np.arange(len(table.levels_of(name)))[None, :]).astype(float)
        for name in (*terms, condition)
    ]
    matrix = np.hstack([np.ones((table.n_units, 1)), *indicators])
    weights = np.zeros(matrix.shape[1])
    first = matrix.shape[1] - len(table.levels_of(condition))
    weights[first + places[0]], weights[first + places[1]] = 1.0, -1.0
    inverse = np.linalg.pinv(matrix.T @ matrix, rcond=LEAST_PIVOT, hermitian=True)
    return round(float(np.sqrt(weights @ inverse @ weights)), 6)
