"""What can be estimated: main effects, comparisons of two levels, interactions, given what is adjusted for.

A linear function of the parameters is estimable if it lies in the row space of the model matrix, that is, if no
null vector of the matrix changes it (Searle 1971, Linear Models, section 5.4). The difference of two levels is
estimable if every null vector has the same entry at both, so the levels of a factor fall into groups: any two
levels of a group can be compared, and no two of different groups. All ranks are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

from edviz.analysis.explanation import comparison_words, explained, listed
from edviz.analysis.indicators import Block, ModelMatrix, model_matrix
from edviz.analysis.rank import Echelon, echelon
from edviz.analysis.structure import Formula, terms_of
from edviz.analysis.units import Floats, Term, UnitTable, spoken
from edviz.errors import DesignError


@dataclass(frozen=True)
class Effect:
    """Whether the levels of a factor can be compared, given what is adjusted for.

    Attributes
    ----------
    factor
        A factor or a covariate.
    adjusted_for
        The other terms of the model, as in R.
    n_units, n_missing
        Units used, and units left out because something is missing.
    df
        Levels less one; 1 for a covariate.
    lost
        Degrees of freedom that cannot be told from the other terms.
    comparable
        Groups of levels: any two of a group can be compared, no two of different groups. Empty for a covariate.
    explanations
        What is the same as what, in words; empty if nothing is lost.
    """

    factor: str
    adjusted_for: tuple[str, ...]
    n_units: int
    n_missing: int
    df: int
    lost: int
    comparable: tuple[tuple[str, ...], ...]
    explanations: tuple[str, ...]

    @property
    def estimable(self) -> bool:
        """Whether all of the effect is."""
        return self.lost == 0

    def can_compare(self, one: str, other: str) -> bool:
        """Tell whether the difference of two levels is estimable."""
        return any(one in group and other in group for group in self.comparable)

    def in_words(self) -> str:
        """Say it in a sentence."""
        given = f" given {listed(self.adjusted_for)}" if self.adjusted_for else ""
        if not self.df:
            return f"{self.factor} has one level where nothing is missing: there is nothing to compare."
        if self.estimable:
            return f"{self.factor}{given} is estimable."
        lost = f"{self.factor}{given} loses {self.lost} of {self.df} degrees of freedom"
        groups = [listed(group) for group in self.comparable if len(group) > 1]
        left = f"what can be compared is {', or '.join(groups)}" if groups else "no two levels can be compared"
        return f"{lost}: {left}." if self.comparable else f"{lost}."


@dataclass(frozen=True)
class Interaction:
    """Whether an interaction can be estimated.

    Attributes
    ----------
    term
        The factors.
    adjusted_for
        Other terms than its own main effects and lower interactions.
    possible
        Product of the numbers of levels, each less one.
    in_cells
        Degrees of freedom that the occupied combinations leave, less than `possible` where some are empty.
    df
        Degrees of freedom that are left after the other terms.
    lost_to
        The smallest set found of other terms that makes the difference.
    """

    term: Term
    adjusted_for: tuple[str, ...]
    n_units: int
    n_missing: int
    possible: int
    in_cells: int
    df: int
    lost_to: tuple[str, ...]

    @property
    def estimable(self) -> bool:
        """Whether all of the interaction is."""
        return self.df == self.possible

    def in_words(self) -> str:
        """Say it in a sentence."""
        if self.estimable:
            return f"The interaction {spoken(self.term)} is estimable."
        reasons = []
        if self.in_cells < self.possible:
            reasons.append(f"{self.possible - self.in_cells} to combinations that do not occur")
        if self.df < self.in_cells:
            reasons.append(f"{self.in_cells - self.df} to {listed(self.lost_to)}")
        lost = self.possible - self.df
        return (
            f"The interaction {spoken(self.term)} loses {lost} of {self.possible} degrees of freedom: "
            f"{' and '.join(reasons)}."
        )


@dataclass(frozen=True)
class Comparison:
    """Whether the difference of two levels can be estimated, and if not, what it cannot be told from."""

    factor: str
    one: str
    other: str
    adjusted_for: tuple[str, ...]
    estimable: bool
    because: str


@dataclass(frozen=True)
class ModelRank:
    """Rank of a model, and the number of coefficients that software fits for it.

    Attributes
    ----------
    n_coefficients
        Columns of the model matrix with contrasts for a factor of a term if the model has the term without that
        factor, and indicators if not (Chambers and Hastie 1992, Statistical Models in S, section 2.4.1).
    """

    rank: int
    n_coefficients: int
    n_units: int

    @property
    def full(self) -> bool:
        """Whether all coefficients are estimable."""
        return self.rank == self.n_coefficients

    @property
    def residual_df(self) -> int:
        """Units less the rank."""
        return self.n_units - self.rank


def effect(table: UnitTable, factor: str, adjusted_for: Formula = ()) -> Effect:
    """Find which levels of a factor can be compared.

    Parameters
    ----------
    table
        Units; those where something is missing are left out.
    factor
        A factor or a covariate.
    adjusted_for
        The other terms of the model: factors, covariates, interactions. Given an interaction of its own, a
        factor loses all: ask for the interaction given the factor.

    Raises
    ------
    DesignError
        If a name is unknown or the model is too large.

    Examples
    --------
    >>> from edviz.analysis import unit_table
    >>> units = unit_table({"batch": [*"111122"], "condition": [*"AABBCC"]})
    >>> found = effect(units, "condition", "batch")
    >>> found.comparable, found.explanations
    ((('A', 'B'), ('C',)), ('condition C against A and B is the same as batch 2 − 1',))
    """
    others, target = _model(table, adjusted_for, (factor,))
    matrix = model_matrix(table, [*others, target])
    return _effect(table, matrix, matrix.echelon(), target, others)


def by_adjustment(table: UnitTable, factor: str, others: Sequence[str] | None = None) -> tuple[Effect, ...]:
    """Find what can be compared given nothing, given each other factor alone, and given all of them.

    Raises
    ------
    DesignError
        If a name is unknown or a model is too large.
    """
    names = [name for name in (table.names if others is None else others) if name != factor]
    alone = [[name] for name in names]
    sets = [[], *alone, *([names] if len(names) > 1 else [])]
    return tuple(effect(table, factor, adjusted_for) for adjusted_for in sets)


def effects(table: UnitTable, names: Sequence[str] | None = None) -> tuple[Effect, ...]:
    """Find for each factor which levels can be compared, given all other factors of the model.

    Raises
    ------
    DesignError
        If a name is unknown or the model is too large.
    """
    wanted = [(name,) for name in (table.names if names is None else names)]
    terms = terms_of(wanted, (*table.names, *table.covariates))
    matrix = model_matrix(table, terms)
    reduced = matrix.echelon()
    return tuple(
        _effect(table, matrix, reduced, target, tuple(term for term in terms if term != target)) for target in terms
    )


def interaction(table: UnitTable, factors: Sequence[str], adjusted_for: Formula = ()) -> Interaction:
    """Find how much of an interaction can be estimated after its margins and other terms.

    Parameters
    ----------
    table
        Units; those where something is missing are left out.
    factors
        Two or more factors.
    adjusted_for
        Other terms; the main effects and lower interactions of the factors are in the model anyway.

    Raises
    ------
    DesignError
        If a name is unknown or the model is too large.
    """
    others, target = _model(table, adjusted_for, tuple(factors))
    margins = [part for size in range(1, len(target)) for part in combinations(target, size)]
    others = tuple(term for term in others if frozenset(term) not in {frozenset(part) for part in margins})
    known = table.complete([name for term in (*others, target) for name in term])
    possible = prod(len(known.levels_of(name)) - 1 for name in target)
    in_cells = _added(known, [], margins, target)
    df = _added(known, others, margins, target)
    lost_to = list(others)
    for term in others if df < in_cells else ():
        fewer = [other for other in lost_to if other != term]
        if _added(known, fewer, margins, target) == df:
            lost_to = fewer
    return Interaction(
        target,
        tuple(map(spoken, others)),
        known.n_units,
        table.n_units - known.n_units,
        possible,
        in_cells,
        df,
        tuple(map(spoken, lost_to)) if df < in_cells else (),
    )


def interactions(
    table: UnitTable, names: Sequence[str] | None = None, adjusted_for: Formula = ()
) -> tuple[Interaction, ...]:
    """Find for each pair of factors how much of their interaction can be estimated.

    Raises
    ------
    DesignError
        If a name is unknown or a model is too large.
    """
    pairs = combinations(table.names if names is None else names, 2)
    return tuple(interaction(table, pair, adjusted_for) for pair in pairs)


def comparison(table: UnitTable, factor: str, one: str, other: str, adjusted_for: Formula = ()) -> Comparison:
    """Tell whether the difference of two levels of a factor can be estimated, and why not.

    Raises
    ------
    DesignError
        If a name or level is unknown or the model is too large.
    """
    others, target = _model(table, adjusted_for, (factor,))
    known = table.complete([name for term in (*others, target) for name in term])
    for level in (one, other):
        if level not in known.levels_of(factor):
            levels = listed(known.levels_of(factor))
            raise DesignError(f"no level {level!r} of {factor!r} where nothing is missing; the levels are {levels}")
    found = effect(table, factor, adjusted_for)
    possible = found.can_compare(one, other)
    because = "" if possible else comparison_words(known, target, others, found.lost, one, other)
    return Comparison(factor, one, other, found.adjusted_for, possible, because)


def model_rank(table: UnitTable, model: Formula) -> ModelRank:
    """Return the rank of a model with intercept, and how many coefficients software would fit for it.

    Raises
    ------
    DesignError
        If a name is unknown or the model is too large.
    """
    terms = terms_of(model, (*table.names, *table.covariates))
    matrix = model_matrix(table, terms)
    return ModelRank(matrix.echelon().rank, 1 + _n_coefficients(matrix.table, terms), matrix.n_units)


def _model(table: UnitTable, adjusted_for: Formula, target: Term) -> tuple[tuple[Term, ...], Term]:
    known = (*table.names, *table.covariates)
    others = terms_of(adjusted_for, known)
    terms_of([target], known)
    return tuple(term for term in others if frozenset(term) != frozenset(target)), target


def _effect(table: UnitTable, matrix: ModelMatrix, reduced: Echelon, target: Term, others: tuple[Term, ...]) -> Effect:
    block = matrix.block(target)
    null_rows = reduced.null_space[block.columns]
    is_covariate = target[0] in table.covariates
    # Indicators of a factor add up to one: that null vector is there in every model and costs nothing.
    lost = echelon(null_rows, reduced.prime).rank - (0 if is_covariate else 1)
    return Effect(
        spoken(target),
        tuple(map(spoken, others)),
        matrix.n_units,
        table.n_units - matrix.n_units,
        1 if is_covariate else len(block.labels) - 1,
        lost,
        () if is_covariate else _groups(block, null_rows),
        explained(
            table.complete([name for term in (*others, target) for name in term]),
            target,
            others,
            lost,
            saturated=reduced.rank == matrix.table.n_units,
        ),
    )


def _groups(block: Block, null_rows: Floats) -> tuple[tuple[str, ...], ...]:
    groups: dict[bytes, list[str]] = {}
    for label, row in zip(block.labels, null_rows, strict=True):
        groups.setdefault(row.tobytes(), []).append(label)
    return tuple(map(tuple, groups.values()))


def _added(table: UnitTable, others: Sequence[Term], margins: Sequence[Term], target: Term) -> int:
    return model_matrix(table, [*others, *margins, target]).ranks()[target]


def _n_coefficients(table: UnitTable, terms: Sequence[Term]) -> int:
    sets = {frozenset(term) for term in terms} | {frozenset[str]()}

    def columns(name: str, term: Term) -> int:
        if name in table.covariates:
            return 1
        return len(table.levels_of(name)) - (frozenset(term) - {name} in sets)

    return sum(prod(columns(name, term) for name in term) for term in terms)
