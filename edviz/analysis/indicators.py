"""Model matrices of indicators, in whole numbers: one column for each level, none left out as reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edviz.analysis.rank import PRIMES, Echelon, Ints, echelon, residues_of
from edviz.analysis.units import Term, UnitTable, spoken
from edviz.errors import DesignError

LARGEST_MATRIX = 16_000_000
"""Entries; elimination of as many takes some seconds."""


@dataclass(frozen=True, eq=False)
class Block:
    """The columns of one term: places in the matrix, and what each column stands for."""

    term: Term
    columns: slice
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ModelMatrix:
    """Indicators of the levels of terms, an intercept before them.

    Attributes
    ----------
    table
        The distinct rows of the units where nothing is missing.
    blocks
        The intercept first, its term is ().
    n_units
        Units where nothing is missing.
    """

    table: UnitTable
    blocks: tuple[Block, ...]
    n_units: int

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.blocks[-1].columns.stop)

    def block(self, term: Term) -> Block:
        """Return the columns of a term."""
        return next(block for block in self.blocks if block.term == term)

    def echelon(self) -> Echelon:
        """Return the matrix in echelon form, modulo that of two primes which gives the larger rank."""
        first = echelon(self._modulo(PRIMES[0]), PRIMES[0])
        if first.rank == min(self.table.n_units, self.n_columns):
            return first
        second = echelon(self._modulo(PRIMES[1]), PRIMES[1])
        return second if second.rank > first.rank else first

    def sends_to_zero(self, vector: Ints) -> bool:
        """Tell whether the matrix maps a vector to zero, also modulo the prime that did not find it."""
        return not any(((self._modulo(prime) @ vector) % prime).any() for prime in PRIMES)

    def ranks(self) -> dict[Term, int]:
        """Return how much each block adds to the rank of those before it."""
        pivots = self.echelon().pivots
        return {
            block.term: int(np.searchsorted(pivots, block.columns.stop) - np.searchsorted(pivots, block.columns.start))
            for block in self.blocks
        }

    def _modulo(self, prime: int) -> Ints:
        matrix = np.zeros((self.table.n_units, self.n_columns), dtype=np.int64)
        for block in self.blocks:
            matrix[:, block.columns] = self._values(block, prime)
        return matrix

    def _values(self, block: Block, prime: int) -> Ints:
        numeric = [name for name in block.term if name in self.table.covariates]
        factors = tuple(name for name in block.term if name not in numeric)
        values: Ints = (self.table.cells(factors)[:, None] == np.arange(len(block.labels))).astype(np.int64)
        for name in numeric:
            values = values * residues_of(self.table.covariates[name], prime)[:, None] % prime
        return values


def model_matrix(table: UnitTable, terms: Sequence[Term]) -> ModelMatrix:
    """Make the matrix of an intercept and some terms, in their order.

    Raises
    ------
    DesignError
        If a name is neither a factor nor a covariate, or the matrix is too large.
    """
    known = table.complete([name for term in terms for name in term])
    values = np.hstack([known.codes, *(numbers[:, None] for numbers in known.covariates.values())])
    distinct = known.take(np.unique(values, axis=0, return_index=True)[1].astype(np.int64))
    blocks = [Block((), slice(0, 1), ("1",))]
    for term in dict.fromkeys(terms):
        labels = _labels(distinct, term)
        start = blocks[-1].columns.stop
        blocks.append(Block(term, slice(start, start + len(labels)), labels))
    matrix = ModelMatrix(distinct, tuple(blocks), known.n_units)
    if distinct.n_units * matrix.n_columns > LARGEST_MATRIX:
        raise DesignError(
            f"the model of {', '.join(map(spoken, terms))} has {matrix.n_columns} columns for {distinct.n_units} "
            f"different units; choose fewer factors, or factors of fewer levels"
        )
    return matrix


def _labels(table: UnitTable, term: Term) -> tuple[str, ...]:
    factors = [name for name in term if name not in table.covariates]
    if not factors:
        return (spoken(term),)
    return table.names_of(factors)
