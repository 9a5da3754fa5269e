"""Counts of a card: observations and units per level, observations per unit, classes by condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edviz.counting import Rows
from edviz.infer.facts import Facts

LEAST_CELLS_OF_A_PSEUDOBULK = 10
"""A pseudobulk sample of fewer cells is usually left out (Crowell et al. 2020, muscat)."""


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


@dataclass(frozen=True)
class ClassCount:
    """Observations of a class in a level, and units there with enough of them for a pseudobulk sample."""

    n: int
    units: int


def observations_per_level(facts: Facts, name: str) -> dict[str, int]:
    """Count observations of each level as recorded, in stored order."""
    column = facts.tables.table.listing.column(name)
    return {entry.level: entry.n for entry in column.levels or () if entry.n}


def observations_per_unit(facts: Facts) -> Spread | None:
    """Summarise the observations of the finest units."""
    if facts.unit is None or facts.unit_table is None or not facts.unit.columns or not facts.unit.n_units:
        return None
    return Spread.of([int(n) for n in facts.unit_table.sizes if n])


def classes_by_level(facts: Facts, label: str, factor: str) -> dict[str, dict[str, ClassCount]]:
    """Cross-tabulate classes with the levels of a unit-level factor, in stored order.

    Each observation counts for the recorded class and the recorded level.
    """
    classes, levels = facts.tables.levels(label), facts.tables.levels(factor)
    key = facts.unit.key if facts.unit is not None else ()
    rows = facts.tables.rows(*dict.fromkeys((label, factor, *key))).complete((label, factor))
    units = facts.unit.of(rows) if facts.unit is not None else np.zeros(len(rows), dtype=np.int64)
    counted = Rows({"class": rows.codes[label], "level": rows.codes[factor], "unit": units}, rows.n)
    counted = counted.complete().distinct(("class", "level", "unit"))
    keys, n = (counted.codes["class"], counted.codes["level"]), counted.n
    total = np.zeros((len(classes), len(levels)), dtype=np.int64)
    enough = np.zeros_like(total)
    np.add.at(total, (keys[0], keys[1]), n)
    np.add.at(enough, (keys[0], keys[1]), n >= LEAST_CELLS_OF_A_PSEUDOBULK)
    occurring_levels = [code for code in range(len(levels)) if total[:, code].any()]
    return {
        classes[row]: {
            levels[code]: ClassCount(int(total[row, code]), int(enough[row, code])) for code in occurring_levels
        }
        for row in range(len(classes))
        if total[row].any()
    }
