"""Expected mean squares, the right denominators of F, and components of variance by analysis of variance.

Unrestricted model: every random term at or below a term, in the Hasse diagram of the terms, contributes to its
mean square, with as many units as a level of it has (Lohr 1995, The American Statistician 49, 376-381; Oehlert
2000, A First Course in Design and Analysis of Experiments, chapter 12). Where levels have different numbers of
units these rules do not hold, and coefficients are found by synthesis from the projectors (Hartley 1967,
Biometrics 23, 105-114).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from edviz.analysis.orthogonality import are_orthogonal
from edviz.analysis.partition import n_classes, refines
from edviz.analysis.projection import Basis, check_size, indicator_columns, sequential_bases, without
from edviz.analysis.structure import Formula, terms_of
from edviz.analysis.units import Floats, Ints, Term, UnitTable, spoken
from edviz.errors import DesignError

RESIDUAL = "residual"
Method = Literal["rules", "synthesis"]


@dataclass(frozen=True)
class Combination:
    """A sum of mean squares, each with a coefficient: `(("A:B", 1.0), ("A:C", 1.0), ("A:B:C", -1.0))`."""

    parts: tuple[tuple[str, float], ...]

    @property
    def exact(self) -> bool:
        """Whether it is one mean square, so that F has its distribution exactly."""
        return len(self.parts) == 1 and self.parts[0][1] == 1

    def value(self, mean_squares: dict[str, float]) -> float:
        """Return the sum for given mean squares."""
        return sum(coefficient * mean_squares[name] for name, coefficient in self.parts)

    def df(self, mean_squares: dict[str, float], df: dict[str, int]) -> float:
        """Return the approximate degrees of freedom (Satterthwaite 1946, Biometrics Bulletin 2, 110-114)."""
        spread = sum((coefficient * mean_squares[name]) ** 2 / df[name] for name, coefficient in self.parts)
        return self.value(mean_squares) ** 2 / spread


@dataclass(frozen=True)
class ExpectedMeanSquare:
    """The expectation of one mean square.

    Attributes
    ----------
    term
        As in R, or `residual`.
    df
        Degrees of freedom.
    random
        Whether its effect is a component of variance; if not, a fixed effect Q.
    components
        Coefficient of each component of variance, its own among them, that of the residual last.
    fixed
        Coefficient of Q, the sum of squared effects by degrees of freedom, for a fixed term; else None. By
        synthesis it is 1 and Q is all that fixed effects, also those of later terms, bring into the mean square.
    leading
        The coarsest random terms below: one gives the denominator, two or more are combined.
    denominator
        What to divide by; None where nothing has that expectation.
    """

    term: str
    df: int
    random: bool
    components: dict[str, float]
    fixed: float | None
    leading: tuple[str, ...]
    denominator: Combination | None

    def in_words(self) -> str:
        """Write the expectation as a sum: `σ²(residual) + 3 σ²(A:B) + 18 Q(A)`."""
        parts = [
            f"{_times(coefficient)}σ²({name})" for name, coefficient in reversed(self.components.items()) if coefficient
        ]
        return " + ".join([*parts, *([f"{_times(self.fixed)}Q({self.term})"] if self.fixed is not None else [])])


@dataclass(frozen=True)
class ExpectedMeanSquares:
    """Expected mean squares of all terms of a model, coarser ones first, the residual last.

    Attributes
    ----------
    method
        `rules` where every level of a term has as many units as the others and terms are orthogonal, else
        `synthesis`, with sums of squares of terms in their order.
    """

    n_units: int
    method: Method
    rows: tuple[ExpectedMeanSquare, ...]

    def row(self, term: str) -> ExpectedMeanSquare:
        """Return the row of a term.

        Raises
        ------
        DesignError
            If there is none.
        """
        for row in self.rows:
            if row.term == term:
                return row
        raise DesignError(f"no term {term!r}; the terms are {', '.join(row.term for row in self.rows)}")


@dataclass(frozen=True)
class AnovaRow:
    """A line of an analysis of variance.

    Attributes
    ----------
    f, denominator_df
        None where there is no denominator.
    component
        Estimated component of variance of a random term, below zero where it comes out so; None for a fixed one.
    """

    term: str
    df: int
    sum_of_squares: float
    mean_square: float
    f: float | None
    denominator_df: float | None
    component: float | None


def expected_mean_squares(table: UnitTable, terms: Formula, random: Collection[str]) -> ExpectedMeanSquares:
    """Find the expected mean square of each term of a model, and what to divide it by.

    Parameters
    ----------
    table
        Units; those where a factor of the model is missing are left out.
    terms
        The model: a formula such as `supplier/batch`, or terms.
    random
        Random factors: a term is random if one of its factors is.

    Raises
    ------
    DesignError
        If the formula cannot be read or the table has more than 3,000 units.
    """
    return _Model.of(table, terms, random).expectations()


def analysis_of_variance(
    table: UnitTable, terms: Formula, random: Collection[str], response: Floats
) -> tuple[AnovaRow, ...]:
    """Analyse one number a unit: sums of squares of terms in their order, F with the right denominators, components.

    Parameters
    ----------
    table
        Units.
    terms, random
        As for `expected_mean_squares`.
    response
        Shape (n_units,), NaN where missing.

    Raises
    ------
    DesignError
        If the response has another length, and as for `expected_mean_squares`.
    """
    if response.shape != (table.n_units,):
        raise DesignError(f"the response has one number a unit, shape ({table.n_units},), not {response.shape}")
    names = [name for term in terms_of(terms, table.names) for name in term]
    present = np.isfinite(response)
    for name in names:
        present &= table.of(name) >= 0
    kept = np.flatnonzero(present)
    return _analysed(_Model.of(table.take(kept), terms, random), response[kept])


@dataclass(frozen=True, eq=False)
class _Model:
    """A model with bases of its terms; the residual is what is orthogonal to all of them."""

    table: UnitTable
    terms: tuple[Term, ...]
    is_random: dict[Term, bool]
    bases: dict[Term, Basis]
    partitions: dict[Term, Ints]

    @classmethod
    def of(cls, table: UnitTable, formula: Formula, random: Collection[str]) -> _Model:
        terms = terms_of(formula, table.names)
        terms_of([(name,) for name in random], table.names)
        known = table.complete([name for term in terms for name in term])
        check_size(known)
        bases = {term: basis for term, basis in sequential_bases(known, terms).items() if basis.shape[1]}
        is_random = {term: bool(set(term) & set(random)) for term in bases}
        return cls(known, tuple(bases), is_random, bases, {term: known.cells(term) for term in bases})

    @property
    def residual_df(self) -> int:
        return self.table.n_units - 1 - sum(map(self.df, self.terms))

    @property
    def random_terms(self) -> list[Term]:
        return [term for term in self.terms if self.is_random[term]]

    def expectations(self) -> ExpectedMeanSquares:
        method: Method = "rules" if self._rules_hold() else "synthesis"
        expected = {term: self._components(term, method) for term in self.terms}
        if self.residual_df:
            expected[()] = {**dict.fromkeys(self.random_terms, 0.0), (): 1.0}
        rows = tuple(self._row(term, expected, method) for term in expected)
        return ExpectedMeanSquares(self.table.n_units, method, rows)

    def df(self, term: Term) -> int:
        return int(self.bases[term].shape[1]) if term else self.residual_df

    def below(self, term: Term) -> list[Term]:
        """Return the random terms strictly below a term in the Hasse diagram, the residual () last."""
        if not term:
            return []
        finer = [other for other in self.random_terms if other != term and self._finer(other, term)]
        return [*finer, *([()] if self.residual_df else [])]

    def leading(self, term: Term) -> list[Term]:
        """Return those random terms below a term that have no other such term between."""
        below = self.below(term)
        return [one for one in below if not any(one in self.below(other) for other in below if other)]

    def _finer(self, fine: Term, coarse: Term) -> bool:
        return refines(self.partitions[fine], self.partitions[coarse])

    def _rules_hold(self) -> bool:
        equal = all(len(set(np.bincount(codes).tolist())) == 1 for codes in self.partitions.values())
        return equal and all(are_orthogonal(a, b) for a, b in combinations(self.partitions.values(), 2))

    def _components(self, term: Term, method: Method) -> dict[Term, float]:
        coefficients = {
            other: self._by_rules(term, other) if method == "rules" else self._by_synthesis(term, other)
            for other in self.random_terms
        }
        return {**coefficients, **({(): 1.0} if self.residual_df else {})}

    def _by_rules(self, term: Term, other: Term) -> float:
        return self._units_a_level(other) if other == term or self._finer(other, term) else 0.0

    def _by_synthesis(self, term: Term, other: Term) -> float:
        """Coefficient of a component: the trace of Q Z Z' by degrees of freedom, Z the indicators of its levels."""
        projected = self.bases[term].T @ indicator_columns(self.partitions[other])
        coefficient = float((projected**2).sum()) / self.df(term)
        return coefficient if coefficient > 1e-10 else 0.0

    def _units_a_level(self, term: Term) -> float:
        return self.table.n_units / n_classes(self.partitions[term])

    def _row(self, term: Term, expected: dict[Term, dict[Term, float]], method: Method) -> ExpectedMeanSquare:
        random = not term or self.is_random[term]
        fixed = None if random else (self._units_a_level(term) if method == "rules" else 1.0)
        parts = self._denominator(term, expected)
        return ExpectedMeanSquare(
            term=_spoken(term),
            df=self.df(term),
            random=random,
            components={_spoken(other): value for other, value in expected[term].items()},
            fixed=fixed,
            leading=tuple(map(_spoken, self.leading(term))),
            denominator=None if parts is None else Combination(tuple((_spoken(key), value) for key, value in parts)),
        )

    def _denominator(self, term: Term, expected: dict[Term, dict[Term, float]]) -> list[tuple[Term, float]] | None:
        """Find the sum of random mean squares whose expectation is that of a term without its own effect."""
        others = [other for other in (*self.random_terms, ()) if other != term and other in expected]
        if not term or not others:
            return None
        matrix = np.array([[expected[other][component] for other in others] for component in others])
        wanted = np.array([expected[term][component] for component in others])
        solution, _, rank, _ = np.linalg.lstsq(matrix, wanted, rcond=None)
        if rank < len(others) or not np.allclose(matrix @ solution, wanted):
            return None
        parts = [(other, round(float(value), 12)) for other, value in zip(others, solution, strict=True)]
        return [(other, value) for other, value in parts if abs(value) > 1e-9]


def _analysed(model: _Model, response: Floats) -> tuple[AnovaRow, ...]:
    expected = model.expectations()
    mean = np.full((len(response), 1), len(response) ** -0.5)
    everything = np.hstack([mean, *model.bases.values()])
    squares = {_spoken(term): float(((basis.T @ response) ** 2).sum()) for term, basis in model.bases.items()}
    squares[RESIDUAL] = float((without(response, everything) ** 2).sum())
    df = {row.term: row.df for row in expected.rows}
    mean_squares = {term: squares[term] / df[term] for term in df}
    components = _estimated(expected.rows, mean_squares)
    rows = []
    for row in expected.rows:
        below = row.denominator
        f = None if below is None else mean_squares[row.term] / below.value(mean_squares)
        below_df = None if below is None else below.df(mean_squares, df)
        rows.append(
            AnovaRow(row.term, row.df, squares[row.term], mean_squares[row.term], f, below_df, components.get(row.term))
        )
    return tuple(rows)


def _estimated(rows: Sequence[ExpectedMeanSquare], mean_squares: dict[str, float]) -> dict[str, float]:
    """Equate the mean squares of random terms with their expectations."""
    random = [row for row in rows if row.random]
    if not random:
        return {}
    matrix = np.array([[row.components[other.term] for other in random] for row in random])
    solution = np.linalg.lstsq(matrix, np.array([mean_squares[row.term] for row in random]), rcond=None)[0]
    return {row.term: float(value) for row, value in zip(random, solution, strict=True)}


def _spoken(term: Term) -> str:
    return spoken(term) if term else RESIDUAL


def _times(coefficient: float) -> str:
    return "" if coefficient == 1 else f"{coefficient:.4g} "
