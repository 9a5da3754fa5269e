"""The experimental unit of a condition, and the table of such units.

The experimental unit of a factor is the coarsest unit within which it is constant (Bailey 2008,
Design of Comparative Experiments). A batch that holds one level of the condition counts as a unit
too: what is processed together shares the variation of its processing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edviz.counting import Ints
from edviz.counting.rows import n_distinct, numbered, ordered
from edviz.infer.facts import Facts
from edviz.infer.pair_tables import combine


@dataclass(frozen=True)
class ExperimentalUnits:
    """The experimental units of one condition.

    Attributes
    ----------
    condition
        The factor that is compared.
    columns
        The columns whose combination is the unit; none when every row is one.
    rows
        For each unit the position of one of its finest units, shape (n_units,).
    codes
        The unit of each finest unit, -1 where missing.
    """

    condition: str
    columns: tuple[str, ...]
    rows: Ints
    codes: Ints

    def per_level(self, facts: Facts) -> dict[str, int]:
        """Count the units of each level, in stored order."""
        codes = facts.codes(self.condition)[self.rows]
        levels = facts.tables.levels(self.condition)
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        return {level: int(n) for level, n in zip(levels, counts, strict=True) if n}

    def tells(self, facts: Facts, name: str) -> bool:
        """Whether a unit-level factor is constant within these units."""
        return _tells(self.codes, facts.codes(name))

    def complete_rows(self, facts: Facts, names: Sequence[str]) -> Ints:
        """Return the rows where none of the factors is missing."""
        complete = np.ones(len(self.rows), dtype=bool)
        for name in names:
            complete &= facts.codes(name)[self.rows] >= 0
        return self.rows[complete]

    def rank(self, facts: Facts, names: Sequence[str], rows: Ints) -> int:
        """Rank of the intercept and the indicators of factors on the given rows."""
        if not len(rows):
            return 0
        columns = [numbered(facts.codes(name)[rows])[1] for name in names]
        # Equal rows add nothing.
        kept, _ = ordered(combine(columns)) if columns else (np.zeros(1, dtype=np.int64), None)
        indicators = [codes[kept, None] == np.arange(codes.max() + 1)[None, :] for codes in columns]
        return int(np.linalg.matrix_rank(np.hstack([np.ones((len(kept), 1)), *indicators])))


def experimental_units(facts: Facts, shown: Sequence[str], condition: str) -> ExperimentalUnits:
    """Find the coarsest unit, among the factors shown, within which a unit-level condition is constant."""
    fitting = [
        name
        for name in shown
        if name != condition
        and facts.is_unit_level(name)
        and facts.kinds[name] in ("unit", "batch")
        and (facts.nests(condition, name) or name in facts.same_as[condition])
    ]
    if fitting:
        columns: tuple[str, ...] = (min(fitting, key=lambda name: (facts.n_levels(name), facts.kinds[name] == "unit")),)
    else:
        columns = () if facts.unit is None else facts.unit.columns
    n_rows = len(facts.codes(condition))
    codes = combine([facts.codes(name) for name in columns]) if columns else np.arange(n_rows, dtype=np.int64)
    columns, codes = _parts_of_blocks(facts, shown, condition, columns, codes)
    present = np.flatnonzero(codes >= 0)
    first, _ = ordered(codes[present])
    return ExperimentalUnits(condition, columns, present[first], codes)


def _parts_of_blocks(
    facts: Facts, shown: Sequence[str], condition: str, columns: tuple[str, ...], codes: Ints
) -> tuple[tuple[str, ...], Ints]:
    """Take the part of a block with one level of the condition for the unit, where it holds several finer units.

    Two libraries of a stimulated donor are no two replicates of stimulated donors: what they differ by is tested by how
    much donors differ in their response (Bailey 2008, section 8.1; a batch is no sample of a population, so that units
    within it are replicates).
    """
    blocks = [
        name
        for name in shown
        if facts.is_unit_level(name) and facts.kinds[name] == "unit" and facts.crossed(name, condition)
    ]
    blocks = [name for name in blocks if _tells(codes, facts.codes(name))]
    if not blocks:
        return columns, codes
    block = max(blocks, key=facts.n_levels)
    parts = combine([facts.codes(block), facts.codes(condition)])
    if n_distinct(parts[codes >= 0]) >= n_distinct(codes):
        return columns, codes
    named = next((name for name in facts.names if _has_partition(facts, name, parts)), None)
    return (block, condition) if named is None else (named,), parts


def _tells(codes: Ints, other: Ints) -> bool:
    present = (codes >= 0) & (other >= 0)
    pairs = combine([codes[present], other[present]]) if present.any() else codes[:0]
    return n_distinct(pairs) == n_distinct(codes[present])


def _has_partition(facts: Facts, name: str, codes: Ints) -> bool:
    if not facts.is_unit_level(name) or facts.kinds[name] != "unit":
        return False
    own = facts.codes(name)
    n = n_distinct(own)
    return (
        n == n_distinct(codes) and n == n_distinct(combine([own, codes])) and bool(((own >= 0) == (codes >= 0)).all())
    )
