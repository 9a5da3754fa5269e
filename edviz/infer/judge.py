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

from edviz.counting import Ints, Rows
from edviz.infer.dependence import without_strays
from edviz.infer.pair_tables import PairTables
from edviz.infer.relations import Contingency, contingency, pairs, relate
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

    def relations(self) -> tuple[UnitRelation, ...]:
        """Judge every pair of columns."""
        return tuple(self.relation(a, b) for a, b in pairs(self.tables.names))

    def relation(self, a: str, b: str) -> UnitRelation:
        """Judge one pair of columns."""
        judged_on, table = self.table(a, b)
        found = relate(table)
        strays = self._strays(a, b, table if judged_on == "observations" else None)
        return UnitRelation(
            a=a,
            b=b,
            relation=found.relation,
            filled=found.filled,
            possible=found.possible,
            components=found.components,
            n=found.n_obs,
            strays=strays,
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
        return "observations", without_strays(self._cleaned(a, b), stray_rate=self.tables.stray_rate)

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

        levels = self.tables.rows(anchor).complete().codes[anchor]
        return contingency(told(a)[levels], told(b)[levels])

    def _cleaned(self, a: str, b: str) -> Contingency:
        """Combinations of two columns, with the levels that units or anchors tell in place of those recorded."""
        if self._is_recorded_clean(a) and self._is_recorded_clean(b):
            return self.tables.contingency(a, b)
        rows = self._rows_to_clean(a, b)
        return contingency(self._clean_codes(a, rows), self._clean_codes(b, rows), rows.n)

    def _is_recorded_clean(self, name: str) -> bool:
        """Whether cleaning a column would change nothing."""
        if self.unit_table is not None and name in self.unit_table.codes:
            return self.unit_table.tells_exactly(name)
        return all(self._tells_exactly(anchor, name) for anchor in self._tellers(name))

    def _tells_exactly(self, anchor: str, name: str) -> bool:
        """Whether every observation with a level of a column has that which its anchor tells."""
        with_anchor = self.tables.contingency(anchor, name).n_obs
        return self.tables.dependence(anchor, name).exact and with_anchor == self.tables.n_present(name)

    def _tellers(self, name: str) -> tuple[str, ...]:
        """Columns that tell the level of another one: those of the unit, or its anchor."""
        if self.unit_table is not None and name in self.unit_table.codes:
            return self.unit_table.unit.key
        anchor = self._anchors[name]
        return (anchor,) if anchor is not None and anchor != name and self.tables.tells(anchor, name) else ()

    def _rows_to_clean(self, a: str, b: str) -> Rows:
        return self.tables.rows(*dict.fromkeys((a, b, *self._tellers(a), *self._tellers(b))))

    def _clean_codes(self, name: str, rows: Rows) -> Ints:
        """Codes of each row, with the level that the unit or anchor tells in place of the recorded one."""
        codes, tellers = rows.codes[name], self._tellers(name)
        if not tellers:
            return codes
        if self.unit_table is not None and name in self.unit_table.codes:
            tells, told = self.unit_table.unit.of(rows), self.unit_table.codes[name]
        else:
            tells, told = rows.codes[tellers[0]], self.tables.modes(tellers[0], name)
        if not len(told):
            return np.full_like(codes, -1)
        return np.where((tells >= 0) & (codes >= 0), told[np.maximum(tells, 0)], -1)

    def _strays(self, a: str, b: str, kept: Contingency | None) -> int:
        """Observations with both values that do not follow the judged table."""
        if self._is_recorded_clean(a) and self._is_recorded_clean(b):
            return 0 if kept is None else self.tables.contingency(a, b).n_obs - kept.n_obs
        rows = self._rows_to_clean(a, b).complete((a, b))
        clean_a, clean_b = self._clean_codes(a, rows), self._clean_codes(b, rows)
        deviating = (rows.codes[a] != clean_a) | (rows.codes[b] != clean_b)
        dropped = 0
        if kept is not None:
            dropped = int(rows.n[(clean_a >= 0) & (clean_b >= 0)].sum()) - kept.n_obs
        return int(rows.n[deviating].sum()) + dropped


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
