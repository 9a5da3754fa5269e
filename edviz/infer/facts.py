"""All that is known of a table once its pairs are judged: what design, findings and questions rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from edviz.counting import Ints, Rows
from edviz.counting.rows import n_distinct
from edviz.infer.composite import Composite
from edviz.infer.judge import Judge
from edviz.infer.lexicon import Evidence
from edviz.infer.pair_tables import PairTables
from edviz.infer.relations import RelationName
from edviz.infer.result import Confidence, UnitRelation
from edviz.infer.unit import Unit, UnitTable
from edviz.model import Kind

MOST_COARSER = 12
"""All pairs of more columns than this above one column are too many to try."""
_TURNED: Mapping[RelationName, RelationName] = {"a_nested_in_b": "b_nested_in_a", "b_nested_in_a": "a_nested_in_b"}


@dataclass(frozen=True)
class NestedLabels:
    """A label, such as replicate 1, that is taken to start anew in each level of its parents.

    Attributes
    ----------
    given
        Whether the user said so.
    """

    parents: tuple[str, ...]
    label: str
    given: bool

    @property
    def combined(self) -> str:
        """Name of the column that stands for the label."""
        return ":".join((*self.parents, self.label))


@dataclass(frozen=True)
class Facts:
    """Columns, their unit, their relations and their kinds."""

    tables: PairTables
    unit: Unit | None
    unit_table: UnitTable | None
    judge: Judge
    relations: Sequence[UnitRelation]
    same_as: Mapping[str, tuple[str, ...]]
    evidence: Mapping[str, Sequence[Evidence]]
    kinds: Mapping[str, Kind]
    confidence: Mapping[str, Confidence]
    given_kinds: frozenset[str]
    composites: Mapping[str, Composite]
    no_samples: Mapping[str, tuple[str, ...]]
    nested: NestedLabels | None = None

    @property
    def names(self) -> list[str]:
        """Candidate factors in stored order."""
        return self.tables.names

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str], UnitRelation]:
        known = {}
        for pair in self.relations:
            known[pair.a, pair.b] = pair
            turned = _TURNED.get(pair.relation, pair.relation)
            known[pair.b, pair.a] = replace(pair, a=pair.b, b=pair.a, relation=turned)
        return known

    def relation(self, a: str, b: str) -> UnitRelation:
        """Return the judged relation of two columns, in the order given."""
        return self._by_pair[a, b]

    def nests(self, outer: str, inner: str) -> bool:
        """Whether each level of `inner` lies in one level of `outer`, with more levels of `inner`."""
        return outer != inner and self.relation(outer, inner).relation == "b_nested_in_a"

    def crossed(self, a: str, b: str) -> bool:
        """Whether two columns are fully or partly crossed."""
        return a != b and self.relation(a, b).relation in ("crossed", "partially_crossed")

    def is_unit_level(self, name: str) -> bool:
        """Whether a column is constant within units but for strays."""
        return self.unit_table is not None and name in self.unit_table.codes

    def is_unit(self, name: str) -> bool:
        """Whether a column has the partition of the finest unit."""
        if self.unit is None or len(self.unit.columns) != 1:
            return False
        column = self.unit.columns[0]
        return name == column or name in self.same_as[column]

    def codes(self, name: str) -> Ints:
        """Codes of a unit-level column, one a unit."""
        if self.unit_table is None or name not in self.unit_table.codes:
            raise ValueError(f"{name!r} varies within units")
        return self.unit_table.codes[name]

    def rows(self, *names: str) -> Rows:
        """Rows of some columns: units if all of them are unit-level, combinations of observations otherwise."""
        if self.unit_table is None or not all(map(self.is_unit_level, names)):
            return self.tables.rows(*names)
        codes = {name: self.unit_table.codes[name] for name in names}
        return Rows(codes, np.ones(self.unit_table.unit.n_units, dtype=np.int64))

    def n_levels(self, name: str) -> int:
        """Levels that occur, strays apart."""
        return self._n_levels[name]

    @cached_property
    def _n_levels(self) -> dict[str, int]:
        codes = {name: self.rows(name).codes[name] for name in self.names}
        return {name: n_distinct(column) for name, column in codes.items()}

    @cached_property
    def combinations(self) -> dict[str, tuple[str, str]]:
        """Columns that equal the combination of two coarser ones, with those two."""
        found: dict[str, tuple[str, str]] = {}
        for name in self.names:
            for a, b in combinations(self._coarser(name)[:MOST_COARSER], 2):
                pair = self.relation(a, b)
                # In a table with many empty cells every fine column is a combination by chance.
                if self.crossed(a, b) and pair.filled == self.n_levels(name) and pair.filled >= 0.6 * pair.possible:
                    found.setdefault(name, (a, b))
        return found

    def _coarser(self, name: str) -> list[str]:
        """Columns that nest another one, one of each partition."""
        found: list[str] = []
        for other in self.names:
            if self.nests(other, name) and not any(other in self.same_as[known] for known in found):
                found.append(other)
        return found

    def units_per_level(self, name: str) -> dict[str, int]:
        """Number of units of each level of a unit-level column, in stored order."""
        codes = self.codes(name)
        counts = np.bincount(codes[codes >= 0], minlength=len(self.tables.levels(name)))
        return {level: int(n) for level, n in zip(self.tables.levels(name), counts, strict=True) if n}
