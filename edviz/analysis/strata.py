"""Strata of a unit structure, and what of the treatments lies in each of them: the anatomy of a design.

A stratum is what a term of the unit structure adds to the coarser ones: comparisons within it have one error
variance. Treatments that lie partly in several strata have there their canonical efficiency factors: the
eigenvalues of Q_treatment Q_stratum Q_treatment, with Q the projectors (James and Wilkinson 1971, Biometrika 58,
279-294; Brien and Bailey 2009, Annals of Statistics 37, 4184-4213). Their harmonic mean is the A-efficiency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from edviz.analysis.orthogonality import are_orthogonal, pair_balance
from edviz.analysis.projection import Basis, check_size, sequential_bases, without
from edviz.analysis.structure import Formula, nesting_of, stratum_name, terms_of
from edviz.analysis.units import Term, UnitTable, spoken
from edviz.errors import DesignError

SMALLEST_EFFICIENCY = 1e-9
"""Efficiencies of tables of some thousand units are far above; what is below is rounding."""
WITHIN = "within"


@dataclass(frozen=True)
class Source:
    """What of a treatment term is estimated in one stratum.

    Attributes
    ----------
    term
        As in R: `A:B`.
    efficiencies
        Canonical efficiency factors above zero, ascending, adjusted for the terms before it in the stratum.
    """

    term: str
    efficiencies: tuple[float, ...]

    @property
    def df(self) -> int:
        """Degrees of freedom of the term in the stratum."""
        return len(self.efficiencies)

    @property
    def a_efficiency(self) -> float:
        """Harmonic mean of the efficiencies: mean variance of an orthogonal design to that of this one."""
        return self.df / sum(1 / efficiency for efficiency in self.efficiencies)


@dataclass(frozen=True)
class Stratum:
    """One error stratum.

    Attributes
    ----------
    name
        `plots[blocks]` for nested, `rows#columns` for crossed factors, `within` for units of one finest term.
    term
        The term of the unit structure, () for `within`.
    df
        Degrees of freedom in all.
    sources
        Treatment terms that have a share in it.
    df_by_nesting
        In a nested stratum the degrees of freedom within each level of the nesting factors; else empty.
    """

    name: str
    term: Term
    df: int
    sources: tuple[Source, ...]
    df_by_nesting: dict[str, int] = field(default_factory=dict)

    @property
    def residual_df(self) -> int:
        """Degrees of freedom that are left to estimate the error of the stratum."""
        return self.df - sum(source.df for source in self.sources)

    def source(self, term: str) -> Source | None:
        """Return what the stratum has of a treatment term, or None."""
        return next((source for source in self.sources if source.term == term), None)


@dataclass(frozen=True)
class Anatomy:
    """The strata of a design, coarsest first, their degrees of freedom adding up to n_units - 1.

    Attributes
    ----------
    n_units, n_missing
        Units used, and units left out because a factor is missing.
    strata
        Those with degrees of freedom.
    notes
        Terms that add nothing, strata that are not orthogonal, treatments without an error, in words.
    """

    n_units: int
    n_missing: int
    strata: tuple[Stratum, ...]
    notes: tuple[str, ...]

    def stratum(self, name: str) -> Stratum:
        """Return the stratum of that name.

        Raises
        ------
        DesignError
            If there is none.
        """
        for stratum in self.strata:
            if stratum.name == name:
                return stratum
        raise DesignError(f"no stratum {name!r}; the strata are {', '.join(each.name for each in self.strata)}")


def anatomy(table: UnitTable, units: Formula, treatments: Formula = ()) -> Anatomy:
    """Find the strata of a unit structure and decompose treatment terms in each.

    Parameters
    ----------
    table
        Units; those where a factor of either formula is missing are left out.
    units
        Unit structure, for example `blocks/plots` or `rows*columns`, or its terms.
    treatments
        Treatment model, for example `variety*nitrogen`, or its terms, fitted in their order.

    Raises
    ------
    DesignError
        If a formula cannot be read, names an unknown factor, or the table has more than 3,000 units.

    Examples
    --------
    >>> from edviz.analysis import unit_table
    >>> halves = unit_table({"pair": [1, 1, 2, 2, 3, 3], "drug": [*"ABBAAB"]})
    >>> [(stratum.name, stratum.df, stratum.residual_df) for stratum in anatomy(halves, "pair", "drug").strata]
    [('pair', 2, 2), ('within', 3, 2)]
    """
    unit_terms = terms_of(units, table.names)
    treatment_terms = terms_of(treatments, table.names)
    known = table.complete([name for term in (*unit_terms, *treatment_terms) for name in term])
    check_size(known)
    unit_bases = sequential_bases(known, unit_terms)
    treatment_bases = sequential_bases(known, treatment_terms)
    strata = []
    for term, basis in unit_bases.items():
        if basis.shape[1]:
            stratum = _decomposed(stratum_name(term, unit_terms), term, _Inside(basis), treatment_bases)
            strata.append(replace(stratum, df_by_nesting=_by_nesting(known, nesting_of(term, unit_terms), basis)))
    coarser = np.hstack([np.full((known.n_units, 1), known.n_units**-0.5), *unit_bases.values()])
    if coarser.shape[1] < known.n_units:
        strata.append(_decomposed(WITHIN, (), _Outside(coarser), treatment_bases))
    notes = (
        *_empty_terms(unit_bases, "the unit structure"),
        *_empty_terms(treatment_bases, "the treatments"),
        *_not_orthogonal(known, unit_terms),
        *_without_error(strata),
    )
    return Anatomy(known.n_units, table.n_units - known.n_units, tuple(strata), notes)


@dataclass(frozen=True, eq=False)
class _Inside:
    """The space that a basis spans."""

    basis: Basis

    @property
    def df(self) -> int:
        return int(self.basis.shape[1])

    def part_of(self, columns: Basis) -> Basis:
        return np.asarray(self.basis @ (self.basis.T @ columns))


@dataclass(frozen=True, eq=False)
class _Outside:
    """The space orthogonal to a basis, which is large and so is never written down."""

    basis: Basis

    @property
    def df(self) -> int:
        return int(self.basis.shape[0] - self.basis.shape[1])

    def part_of(self, columns: Basis) -> Basis:
        return without(columns, self.basis)


def _decomposed(name: str, term: Term, space: _Inside | _Outside, treatments: dict[Term, Basis]) -> Stratum:
    """Fit treatment terms in a stratum one after the other."""
    sources = []
    fitted = np.zeros((len(space.basis), 0))
    for treatment, basis in treatments.items():
        directions, cosines, _ = np.linalg.svd(without(space.part_of(basis), fitted), full_matrices=False)
        efficiencies = np.minimum(cosines**2, 1)
        seen = efficiencies > SMALLEST_EFFICIENCY
        if seen.any():
            sources.append(Source(spoken(treatment), tuple(sorted(efficiencies[seen].tolist()))))
            fitted = np.hstack([fitted, directions[:, seen]])
    return Stratum(name, term, space.df, tuple(sources))


def _by_nesting(table: UnitTable, nesting: Term, basis: Basis) -> dict[str, int]:
    """Split degrees of freedom by the trace of the projector, which a nested stratum has in blocks."""
    if not nesting:
        return {}
    traces = np.bincount(table.cells(nesting), (basis**2).sum(axis=1))
    return {name: round(trace) for name, trace in zip(table.names_of(nesting), traces.tolist(), strict=True)}


def _empty_terms(bases: dict[Term, Basis], where: str) -> Iterator[str]:
    for term, basis in bases.items():
        if not basis.shape[1]:
            yield f"{spoken(term)} adds nothing to the terms before it in {where}."


def _not_orthogonal(table: UnitTable, terms: Sequence[Term]) -> Iterator[str]:
    for a, b in combinations(terms, 2):
        if not are_orthogonal(table.cells(a), table.cells(b)):
            because = pair_balance(table, a, b).because
            yield f"The strata depend on their order, as {because}."


def _without_error(strata: Iterable[Stratum]) -> Iterator[str]:
    for stratum in strata:
        if stratum.sources and not stratum.residual_df:
            terms = " and ".join(source.term for source in stratum.sources)
            yield f"No degree of freedom is left in {stratum.name} to judge {terms} by: there is no replication."
