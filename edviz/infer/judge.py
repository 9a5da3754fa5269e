"""The relation of every two factors, with stray observations set aside.

Strict tests on single cells are useless where a few are mislabelled, so a pair is judged on the
coarsest table that carries both: the table of units when both are constant within units, the
table of another column's levels when that column determines both, and the cells themselves, less
the combinations that strays would make, when nothing determines both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edviz.infer.dependence import without_strays
from edviz.infer.pair_tables import PairTables
from edviz.infer.relations import Contingency, Ints, contingency, pairs, relate
from edviz.infer.result import UnitRelation
from edviz.infer.unit import UnitTable


class Judge:
    """Judges pairs of columns; holds for each column the table that it is judged on.

    Parameters
    ----------
    tables
        Exact tables of the columns.
    unit_table
        The columns collapsed to units, or None where there is no unit.
    """

    def __init__(self, tables: PairTables, unit_table: UnitTable | None) -> None:
        self.tables = tables
        self.unit_table = unit_table
        self._anchors = {name: self._anchor(name) for name in tables.names}
        self._cleaned = {name: self._clean_codes(name) for name in tables.names}

    def relations(self) -> tuple[UnitRelation, ...]:
        """Judge every pair of columns."""
        return tuple(self.relation(a, b) for a, b in pairs(self.tables.names))

    def relation(self, a: str, b: str) -> UnitRelation:
        """Judge one pair of columns."""
        judged_on, table = self.table(a, b)
        found = relate(table)
        return UnitRelation(
            a=a,
            b=b,
            relation=found.relation,
            filled=found.filled,
            possible=found.possible,
            components=found.components,
            n=found.n_obs,
            strays=self._strays(a, b, table if judged_on == "observations" else None),
            judged_on=judged_on,
            within=found.crossed_within,
            join=None,
        )

    def table(self, a: str, b: str) -> tuple[str, Contingency]:
        """Return what a pair is judged on, and the table itself."""
        if self.unit_table is not None and a in self.unit_table.codes and b in self.unit_table.codes:
            return "unit", self.unit_table.relation_table(a, b)
        anchor = self._anchors[a]
        if anchor is not None and anchor == self._anchors[b]:
            return anchor, self._anchored_table(anchor, a, b)
        counted = contingency(
            self._cleaned[a], self._cleaned[b], len(self.tables.levels(a)), len(self.tables.levels(b))
        )
        return "observations", without_strays(counted, stray_rate=self.tables.stray_rate)

    def unit_level_codes(self, name: str) -> Ints | None:
        """Return a column collapsed to units, or None if it varies within them."""
        return None if self.unit_table is None else self.unit_table.codes.get(name)

    def _anchor(self, name: str) -> str | None:
        """Return the column that determines `name` and most others, `name` itself included."""
        if self.unit_table is not None and name in self.unit_table.codes:
            return None
        tellers = [name, *(other for other in self.tables.names if other != name and self.tables.tells(other, name))]
        free = [other for other in tellers if self.unit_table is None or other not in self.unit_table.codes]
        return max(free, key=lambda other: (self._reach(other), -self.tables.n_levels(other), other))

    def _reach(self, name: str) -> int:
        return sum(self.tables.tells(name, other) for other in self.tables.names if other != name)

    def _anchored_table(self, anchor: str, a: str, b: str) -> Contingency:
        def told(name: str) -> Ints:
            if name == anchor:
                return np.arange(len(self.tables.levels(anchor)), dtype=np.int64)
            return self.tables.modes(anchor, name)

        codes_a, codes_b = told(a), told(b)
        occurs = np.bincount(self.tables.codes(anchor)[self.tables.codes(anchor) >= 0], minlength=len(codes_a)) > 0
        return contingency(
            np.where(occurs, codes_a, -1),
            np.where(occurs, codes_b, -1),
            len(self.tables.levels(a)),
            len(self.tables.levels(b)),
        )

    def _clean_codes(self, name: str) -> Ints:
        """Codes per observation, with the level that the anchor tells in place of the recorded one."""
        codes = self.tables.codes(name).astype(np.int64)
        if self.unit_table is not None and name in self.unit_table.codes:
            units, told = self.unit_table.unit.codes, self.unit_table.codes[name]
        else:
            anchor = self._anchors[name]
            if anchor is None or anchor == name or not self.tables.tells(anchor, name):
                return codes
            units, told = self.tables.codes(anchor), self.tables.modes(anchor, name)
        if not len(told):
            return np.full_like(codes, -1)
        return np.where((units >= 0) & (codes >= 0), told[np.maximum(units, 0)], -1)

    def _strays(self, a: str, b: str, kept: Contingency | None) -> int:
        """Observations with both values that do not follow the judged table."""
        recorded_a, recorded_b = self.tables.codes(a), self.tables.codes(b)
        present = (recorded_a >= 0) & (recorded_b >= 0)
        clean_a, clean_b = self._cleaned[a], self._cleaned[b]
        deviating = present & ((recorded_a != clean_a) | (recorded_b != clean_b))
        dropped = 0
        if kept is not None:
            dropped = int(((clean_a >= 0) & (clean_b >= 0)).sum()) - kept.n_obs
        return int(deviating.sum()) + dropped


def with_joins(relations: Sequence[UnitRelation]) -> tuple[UnitRelation, ...]:
    """Name the column equal to the join of two factors that are crossed within its levels."""
    outer: dict[str, dict[str, int]] = {}
    for known in relations:
        if known.relation == "a_nested_in_b":
            outer.setdefault(known.a, {})[known.b] = known.components
        elif known.relation == "b_nested_in_a":
            outer.setdefault(known.b, {})[known.a] = known.components

    def join_column(pair: UnitRelation) -> str | None:
        common = outer.get(pair.a, {}).keys() & outer.get(pair.b, {}).keys()
        return min((name for name in common if outer[pair.a][name] == pair.components), default=None)

    return tuple(replace(pair, join=join_column(pair)) if pair.within else pair for pair in relations)
