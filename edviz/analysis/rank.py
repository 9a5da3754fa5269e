"""Ranks and null vectors of design matrices without rounding.

A matrix of indicators is small whole numbers, so elimination modulo a prime is exact: no tolerance decides
whether a comparison can be made. The rank modulo a prime never exceeds the rank and is smaller only if the
prime divides an invariant factor of the matrix, so the larger of two such ranks is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PRIMES = (4_194_301, 4_194_287)
"""The largest primes below 2**22: a sum of 128 products of two residues is exact in double precision."""
PANEL = 128
LARGEST_DENOMINATOR = 12
LARGEST_INTEGER = 10_000


@dataclass(frozen=True, eq=False)
class Echelon:
    """A matrix in reduced row echelon form modulo a prime.

    Attributes
    ----------
    rows
        Shape (rank, n_columns), residues.
    pivots
        The columns that no combination of columns before them gives, shape (rank,), ascending.
    prime
        The modulus.
    """

    rows: Floats
    pivots: Ints
    prime: int

    @property
    def rank(self) -> int:
        """Rank modulo the prime."""
        return len(self.pivots)

    @property
    def others(self) -> Ints:
        """The columns that columns before them give, ascending."""
        return np.setdiff1d(np.arange(self.rows.shape[1]), self.pivots)

    @cached_property
    def null_space(self) -> Floats:
        """A basis of the vectors that the matrix maps to zero, shape (n_columns, n_columns - rank)."""
        others = self.others
        basis = np.zeros((self.rows.shape[1], len(others)))
        basis[others, np.arange(len(others))] = 1
        basis[self.pivots] = (-self.rows[:, others]) % self.prime
        return basis


def rank(matrix: Ints) -> int:
    """Return the rank of a matrix of whole numbers."""
    ranks = [echelon(matrix, PRIMES[0]).rank]
    if ranks[0] < min(matrix.shape):
        ranks.append(echelon(matrix, PRIMES[1]).rank)
    return max(ranks)


def best_echelon(matrix: Ints) -> Echelon:
    """Return the echelon form modulo that prime, of two, which gives the larger rank."""
    first = echelon(matrix, PRIMES[0])
    if first.rank == min(matrix.shape):
        return first
    second = echelon(matrix, PRIMES[1])
    return second if second.rank > first.rank else first


def echelon(matrix: Ints | Floats, prime: int) -> Echelon:
    """Bring a matrix into reduced row echelon form modulo a prime, by Gauss-Jordan elimination.

    Columns are taken in panels, so that most of the work is products of floating-point matrices, which are
    fast and, at this size of the prime, exact.
    """
    left: Floats = np.asarray(matrix % prime, dtype=np.float64)
    free = np.ones(len(left), dtype=bool)
    pivot_rows: list[int] = []
    pivots: list[int] = []
    for start in range(0, left.shape[1], PANEL):
        if not free.any():
            break
        rows, columns = _panel_pivots(left[:, start : start + PANEL], free, prime)
        if not rows:
            continue
        places = [start + column for column in columns]
        others = np.setdiff1d(np.flatnonzero(left[:, places].any(axis=1)), rows)
        # Free rows are zero in all columns before the panel, so that adding them changes nothing there.
        tail = left[:, start:]
        tail[rows] = (_inverse(tail[rows][:, columns], prime) @ tail[rows]) % prime
        tail[others] = (tail[others] - tail[others][:, columns] @ tail[rows]) % prime
        free[rows] = False
        pivot_rows += rows
        pivots += places
    return Echelon(left[pivot_rows], np.array(pivots, dtype=np.int64), prime)


def whole_numbers(residues: Floats, prime: int) -> Ints | None:
    """Find a multiple of a vector of residues that is small whole numbers, or None if there is none."""
    for denominator in range(1, LARGEST_DENOMINATOR + 1):
        scaled = (residues * denominator) % prime
        centred = np.where(scaled > prime // 2, scaled - prime, scaled)
        if np.abs(centred).max(initial=0) <= LARGEST_INTEGER:
            return centred.astype(np.int64)
    return None


def residues_of(numbers: Sequence[float] | Floats, prime: int) -> Ints:
    """Return numbers, as written with 12 digits, modulo a prime: 0.1 is one tenth, and not what is stored of it."""
    fractions = [Fraction(format(float(number), ".12g")) for number in numbers]
    return np.array([each.numerator * pow(each.denominator, -1, prime) % prime for each in fractions], dtype=np.int64)


def _panel_pivots(panel: Floats, free: NDArray[np.bool_], prime: int) -> tuple[list[int], list[int]]:
    """Find the rows, among the free ones, and columns of the pivots of some columns."""
    candidates = np.flatnonzero(free & panel.any(axis=1))
    left = panel[candidates].astype(np.int64)
    waiting = np.ones(len(left), dtype=bool)
    rows, columns = [], []
    for column in range(left.shape[1]):
        nonzero = np.flatnonzero(waiting & (left[:, column] != 0))
        if not len(nonzero):
            continue
        pivot, below = nonzero[0], nonzero[1:]
        waiting[pivot] = False
        scaled = left[pivot] * pow(int(left[pivot, column]), -1, prime) % prime
        left[below] = (left[below] - left[below, column, None] * scaled) % prime
        rows.append(int(candidates[pivot]))
        columns.append(column)
    return rows, columns


def _inverse(square: Floats, prime: int) -> Floats:
    size = len(square)
    left = np.hstack([square.astype(np.int64), np.eye(size, dtype=np.int64)])
    for column in range(size):
        pivot = column + int(np.flatnonzero(left[column:, column])[0])
        left[[column, pivot]] = left[[pivot, column]]
        left[column] = left[column] * pow(int(left[column, column]), -1, prime) % prime
        others = np.flatnonzero(left[:, column])
        others = others[others != column]
        left[others] = (left[others] - left[others, column, None] * left[column]) % prime
    return left[:, size:].astype(np.float64)
