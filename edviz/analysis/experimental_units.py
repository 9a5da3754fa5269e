"""Replication of a treatment: its experimental units, and the blocks within which it varies.

The experimental unit is the coarsest unit within which the treatment is constant, so that it could have been
applied to units independently (Bailey 2008, Design of Comparative Experiments, sections 1.4 and 8.1; Hurlbert
1984, Ecological Monographs 54, 187-211, on taking finer units for it).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edviz.analysis.explanation import listed
from edviz.analysis.partition import Ints, cells_of, n_classes, refines
from edviz.analysis.structure import Formula, terms_of
from edviz.analysis.units import Term, UnitTable, spoken

ROWS = "row"
BlockKind = Literal["between", "paired", "complete", "incomplete", "disconnected"]


@dataclass(frozen=True)
class Blocking:
    """How a treatment lies in the levels of a coarser unit.

    Attributes
    ----------
    block
        The coarser unit, as in R.
    kind
        `between`: each level holds one level of the treatment, so comparisons lie between them.
        `paired`: each holds one experimental unit of either of two levels. `complete`: each holds all levels,
        as repeated measures of a subject do. `incomplete`: some hold part of the levels, and chains of blocks
        link all of them. `disconnected`: no chain links some levels, which so are compared between blocks only.
    holds
        The treatment levels of each level of the block.
    linked
        Groups of treatment levels that blocks link.
    units_a_cell
        Smallest and largest number of experimental units of a level in a block that holds it.
    """

    block: str
    kind: BlockKind
    holds: dict[str, tuple[str, ...]]
    linked: tuple[tuple[str, ...], ...]
    units_a_cell: tuple[int, int]

    @property
    def n_informative(self) -> int:
        """Number of levels of the block that hold two or more levels of the treatment."""
        return sum(len(levels) > 1 for levels in self.holds.values())


@dataclass(frozen=True)
class Replication:
    """The replication of one treatment.

    Attributes
    ----------
    treatment
        The factor, or an interaction, as in R.
    unit
        The experimental unit, as in R, or `row`.
    n_units
        Experimental units in all.
    per_level
        Experimental units of each level.
    blockings
        Coarser units, coarsest first, that are constant within experimental units.
    """

    treatment: str
    unit: str
    n_units: int
    per_level: dict[str, int]
    blockings: tuple[Blocking, ...]

    @property
    def unreplicated(self) -> tuple[str, ...]:
        """Levels with one experimental unit."""
        return tuple(level for level, n in self.per_level.items() if n == 1)

    @property
    def testable(self) -> bool:
        """Whether there are two or more levels and each has two or more experimental units."""
        return len(self.per_level) > 1 and not self.unreplicated

    def in_words(self) -> str:
        """Say it in a sentence."""
        if len(self.per_level) < 2:
            return f"{self.treatment} has {len(self.per_level)} level and nothing to compare it with."
        counts = listed([f"{level} {n}" for level, n in self.per_level.items()])
        text = f"The experimental unit of {self.treatment} is the {self.unit} ({counts})"
        if self.unreplicated:
            return f"{text}: n = 1 at {listed(self.unreplicated)}, so no test is possible."
        return f"{text}."


def replication(table: UnitTable, treatment: str | Sequence[str], units: Formula = ()) -> Replication:
    """Find the experimental units of a treatment and the blocks that it lies in.

    Parameters
    ----------
    table
        Units; those where the treatment or a candidate is missing are left out.
    treatment
        A factor, or factors whose combinations are meant.
    units
        Candidate unit factors, such as `donor + donor:sample`; rows are always candidates.

    Raises
    ------
    DesignError
        If a name is unknown.

    Examples
    --------
    >>> from edviz.analysis import unit_table
    >>> found = replication(unit_table({"donor": [1, 1, 2, 2], "drug": [*"ABAB"]}), "drug", "donor")
    >>> found.unit, found.per_level, found.blockings[0].kind
    ('row', {'A': 2, 'B': 2}, 'paired')
    """
    target: Term = (treatment,) if isinstance(treatment, str) else tuple(treatment)
    terms_of([target], table.names)
    candidates = [term for term in terms_of(units, table.names) if frozenset(term) != frozenset(target)]
    known = table.complete([name for term in (target, *candidates) for name in term])
    levels = known.cells(target)
    fitting = [term for term in candidates if refines(known.cells(term), levels)]
    unit = min(fitting, key=lambda term: n_classes(known.cells(term)), default=None)
    unit_codes = np.arange(known.n_units, dtype=np.int64) if unit is None else known.cells(unit)
    first = known.take(np.unique(unit_codes, return_index=True)[1].astype(np.int64))
    blocks = [
        term
        for term in candidates
        if term != unit and refines(unit_codes, known.cells(term)) and n_classes(known.cells(term)) < first.n_units
    ]
    names = first.names_of(target)
    counts = np.bincount(first.cells(target), minlength=len(names))
    blocks.sort(key=lambda term: n_classes(known.cells(term)))
    return Replication(
        spoken(target),
        ROWS if unit is None else spoken(unit),
        first.n_units,
        dict(zip(names, counts.tolist(), strict=True)),
        tuple(_blocking(first, term, target) for term in blocks),
    )


def _blocking(units: UnitTable, block: Term, target: Term) -> Blocking:
    blocks, levels = units.cells(block), units.cells(target)
    cells = cells_of(blocks, levels)
    names = units.names_of(target)
    holds = {
        name: tuple(names[level] for level in cells.b[cells.a == place].tolist())
        for place, name in enumerate(units.names_of(block))
    }
    linked = _linked(cells.b, cells.component, names)
    smallest, largest = int(cells.n.min()), int(cells.n.max())
    kind = _kind(holds.values(), len(names), n_linked=len(linked), largest=largest)
    return Blocking(spoken(block), kind, holds, linked, (smallest, largest))


def _kind(holds: Collection[tuple[str, ...]], n_levels: int, *, n_linked: int, largest: int) -> BlockKind:
    if all(len(levels) == 1 for levels in holds):
        return "between"
    if all(len(levels) == n_levels for levels in holds):
        return "paired" if n_levels == 2 and largest == 1 else "complete"
    return "incomplete" if n_linked == 1 else "disconnected"


def _linked(levels: Ints, component: Ints, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    groups: dict[int, dict[str, None]] = {}
    for level, group in sorted(zip(levels.tolist(), component.tolist(), strict=True)):
        groups.setdefault(group, {})[names[level]] = None
    return tuple(map(tuple, groups.values()))
