"""All that a design allows, as plain data: the JSON of the script, the result of the tool, sections of the card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Literal, TypeVar

import numpy as np

from edviz.advice.conditions import ConditionAdvice, advise_conditions, why_nothing_to_compare
from edviz.advice.contrasts import Confounding, Contrast, Subset, confoundings, contrasts, subsets, units_of
from edviz.advice.keys import KeyAdvice, advise_batch_keys, mostly_apart
from edviz.advice.models import Model, model_in_groups, model_terms, models
from edviz.advice.pseudobulk import Pseudobulk, pseudobulk
from edviz.analysis import (
    Anatomy,
    Interaction,
    Term,
    UnitTable,
    anatomy,
    balance,
    expected_mean_squares,
    hasse_text,
    interaction,
    lattice,
)
from edviz.errors import DesignError
from edviz.infer import Inference
from edviz.infer.facts import Facts
from edviz.infer.findings import conditions
from edviz.infer.replication import ExperimentalUnits, experimental_units
from edviz.infer.result import Finding
from edviz.infer.structure import Roles

MOST_FACTORS = 6
"""The lattice of more factors is a picture that nobody reads."""
MOST_ELEMENTS = 24
FEW_DEGREES_OF_FREEDOM = 3
"""With fewer, the t quantile of a test is above 4 standard errors (alpha 0.05): only huge effects show."""

Verdict = Literal["yes", "hardly", "in part", "no"]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Structure:
    """How the factors of the units hang together.

    Attributes
    ----------
    factors
        Those that are related, coarse to fine; of equal ones the one that the design shows.
    hasse
        The Hasse diagram of them, their combinations and joins, with levels and degrees of freedom, as text.
    orthogonal, balanced
        Whether all pairs of factors are; None if there are too many levels to tell.
    notes
        What was left out, and why; what the lattice itself has to say is at the foot of the diagram.
    """

    factors: tuple[str, ...]
    hasse: str
    orthogonal: bool | None
    balanced: bool | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class StratumRow:
    """One error stratum, and what of a condition is estimated in it.

    Attributes
    ----------
    stratum
        Its name: `plots[blocks]` for nested, `rows#columns` for crossed factors, `within` for the finest units.
    df, condition_df, residual_df
        Degrees of freedom in all, of the condition, and left for the error.
    efficiency
        Harmonic mean of the canonical efficiency factors; None if nothing of the condition lies in the stratum.
    """

    stratum: str
    df: int
    condition_df: int
    efficiency: float | None
    residual_df: int


@dataclass(frozen=True)
class FTest:
    """The F test of a condition.

    Attributes
    ----------
    expected
        Expected mean square of the condition, Q being the sum of its squared effects by their degrees of freedom.
    denominator
        What its mean square is divided by; None where nothing has that expectation.
    """

    expected: str
    denominator: str | None


@dataclass(frozen=True)
class SubsetModels:
    """Some levels of a condition that can be compared among themselves, and the models for their samples."""

    levels: tuple[str, ...]
    terms: tuple[str, ...]
    residual_df: int
    models: tuple[Model, ...]


@dataclass(frozen=True)
class ConditionAnalysis:
    """One condition: its comparisons, what they are confounded with, the models that test it.

    Attributes
    ----------
    advice
        Experimental unit, units per level, blocks, what is adjusted for, whether it can be tested.
    verdict, why
        Whether it can be tested, and why not, or why hardly; empty if it can.
    contrasts
        Differences of two levels, given what is adjusted for.
    confounded_with
        Factors that take degrees of freedom of it when they are adjusted for.
    subsets
        Groups of levels that can be compared among themselves, where not all can be.
    strata
        The strata of units, coarsest first, and what of the condition is estimated in each.
    f_test
        Expected mean square and denominator of F, after the blocks; None if it cannot be tested or told.
    models
        Ready to paste; none if it cannot be tested.
    in_groups
        Models for its effect in each level of a condition that blocks are nested in.
    pseudobulk
        How to make samples of it; None if every row is one.
    cells_per_unit
        Median number of observations of one of its units; None where no unit is known or each has one.
    """

    advice: ConditionAdvice
    verdict: Verdict
    why: str
    contrasts: tuple[Contrast, ...]
    confounded_with: tuple[Confounding, ...]
    subsets: tuple[SubsetModels, ...]
    strata: tuple[StratumRow, ...]
    f_test: FTest | None
    models: tuple[Model, ...]
    in_groups: tuple[Model, ...]
    pseudobulk: Pseudobulk | None
    cells_per_unit: float | None


@dataclass(frozen=True)
class DesignAnalysis:
    """What a design allows.

    Attributes
    ----------
    design
        In the edviz language.
    unit, n_units
        Columns of the finest experimental unit, () if every row is one, None if none was found; and their number.
    structure
        Lattice, degrees of freedom and balance; None without units.
    conditions
        What can be said of each condition that the design shows.
    nothing_to_compare
        Why there is none; None if there is.
    interactions
        Of every two conditions, given the blocks of both and the other conditions.
    integration
        Columns as batch key, the best first.
    findings
        Of the inference, the gravest first.
    """

    design: str
    n_obs: int
    unit: tuple[str, ...] | None
    n_units: int
    structure: Structure | None
    conditions: tuple[ConditionAnalysis, ...]
    nothing_to_compare: str | None
    interactions: tuple[Interaction, ...]
    integration: tuple[KeyAdvice, ...]
    findings: tuple[Finding, ...]


def analyze_design(inference: Inference) -> DesignAnalysis:
    """Find out what an inferred design allows: which comparisons, at which unit, with which model.

    Definitions and sources are in `references/statistics.md`. All ranks are exact and on tables of units, never on
    observations.
    """
    facts, roles = inference.facts, inference.roles
    advised = advise_conditions(facts, roles)
    return DesignAnalysis(
        design=inference.report.design,
        n_obs=inference.report.n_obs,
        unit=None if facts.unit is None else facts.unit.columns,
        n_units=0 if facts.unit is None else facts.unit.n_units,
        structure=_structure(facts, roles),
        conditions=tuple(_condition(facts, roles, advice) for advice in advised),
        nothing_to_compare=None if advised else why_nothing_to_compare(facts, roles, inference.report.findings),
        interactions=tuple(_interactions(facts, advised)),
        integration=advise_batch_keys(facts, roles),
        findings=inference.report.findings,
    )


def _condition(facts: Facts, roles: Roles, advice: ConditionAdvice) -> ConditionAnalysis:
    experimental = experimental_units(facts, (*roles.factors, *roles.batches), advice.condition)
    blocks, units = _blocks_and_units(facts, advice, experimental)
    table = units_of(facts, (*blocks, advice.condition, *(name for term in units for name in term)))
    confounded = confoundings(facts, roles, advice)
    among = _unless_refused(lambda: subsets(facts, roles, advice, confounded)) or ()
    verdict, why = _verdict(facts, advice, among)
    return ConditionAnalysis(
        advice=advice,
        verdict=verdict,
        why=why,
        contrasts=_unless_refused(lambda: contrasts(facts, roles, advice, confounded, among)) or (),
        confounded_with=confounded,
        subsets=tuple(_subset_models(facts, advice, each) for each in among),
        strata=_strata(_unless_refused(lambda: anatomy(table, [*blocks, *units], [advice.condition])), advice),
        f_test=_unless_refused(lambda: _f_test(table, blocks, advice.condition, units)) if advice.testable else None,
        models=models(model_terms(facts, advice)) if advice.testable else (),
        in_groups=tuple(_in_groups(facts, roles, advice)) if advice.testable else (),
        pseudobulk=pseudobulk(facts, roles, advice),
        cells_per_unit=_cells_per_unit(facts, experimental),
    )


def _subset_models(facts: Facts, advice: ConditionAdvice, found: Subset) -> SubsetModels:
    among = replace(advice, terms=found.terms, residual_df=found.residual_df)
    return SubsetModels(found.levels, found.terms, found.residual_df, models(model_terms(facts, among)))


def _in_groups(facts: Facts, roles: Roles, advice: ConditionAdvice) -> Iterator[Model]:
    terms = model_terms(facts, advice)
    # Beside other conditions, such as the period of a cross-over, an effect in a group may be one of those.
    for block in terms.blocks if not terms.fixed else ():
        for group in conditions(facts, roles):
            if group in roles.shown and group != advice.condition and facts.nests(group, block):
                yield model_in_groups(terms, group, block)


def _verdict(facts: Facts, advice: ConditionAdvice, among: Sequence[Subset]) -> tuple[Verdict, str]:
    if not advice.testable:
        return "in part" if among else "no", advice.reason or ""
    if (advice.residual_df or 0) < FEW_DEGREES_OF_FREEDOM:
        return "hardly", f"{advice.residual_df} residual df between units"
    for name in advice.terms:
        if facts.kinds[name] == "batch" and mostly_apart(facts, name, advice.condition):
            return "hardly", f"few levels of {name} hold several of its levels"
    return "yes", ""


def _blocks_and_units(facts: Facts, advice: ConditionAdvice, units: ExperimentalUnits) -> tuple[list[str], list[Term]]:
    """Return the blocks of a condition, coarse to fine, and its unit, unless that is the finest there is."""
    blocks = sorted((name for name in advice.blocks if facts.kinds[name] == "unit"), key=facts.n_levels)
    is_coarser = advice.unit and len(units.rows) < int((units.codes >= 0).sum())
    return blocks, [advice.unit] if is_coarser else []


def _strata(found: Anatomy | None, advice: ConditionAdvice) -> tuple[StratumRow, ...]:
    rows = []
    for stratum in found.strata if found is not None else ():
        source = stratum.source(advice.condition)
        efficiency = None if source is None else round(source.a_efficiency, 4)
        df = 0 if source is None else source.df
        rows.append(StratumRow(stratum.name, stratum.df, df, efficiency, stratum.residual_df))
    return tuple(rows)


def _f_test(table: UnitTable, blocks: Sequence[str], condition: str, units: Sequence[Term]) -> FTest:
    outer: list[Term] = [(name,) for name in blocks]
    random = {name for term in (*outer, *units) for name in term} - {condition}
    row = expected_mean_squares(table, [*outer, (condition,), *units], random).row(condition)
    parts = () if row.denominator is None else row.denominator.parts
    return FTest(row.in_words(), _combined(parts) if parts else None)


def _combined(parts: Sequence[tuple[str, float]]) -> str:
    """Write a combination of mean squares: `1.01 MS(donor) − 0.01 MS(residual)`."""
    written = ""
    for term, weight in parts:
        sign = (" + " if weight > 0 else " − ") if written else ("" if weight > 0 else "−")
        times = "" if abs(weight) == 1 else f"{abs(weight):.4g} "
        written += f"{sign}{times}MS({term})"
    return written


def _structure(facts: Facts, roles: Roles) -> Structure | None:
    if facts.unit_table is None:
        return None
    names = [name for name in (*roles.factors, *roles.batches) if facts.is_unit_level(name)]
    names.sort(key=facts.n_levels)
    notes = []
    if len(names) > MOST_FACTORS:
        notes.append(f"{', '.join(names[MOST_FACTORS:])}: left out, as the lattice of so many factors is no help")
        names = names[:MOST_FACTORS]
    if not names:
        return None
    table = units_of(facts, names)
    found = _unless_refused(lambda: lattice(table, most=MOST_ELEMENTS))
    if found is None:
        notes.append("the lattice is too large to be drawn")
    pairs = _unless_refused(lambda: balance(table))
    return Structure(
        factors=tuple(names),
        hasse="" if found is None else hasse_text(found),
        orthogonal=None if pairs is None else pairs.orthogonal,
        balanced=None if pairs is None else pairs.balanced,
        notes=tuple(notes),
    )


def _interactions(facts: Facts, advised: Sequence[ConditionAdvice]) -> Iterable[Interaction]:
    for a, b in combinations(advised, 2):
        if not facts.crossed(a.condition, b.condition):
            continue
        blocks = dict.fromkeys(name for name in (*a.blocks, *b.blocks) if name not in (a.condition, b.condition))
        others = [each.condition for each in advised if each.condition not in (a.condition, b.condition)]
        blocks |= dict.fromkeys(name for name in others if facts.crossed(name, a.condition))
        table = units_of(facts, (*blocks, a.condition, b.condition))
        found = _unless_refused(partial(interaction, table, (a.condition, b.condition), list(blocks)))
        if found is not None:
            yield found


def _cells_per_unit(facts: Facts, units: ExperimentalUnits) -> float | None:
    if facts.unit is None or facts.unit_table is None or not facts.unit.columns:
        return None
    present = units.codes >= 0
    sizes = np.bincount(units.codes[present], weights=facts.unit_table.sizes[present])
    sizes = sizes[sizes > 0]
    # One observation a unit is a unit, whatever it is called.
    return float(np.median(sizes)) if len(sizes) and sizes.max() > 1 else None


def _unless_refused(find: Callable[[], Found]) -> Found | None:
    """Return what is found, or None where the table is too large or too empty for it."""
    try:
        return find()
    except DesignError:
        return None
