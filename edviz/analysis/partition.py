"""Factors as partitions of the units: combinations, components, and which partition refines which.

A partition is a vector of codes 0, 1, ... without gaps, one a unit. The words are those of Bailey (2008),
Design of Comparative Experiments, chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def numbered_from_zero(keys: Ints) -> tuple[Ints, Ints]:
    """Return the distinct keys in their order, and for each key its position among them."""
    distinct, places = np.unique(keys, return_inverse=True)
    return distinct, places.astype(np.int64).ravel()


def canonical(codes: Ints) -> Ints:
    """Number the classes in the order in which they occur first, so that equal partitions have equal codes."""
    _, first, places = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbers: Ints = rank[places.ravel()]
    return numbers


def n_classes(codes: Ints) -> int:
    """Count the classes of a partition."""
    return int(codes.max(initial=-1)) + 1


def meet(a: Ints, b: Ints) -> Ints:
    """Return the partition into combinations of classes: the coarsest one that is finer than both."""
    return canonical(a * (n_classes(b) or 1) + b)


def join(a: Ints, b: Ints) -> Ints:
    """Return the partition into connected components: the finest one that is coarser than both."""
    smallest = np.arange(n_classes(a), dtype=np.int64)
    while True:
        of_b = np.full(n_classes(b), len(smallest), dtype=np.int64)
        np.minimum.at(of_b, b, smallest[a])
        lower = smallest.copy()
        np.minimum.at(lower, a, of_b[b])
        # Each class is renamed by the name of its name too, which takes logarithmically many rounds, not one a link.
        lower = np.minimum(lower, lower[lower])
        if (lower == smallest).all():
            return canonical(smallest[a])
        smallest = lower


def refines(fine: Ints, coarse: Ints) -> bool:
    """Tell whether each class of one partition lies in one class of the other, which may be equal to it."""
    image = np.full(n_classes(fine), -1, dtype=np.int64)
    image[fine] = coarse
    return bool((image[fine] == coarse).all())


@dataclass(frozen=True, eq=False)
class Cells:
    """Occupied combinations of the classes of two partitions.

    Attributes
    ----------
    a, b, n
        Class of either partition and number of units of each occupied combination, shape (n_cells,).
    component
        The class of the join that each combination lies in, shape (n_cells,).
    """

    a: Ints
    b: Ints
    n: Ints
    component: Ints

    @property
    def n_components(self) -> int:
        """Number of classes of the join."""
        return n_classes(self.component)


def cells_of(a: Ints, b: Ints) -> Cells:
    """Count the occupied combinations of two partitions."""
    width = n_classes(b) or 1
    keys, first, n = np.unique(a * width + b, return_index=True, return_counts=True)
    return Cells(keys // width, keys % width, n.astype(np.int64), join(a, b)[first])


def finest(partitions: Sequence[Ints], n_units: int) -> Ints:
    """Return the partition into combinations of all classes."""
    result = np.zeros(n_units, dtype=np.int64)
    for codes in partitions:
        result = meet(result, codes)
    return result
