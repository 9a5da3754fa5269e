"""Orthonormal bases of the spaces that factors span on the units.

How many vectors a basis has is decided by exact ranks; floating-point numbers only say which.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edviz.analysis.indicators import model_matrix
from edviz.analysis.partition import n_classes
from edviz.analysis.units import Floats, Ints, Term, UnitTable
from edviz.errors import DesignError

MOST_UNITS = 3_000
"""Bases of more units would take gigabytes and minutes; a design of so many units is rare and worth a sample."""
Basis = Floats


def check_size(table: UnitTable) -> None:
    """Refuse a table with too many units for bases.

    Raises
    ------
    DesignError
        If it has more than 3,000 units.
    """
    if table.n_units > MOST_UNITS:
        raise DesignError(
            f"strata and mean squares are computed for up to {MOST_UNITS} units, not {table.n_units}; "
            f"choose coarser units or some of them"
        )


def indicator_columns(codes: Ints) -> Floats:
    """Return the indicators of a partition, shape (n_units, n_classes)."""
    columns: Floats = (codes[:, None] == np.arange(n_classes(codes))).astype(np.float64)
    return columns


def sequential_bases(table: UnitTable, terms: Sequence[Term]) -> dict[Term, Basis]:
    """Return for each term a basis of what it adds to the intercept and the terms before it, shape (n_units, df)."""
    ranks = model_matrix(table, terms).ranks()
    before = np.full((table.n_units, 1), table.n_units**-0.5)
    bases = {}
    for term in terms:
        bases[term] = _leading(without(indicator_columns(table.cells(term)), before), ranks[term])
        before = np.hstack([before, bases[term]])
    return bases


def without(columns: Floats, basis: Basis) -> Floats:
    """Return the part of some columns that is orthogonal to a basis."""
    rest = columns - basis @ (basis.T @ columns)
    # Once more: the first subtraction leaves rounding of the size of the columns, the second of the size of the rest
    # (Parlett 1980, The Symmetric Eigenvalue Problem, section 6.9).
    return np.asarray(rest - basis @ (basis.T @ rest))


def _leading(columns: Floats, size: int) -> Basis:
    if size == 0:
        return np.zeros((len(columns), 0))
    return np.asarray(np.linalg.svd(columns, full_matrices=False)[0][:, :size])
