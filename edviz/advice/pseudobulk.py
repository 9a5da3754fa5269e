"""Pseudobulk samples: over what counts are summed, and which classes have enough of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edviz.advice.conditions import ConditionAdvice
from edviz.counting import Rows
from edviz.infer.facts import Facts
from edviz.infer.pair_tables import combine
from edviz.infer.structure import Roles

LEAST_CELLS_OF_A_PSEUDOBULK = 10
"""A pseudobulk sample of fewer cells is usually left out (Crowell et al. 2020, muscat)."""
LEAST_SAMPLES = 2


@dataclass(frozen=True)
class ClassCount:
    """Observations of a class in a level, and units there with enough of them for a pseudobulk sample."""

    n: int
    units: int


@dataclass(frozen=True)
class Pseudobulk:
    """The pseudobulk samples of one condition.

    Attributes
    ----------
    condition
        The factor that is compared.
    sum_over
        Columns whose combinations are the samples, the classification not among them.
    technical
        Columns of finer units, whose counts are added up in it; empty if there are none.
    classification
        The column of classes, None if there is none.
    enough
        Classes with two or more samples of enough observations in every level of the condition.
    lacking
        Of the other classes, the levels with fewer than two such samples, each with their number.
    """

    condition: str
    sum_over: tuple[str, ...]
    technical: tuple[str, ...]
    classification: str | None
    enough: tuple[str, ...]
    lacking: dict[str, dict[str, int]]


def pseudobulk(facts: Facts, roles: Roles, advice: ConditionAdvice) -> Pseudobulk | None:
    """Say how to make the pseudobulk samples of a condition; None if every row is a sample already."""
    if facts.unit is None or not facts.unit.columns:
        return None
    sum_over = summed_over(facts, advice)
    label = roles.label
    counted = {} if label is None else classes_by_level(facts, label, advice.condition, samples=sum_over)
    lacking = {
        name: {level: count.units for level, count in row.items() if count.units < LEAST_SAMPLES}
        for name, row in counted.items()
    }
    return Pseudobulk(
        condition=advice.condition,
        sum_over=sum_over,
        technical=facts.unit.columns if sum_over != facts.unit.columns else (),
        classification=roles.label,
        enough=tuple(name for name, levels in lacking.items() if not levels),
        lacking={name: levels for name, levels in lacking.items() if levels},
    )


def summed_over(facts: Facts, advice: ConditionAdvice) -> tuple[str, ...]:
    """Sum over experimental units, but not over a batch of several donors, which a model can tell apart."""
    if any(facts.kinds[name] == "batch" for name in advice.unit):
        return facts.unit.columns if facts.unit is not None else ()
    return advice.unit


def classes_by_level(
    facts: Facts, label: str, factor: str, *, samples: tuple[str, ...] | None = None
) -> dict[str, dict[str, ClassCount]]:
    """Cross-tabulate classes with the levels of a unit-level factor, in stored order.

    Each observation counts for the recorded class and the recorded level.

    Parameters
    ----------
    samples
        Unit-level columns whose combinations are the samples; by default the finest units.
    """
    classes, levels = facts.tables.levels(label), facts.tables.levels(factor)
    key = facts.unit.key if facts.unit is not None else ()
    rows = facts.tables.rows(*dict.fromkeys((label, factor, *key))).complete((label, factor))
    units = facts.unit.of(rows) if facts.unit is not None else np.zeros(len(rows), dtype=np.int64)
    if samples:
        sample_of_unit = combine([facts.codes(name) for name in samples])
        units = np.where(units >= 0, sample_of_unit[np.maximum(units, 0)], -1)
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
