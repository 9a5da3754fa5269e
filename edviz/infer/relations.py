"""How two factors occur together: exact facts from their codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edviz.counting.rows import Ints, add_up, numbered

RelationName = Literal["aliased", "a_nested_in_b", "b_nested_in_a", "crossed", "partially_crossed"]


@dataclass(frozen=True)
class Contingency:
    """The combinations of two factors that occur, among observations where both have a value.

    Attributes
    ----------
    a, b
        Codes of the two levels of each combination, both of shape (filled,).
    n
        Observations of each combination, shape (filled,), all above zero.
    """

    a: Ints
    b: Ints
    n: Ints

    @property
    def n_obs(self) -> int:
        """Observations where both factors have a value."""
        return int(self.n.sum())

    @property
    def flipped(self) -> Contingency:
        """The same with the two factors exchanged."""
        return Contingency(self.b, self.a, self.n)

    def keep(self, mask: NDArray[np.bool_]) -> Contingency:
        """Return only the combinations under the mask."""
        return Contingency(self.a[mask], self.b[mask], self.n[mask])


@dataclass(frozen=True)
class Occurrence:
    """Which combinations of two factors occur, in numbers.

    Attributes
    ----------
    relation
        `a_nested_in_b` says that every level of a occurs with one level of b only.
    levels_a, levels_b
        Levels that occur among observations where both factors have a value.
    filled, possible
        Combinations that occur, and `levels_a * levels_b`.
    components
        Connected components of the graph that links the levels that occur together; it is the
        number of levels of the join, the finest factor coarser than both.
    within_components
        Combinations possible inside the components; equal to `filled` where the factors are
        fully crossed within every level of their join.
    n_obs
        Observations where both factors have a value.
    """

    relation: RelationName
    levels_a: int
    levels_b: int
    filled: int
    possible: int
    components: int
    within_components: int
    n_obs: int

    @property
    def crossed_within(self) -> bool:
        """Whether the factors are fully crossed inside the levels of a join that has several."""
        return 1 < self.components < min(self.levels_a, self.levels_b) and self.filled == self.within_components


def contingency(a: Ints, b: Ints, n: Ints | None = None) -> Contingency:
    """Count the combinations of two columns of codes, leaving out rows that lack either.

    Parameters
    ----------
    a, b
        Codes, both of shape (n_rows,), -1 where missing.
    n
        Observations of each row; by default one.
    """
    present = (a >= 0) & (b >= 0)
    a, b = a[present], b[present]
    kept, counted = add_up([a, b], np.ones(len(a), dtype=np.int64) if n is None else n[present])
    return Contingency(a[kept], b[kept], counted)


def relate(table: Contingency) -> Occurrence:
    """Name the relation of two factors, exactly, from the combinations that occur."""
    levels_a, a = numbered(table.a)
    levels_b, b = numbered(table.b)
    filled = len(table.n)
    n_components, within = _joined(a, b, levels_a, levels_b)
    return Occurrence(
        relation=_name(levels_a, levels_b, filled, n_components),
        levels_a=levels_a,
        levels_b=levels_b,
        filled=filled,
        possible=levels_a * levels_b,
        components=n_components,
        within_components=within,
        n_obs=table.n_obs,
    )


def join_codes(table: Contingency, levels_a: int) -> Ints:
    """Map each level of a to its level of the join of a and b; -1 for levels that do not occur."""
    n_a, a = numbered(table.a)
    occurring = np.flatnonzero(np.bincount(table.a, minlength=levels_a))
    n_b, b = numbered(table.b)
    mapped = np.full(levels_a, -1, dtype=np.int64)
    mapped[occurring] = _components(a, b, n_a, n_b)
    return mapped


def pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield every unordered pair of names, in order."""
    for index, a in enumerate(names):
        for b in names[index + 1 :]:
            yield a, b


def _name(levels_a: int, levels_b: int, filled: int, components: int) -> RelationName:
    if filled == 0:
        return "partially_crossed"
    if components == levels_a == levels_b:
        return "aliased"
    if components == levels_b < levels_a:
        return "a_nested_in_b"
    if components == levels_a < levels_b:
        return "b_nested_in_a"
    if filled == levels_a * levels_b:
        return "crossed"
    return "partially_crossed"


def _joined(a: Ints, b: Ints, levels_a: int, levels_b: int) -> tuple[int, int]:
    """Count the connected components, and the combinations that are possible inside them."""
    filled = len(a)
    if filled == levels_a * levels_b:
        return min(1, filled), filled
    if filled == max(levels_a, levels_b):
        # One is a function of the other, so each level of the coarser one is a component.
        return min(levels_a, levels_b), filled
    component_of_a = _components(a, b, levels_a, levels_b)
    component_of_b = np.zeros(levels_b, dtype=np.int64)
    component_of_b[b] = component_of_a[a]
    return int(component_of_a.max()) + 1, int(np.bincount(component_of_a) @ np.bincount(component_of_b))


def _components(a: Ints, b: Ints, levels_a: int, levels_b: int) -> Ints:
    """Number the connected component of each level of a, by letting the smallest label spread."""
    label_a = np.arange(levels_a, dtype=np.int64)
    while True:
        label_b = np.full(levels_b, levels_a, dtype=np.int64)
        np.minimum.at(label_b, b, label_a[a])
        spread = label_a.copy()
        np.minimum.at(spread, a, label_b[b])
        # Following the label of one's label shortens long chains of levels to a few rounds.
        spread = spread[spread] if levels_a else spread
        if np.array_equal(spread, label_a):
            return numbered(label_a)[1]
        label_a = spread
