"""Orthogonality and balance of pairs of factors, within the levels of what they have in common.

Definitions of Bailey (2008), Design of Comparative Experiments, chapter 10, and Tjur (1984), International
Statistical Review 52, 33-81.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from edviz.analysis.partition import Cells, Ints, cells_of, n_classes, refines
from edviz.analysis.units import Term, UnitTable, spoken


@dataclass(frozen=True)
class PairBalance:
    """How two factors, or terms, meet on the units.

    Attributes
    ----------
    a, b
        The terms.
    n_units
        Units on which both are known.
    n_components
        Classes of their join; one less is the number of degrees of freedom that they have in common.
    orthogonal
        Whether within each class of the join n_ij = n_i. n_.j / n_class for all pairs of levels.
    complete
        Whether within each class of the join all pairs of levels occur.
    balanced
        Whether all pairs of levels that occur do so equally often.
    smallest, largest
        Units of the rarest and the most frequent pair of levels that occurs.
    because
        What keeps the pair from being orthogonal, in words; empty if it is.
    """

    a: Term
    b: Term
    n_units: int
    n_components: int
    orthogonal: bool
    complete: bool
    balanced: bool
    smallest: int
    largest: int
    because: str


@dataclass(frozen=True)
class Balance:
    """Orthogonality and balance of several factors.

    Attributes
    ----------
    pairs
        Every pair.
    replication
        For each factor the smallest and the largest number of units of a level.
    cells
        Smallest and largest number of units of a combination of all factors that occurs.
    occupied, possible
        Combinations of all factors that occur, and the product of the numbers of levels.
    """

    pairs: tuple[PairBalance, ...]
    replication: dict[str, tuple[int, int]]
    cells: tuple[int, int]
    occupied: int
    possible: int

    @property
    def orthogonal(self) -> bool:
        """Whether every pair is."""
        return all(pair.orthogonal for pair in self.pairs)

    @property
    def balanced(self) -> bool:
        """Whether all combinations of all factors that occur do so equally often."""
        return self.cells[0] == self.cells[1]


def pair_balance(table: UnitTable, a: Term, b: Term) -> PairBalance:
    """Judge two terms on the units where both are known."""
    known = table.complete([*a, *b])
    cells = cells_of(known.cells(a), known.cells(b))
    orthogonal, complete = is_orthogonal(cells), is_complete(cells)
    because = "" if orthogonal else _why_not(known, a, b, cells, complete=complete)
    smallest, largest = int(cells.n.min()), int(cells.n.max())
    return PairBalance(
        a, b, known.n_units, cells.n_components, orthogonal, complete, smallest == largest, smallest, largest, because
    )


def balance(table: UnitTable, names: Sequence[str] | None = None) -> Balance:
    """Judge all pairs of some factors, and all of them together.

    Raises
    ------
    DesignError
        If there is no such factor.
    """
    names = tuple(table.names if names is None else names)
    known = table.complete(names)
    sizes = {name: np.bincount(known.of(name)) for name in names}
    cells = np.bincount(known.cells(names))
    possible = 1
    for name in names:
        possible *= len(known.levels_of(name))
    return Balance(
        tuple(pair_balance(table, (a,), (b,)) for a, b in combinations(names, 2)),
        {name: (int(n.min()), int(n.max())) for name, n in sizes.items()},
        (int(cells.min()), int(cells.max())),
        len(cells),
        possible,
    )


def is_complete(cells: Cells) -> bool:
    """Tell whether all pairs of levels of one class of the join occur together, in each class."""
    return len(cells.n) == int((_classes_in(cells.component, cells.a) * _classes_in(cells.component, cells.b)).sum())


def is_orthogonal(cells: Cells) -> bool:
    """Tell whether n_ij = n_i. n_.j / n_class for all pairs of levels of one class, in whole numbers.

    If it is so for the pairs that occur, none is missing: the n_.j of those that occur with i add up to n_class.
    """
    of_a, of_b, of_class = (_sums(key, cells.n) for key in (cells.a, cells.b, cells.component))
    proportional = cells.n * of_class[cells.component] == of_a[cells.a] * of_b[cells.b]
    return bool(proportional.all())


def are_orthogonal(a: Ints, b: Ints) -> bool:
    """Tell whether two partitions are orthogonal; one that refines the other always is."""
    return refines(a, b) or refines(b, a) or is_orthogonal(cells_of(a, b))


def _classes_in(component: Ints, codes: Ints) -> Ints:
    """Count the classes of one partition in each class of the join."""
    first = np.unique(codes, return_index=True)[1]
    return np.bincount(component[first], minlength=n_classes(component)).astype(np.int64)


def _sums(key: Ints, n: Ints) -> Ints:
    sums = np.zeros(n_classes(key), dtype=np.int64)
    np.add.at(sums, key, n)
    return sums


def _why_not(table: UnitTable, a: Term, b: Term, cells: Cells, *, complete: bool) -> str:
    pair = f"{spoken(a)} and {spoken(b)}"
    if not complete:
        possible = int((_classes_in(cells.component, cells.a) * _classes_in(cells.component, cells.b)).sum())
        return f"{pair} are not orthogonal: {possible - len(cells.n)} of {possible} combinations do not occur"
    return f"{pair} are not orthogonal: combinations occur {cells.n.min()} to {cells.n.max()} times, out of proportion"
