"""The finest experimental unit: the sample, or what stands for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edviz.counting import ROW_NUMBER, Coding, Ints, Rows
from edviz.infer.dependence import dependence, modes, without_strays
from edviz.infer.lexicon import MOST_LEVELS_OF_A_CONDITION, Evidence, are_numbered, is_attribute, is_given_to_cells
from edviz.infer.pair_tables import PairTables
from edviz.infer.relations import Contingency, contingency

LEAST_ROWS_PER_UNIT = 5
"""A combination of columns is taken as a unit only when an average combination has this many rows."""
MOST_ROWS_AS_UNITS = 500
"""Bulk tables have few rows; in longer ones a row per combination is chance."""


@dataclass(frozen=True)
class Unit:
    """The finest unit: which combinations of levels are one.

    Attributes
    ----------
    columns
        The columns whose combination is the unit; none when every row is a unit.
    coding
        The number of each unit.
    given
        Whether the user named it.
    evidence
        Why it was taken.
    rivals
        Columns that might as well have been taken.
    """

    columns: tuple[str, ...]
    coding: Coding
    given: bool
    evidence: tuple[str, ...]
    rivals: tuple[str, ...] = ()

    @property
    def n_units(self) -> int:
        """Number of units that occur."""
        return len(self.coding.numbers)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns to ask for where units are to be told; of a table whose rows are units, the row number."""
        return self.coding.columns

    def of(self, rows: Rows) -> Ints:
        """Return the unit of each row, -1 where missing; the rows have the columns of the key."""
        return self.coding.of(rows)


@dataclass(frozen=True)
class UnitTable:
    """Columns that are constant within units but for stray observations, collapsed to one row a unit.

    Attributes
    ----------
    unit
        The unit of the rows.
    codes
        For each unit-level column its most frequent level in each unit, shape (n_units,); -1 where
        the unit has no value.
    strays
        For each unit-level column the observations that deviate from their unit's level.
    without_unit
        For each unit-level column the observations that have a level and no unit.
    sizes
        Observations of each unit, shape (n_units,).
    """

    unit: Unit
    codes: Mapping[str, Ints]
    strays: Mapping[str, int]
    without_unit: Mapping[str, int]
    sizes: Ints

    def relation_table(self, a: str, b: str) -> Contingency:
        """Combinations of two unit-level columns that occur, counted in units."""
        return contingency(self.codes[a], self.codes[b])

    def tells_exactly(self, name: str) -> bool:
        """Whether every observation with a level of a unit-level column has that of its unit."""
        return not self.strays[name] and not self.without_unit[name]


def find_unit(tables: PairTables, evidence: Mapping[str, Sequence[Evidence]]) -> Unit | None:
    """Find the column, or the combination of columns, that most sample-level columns are functions of.

    Columns whose names or levels speak of cell types, columns that determine such a column, and
    columns that are given to single cells are never units.
    """
    classes = {name for name in tables.names if _is_class(evidence[name])}
    if _rows_are_units(tables, classes, evidence):
        reason = "nearly every row has a combination of levels of its own"
        return Unit((), _coding(tables, [ROW_NUMBER]), given=False, evidence=(reason,))

    of_samples = [name for name in tables.names if name not in classes and not is_given_to_cells(name, tables.names)]
    followers = {name: _followers(tables, name, tables.names) for name in of_samples}
    sound = [name for name in of_samples if not classes & set(followers[name])]
    scores = {name: _score(tables, evidence[name], followers[name]) for name in sound}
    eligible = [name for name in sound if scores[name] >= 1 and not _names_conditions(tables, name, evidence[name])]
    if not eligible:
        combined = _combined(tables, (), [name for name in sound if _is_experimental(evidence[name])], evidence)
        # Conditions alone do not tell the samples that they were given to.
        named = combined is not None and any(_speaks_of_samples(evidence[name]) for name in combined.columns)
        return combined if named else None
    best = min(eligible, key=lambda name: (-scores[name], tables.n_levels(name), name))
    rivals = tuple(
        name for name in eligible if name != best and scores[name] == scores[best] and not tables.same(name, best)
    )
    left = [
        name
        for name in sound
        if name != best and not tables.tells(best, name) and _is_assigned_to_samples(name, evidence[name])
    ]
    extended = _combined(tables, (best,), left, evidence)
    if extended is not None and len(extended.columns) > 1:
        return extended
    n_told = len(followers[best])
    reasons = (
        [f"{_plural(n_told, 'other column is a function', 'other columns are functions')} of it"] if n_told else []
    )
    reasons += [item.text for item in evidence[best] if item.kind == "unit"]
    return Unit((best,), _coding(tables, [best]), given=False, evidence=tuple(reasons), rivals=rivals)


def given_unit(tables: PairTables, columns: Sequence[str]) -> Unit:
    """Take the combination of the named columns as the unit."""
    return Unit(tuple(columns), _coding(tables, columns), given=True, evidence=("named by the user",))


def collapse(tables: PairTables, unit: Unit, names: Collection[str]) -> UnitTable:
    """Collapse every column that the unit determines to its most frequent level in each unit."""
    codes, strays, without_unit = {}, {}, {}
    for name in names:
        rows = tables.rows(*dict.fromkeys((*unit.key, name)))
        counted = contingency(unit.of(rows), rows.codes[name], rows.n)
        told = dependence(counted)
        if name in unit.columns or told.holds or not unit.columns or (told.exact and unit.given):
            codes[name] = modes(counted, unit.n_units)
            strays[name] = told.strays
            without_unit[name] = int(rows.n[rows.codes[name] >= 0].sum()) - counted.n_obs
    return UnitTable(unit, codes, strays, without_unit, _sizes(tables, unit))


def _sizes(tables: PairTables, unit: Unit) -> Ints:
    rows = tables.rows(*unit.key)
    numbers = unit.of(rows)
    present = numbers >= 0
    return np.bincount(numbers[present], weights=rows.n[present], minlength=unit.n_units).astype(np.int64)


def _followers(tables: PairTables, name: str, names: Sequence[str]) -> list[str]:
    """Columns that are strictly coarser functions of `name`, one of each set of equal columns."""
    found: list[str] = []
    for other in names:
        if other == name or not tables.tells(name, other) or tables.tells(other, name):
            continue
        if not any(tables.same(other, known) for known in found):
            found.append(other)
    return found


def _score(tables: PairTables, evidence: Sequence[Evidence], followers: Sequence[str]) -> float:
    return len(followers) + (1.5 if _weight(evidence, "unit") >= 2 else 0)


def _combined(
    tables: PairTables, start: tuple[str, ...], names: Sequence[str], evidence: Mapping[str, Sequence[Evidence]]
) -> Unit | None:
    """Refine a unit by further columns while its combinations keep enough rows."""
    chosen = list(start)
    for name in sorted(names, key=lambda name: (tables.n_levels(name), name)):
        if any(tables.tells(known, name) for known in chosen):
            continue
        n_units = len(_coding(tables, (*chosen, name)).numbers)
        if tables.n_obs >= LEAST_ROWS_PER_UNIT * n_units:
            chosen = [part for part in chosen if not tables.tells(name, part)] + [name]
    if not chosen:
        return None
    chosen.sort(key=tables.names.index)
    reasons = tuple(item.text for name in chosen for item in evidence[name] if item.kind != "classification")
    sentence = "no single column determines the others" if len(chosen) > 1 else "no other column varies between samples"
    return Unit(tuple(chosen), _coding(tables, chosen), given=False, evidence=(sentence, *reasons))


def _coding(tables: PairTables, names: Sequence[str]) -> Coding:
    """Number the combinations of columns; those that only strays make are none."""
    rows = tables.rows(*names)
    for position in range(1, len(names)):
        outer = Coding.of_combinations(rows, names[:position]).of(rows)
        inner = rows.codes[names[position]]
        kept = without_strays(contingency(outer, inner, rows.n), stray_rate=tables.stray_rate)
        size = int(inner.max(initial=-1)) + 1
        rows = rows.only((outer >= 0) & (inner >= 0))
        keys = outer[(outer >= 0) & (inner >= 0)] * size + rows.codes[names[position]]
        rows = rows.only(np.isin(keys, kept.a * size + kept.b))
    return Coding.of_combinations(rows, names)


def _rows_are_units(tables: PairTables, classes: Collection[str], evidence: Mapping[str, Sequence[Evidence]]) -> bool:
    if not tables.names or classes or tables.n_obs > MOST_ROWS_AS_UNITS:
        return False
    for name in tables.names:
        if _weight(evidence[name], "unit") and tables.n_obs >= LEAST_ROWS_PER_UNIT * tables.n_levels(name):
            return False
    return 2 * len(tables.rows(*tables.names).complete()) > tables.n_obs


def _is_class(evidence: Sequence[Evidence]) -> bool:
    weight = _weight(evidence, "classification")
    return weight >= 2 and weight > _other_weight(evidence)


def _is_experimental(evidence: Sequence[Evidence]) -> bool:
    return any(item.kind != "classification" and item.weight >= 2 for item in evidence)


def _is_assigned_to_samples(name: str, evidence: Sequence[Evidence]) -> bool:
    return not is_attribute(name) and any(
        item.kind in ("unit", "treatment", "observational") and item.weight >= 2 for item in evidence
    )


def _names_conditions(tables: PairTables, name: str, evidence: Sequence[Evidence]) -> bool:
    """Whether a column is named for few conditions and nothing else, so that its levels are no samples."""
    kinds = {item.kind for item in evidence if item.weight >= 2}
    if not kinds or not kinds <= {"treatment", "observational"} or tables.n_levels(name) > MOST_LEVELS_OF_A_CONDITION:
        return False
    return not are_numbered(tables.levels(name))


def _speaks_of_samples(evidence: Sequence[Evidence]) -> bool:
    return bool(_weight(evidence, "unit") + _weight(evidence, "batch"))


def _weight(evidence: Sequence[Evidence], kind: str) -> int:
    return sum(item.weight for item in evidence if item.kind == kind)


def _other_weight(evidence: Sequence[Evidence]) -> int:
    return max((item.weight for item in evidence if item.kind != "classification"), default=0)


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
