"""The table of units of a design: what all analyses of a design work on.

A row is a unit, never a cell: observations of one unit repeat its levels and add no degree of freedom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edviz.analysis.partition import numbered_from_zero
from edviz.errors import DesignError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Term = tuple[str, ...]
"""Factors whose combinations of levels are meant; one factor is a term too, and () is the universe."""


@dataclass(frozen=True, eq=False)
class UnitTable:
    """Factors, and numbers measured on units, of the units of a design.

    Attributes
    ----------
    names
        The factors.
    codes
        Shape (n_units, n_factors): positions in the factor's `levels`, -1 where missing.
    levels
        For each factor the names of its levels.
    covariates
        Numbers of each unit by name, each of shape (n_units,), NaN where missing.

    Raises
    ------
    DesignError
        If the shapes do not fit, a factor or level is named twice or a code is no position in the levels.
    """

    names: tuple[str, ...]
    codes: Ints
    levels: tuple[tuple[str, ...], ...]
    covariates: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.shape[1] != len(self.names) or len(self.levels) != len(self.names):
            raise DesignError(
                f"the codes of {len(self.names)} factors have one column each, "
                f"not shape {self.codes.shape} with {len(self.levels)} lists of levels"
            )
        known = [*self.names, *self.covariates]
        twice = sorted({name for name in known if known.count(name) > 1})
        if twice:
            raise DesignError(f"a name stands for one column of a unit table, but {twice[0]!r} stands for two")
        for name, codes, levels in zip(self.names, self.codes.T, self.levels, strict=True):
            if len(codes) and not -1 <= codes.min() <= codes.max() < len(levels):
                raise DesignError(f"the codes of {name!r} lie between -1 and {len(levels) - 1}, its last level")
            if len(set(levels)) < len(levels):
                raise DesignError(f"each level of {name!r} has a name of its own, but two are called alike in {levels}")
        for name, numbers in self.covariates.items():
            if numbers.shape != (self.n_units,):
                raise DesignError(f"covariate {name!r} has one number a unit ({self.n_units}), not {numbers.shape}")

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.codes)

    def of(self, name: str) -> Ints:
        """Return the codes of one factor, shape (n_units,).

        Raises
        ------
        DesignError
            If there is no such factor.
        """
        return self.codes[:, self._position(name)]

    def levels_of(self, name: str) -> tuple[str, ...]:
        """Return the names of the levels of one factor."""
        return self.levels[self._position(name)]

    def cells(self, term: Iterable[str]) -> Ints:
        """Number the combinations of levels that occur, -1 where a level is missing; shape (n_units,)."""
        cells = np.zeros(self.n_units, dtype=np.int64)
        for name in term:
            codes = self.of(name)
            present = (cells >= 0) & (codes >= 0)
            keys = np.where(present, cells * len(self.levels_of(name)) + codes, -1)
            cells = np.full(self.n_units, -1, dtype=np.int64)
            cells[present] = numbered_from_zero(keys[present])[1]
        return cells

    def names_of(self, term: Iterable[str]) -> tuple[str, ...]:
        """Name the combinations of levels that occur, `A:1`, in the order of the numbers of `cells`."""
        term = tuple(term)
        cells = self.cells(term)
        numbers, first = np.unique(cells, return_index=True)
        return tuple(
            ":".join(self.levels_of(name)[self.of(name)[row]] for name in term) for row in first[numbers >= 0].tolist()
        )

    def complete(self, names: Iterable[str]) -> UnitTable:
        """Keep some factors and covariates, units where none of them is missing, and levels that occur there.

        Raises
        ------
        DesignError
            If a name is unknown or no unit is left.
        """
        wanted = tuple(dict.fromkeys(names))
        factors = tuple(name for name in wanted if name not in self.covariates)
        covariates = {name: self.covariates[name] for name in wanted if name in self.covariates}
        present = np.ones(self.n_units, dtype=bool)
        for name in factors:
            present &= self.of(name) >= 0
        for numbers in covariates.values():
            present &= np.isfinite(numbers)
        if not present.any():
            raise DesignError(
                f"no unit has values of all of {', '.join(wanted) or 'nothing'}; analyse fewer of them at a time"
            )
        codes = np.zeros((int(present.sum()), len(factors)), dtype=np.int64)
        levels = []
        for position, name in enumerate(factors):
            occurring, codes[:, position] = numbered_from_zero(self.of(name)[present])
            levels.append(tuple(self.levels_of(name)[code] for code in occurring.tolist()))
        kept = {name: numbers[present] for name, numbers in covariates.items()}
        return UnitTable(factors, codes, tuple(levels), kept)

    def take(self, rows: Ints) -> UnitTable:
        """Return some of the units, all factors and levels kept."""
        kept = {name: numbers[rows] for name, numbers in self.covariates.items()}
        return UnitTable(self.names, self.codes[rows], self.levels, kept)

    def _position(self, name: str) -> int:
        if name not in self.names:
            raise DesignError(f"no factor {name!r} in the unit table; the factors are {', '.join(self.names)}")
        return self.names.index(name)


def unit_table(
    factors: Mapping[str, Sequence[object]], covariates: Mapping[str, Sequence[float]] | None = None
) -> UnitTable:
    """Make a unit table of columns given as values, one a unit; None and NaN are missing.

    Levels are in the order in which they occur first, so that the first one is the reference.

    Raises
    ------
    DesignError
        If the columns differ in length.
    """
    numbers = {name: np.asarray(values, dtype=np.float64) for name, values in (covariates or {}).items()}
    lengths = {len(values) for values in factors.values()} | {len(values) for values in numbers.values()}
    if len(lengths) > 1:
        raise DesignError(f"the columns of a unit table have one length, not {sorted(lengths)}")
    n_units = lengths.pop() if lengths else 0
    codes = np.full((n_units, len(factors)), -1, dtype=np.int64)
    levels = []
    for position, values in enumerate(factors.values()):
        places: dict[object, int] = {}
        for row, value in enumerate(values):
            if value is not None and value == value:  # NaN differs from itself
                codes[row, position] = places.setdefault(value, len(places))
        levels.append(tuple(map(str, places)))
    return UnitTable(tuple(factors), codes, tuple(levels), numbers)


def spoken(term: Term) -> str:
    """Write a term as R does: `batch:condition`."""
    return ":".join(term)
