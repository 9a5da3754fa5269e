"""Counts of a card: observations and units per level, observations per unit, classes by condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edviz.infer.facts import Facts


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of some counts."""

    low: int
    median: float
    high: int

    @classmethod
    def of(cls, counts: Sequence[int]) -> Spread:
        """Summarise counts, of which there is at least one."""
        return cls(min(counts), float(np.median(counts)), max(counts))

    def __str__(self) -> str:
        """Write as ``low / median / high``."""
        return f"{self.low:,} / {self.median:,.0f} / {self.high:,}"


def observations_per_level(facts: Facts, name: str) -> dict[str, int]:
    """Count observations of each level as recorded, in stored order."""
    column = facts.tables.table.listing.column(name)
    return {entry.level: entry.n for entry in column.levels or () if entry.n}


def observations_per_unit(facts: Facts) -> Spread | None:
    """Summarise the observations of the finest units."""
    if facts.unit is None or facts.unit_table is None or not facts.unit.columns or not facts.unit.n_units:
        return None
    return Spread.of([int(n) for n in facts.unit_table.sizes if n])
