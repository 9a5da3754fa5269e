"""How many levels and observations a design implies, as ranges.

Going down the chain multiplies. What is partly crossed or not related leaves room, so each count is a range.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import prod
from typing import TypeAlias

from edviz.model import (
    BatchEffect,
    Classification,
    Count,
    Crossing,
    Design,
    Factor,
    Nesting,
    Relation,
    factors_of,
)
from edviz.order import Node, Order, components, nodes_of, order_of

Size: TypeAlias = tuple[Count, ...] | None


@dataclass(frozen=True)
class CountRange:
    """A count that lies between two numbers.

    Attributes
    ----------
    low, high
        ``None`` when nothing limits the count on that side.
    approximate
        Whether a size that the count is made of is approximate.
    """

    low: int | None
    high: int | None
    approximate: bool

    @property
    def exact(self) -> bool:
        """Whether there is only one number that it can be."""
        return self.low == self.high and not self.approximate


def total_levels(design: Design, name: str) -> CountRange:
    """Count the levels of a factor in all, not per parent.

    Parameters
    ----------
    design
        The design.
    name
        One of its factors; of aliased factors each has its own number of levels.

    Raises
    ------
    DesignError
        If there is no such factor.
    """
    factor = design.factor(name)
    sizing = _Sizing(design)
    node = sizing.nodes[name]
    sizing.sizes[node] = factor.size
    return sizing.count({node, *sizing.order.above[node]})


def parent_levels(design: Design, name: str) -> CountRange:
    """Count the combinations of levels that nest a factor: how many entries its size as a list has.

    Raises
    ------
    DesignError
        If there is no such factor.
    """
    design.factor(name)
    sizing = _Sizing(design)
    return sizing.count(sizing.order.above[sizing.nodes[name]])


def count_observations(design: Design) -> CountRange:
    """Count the combinations of all factors: the observations, where the chain goes down to them.

    Labels of observations and batches that only processed units do not count. Of aliased factors the
    finest counts. The range is open on both sides if nothing counts.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> count_observations(loads("Site(3) > Patient(20) > Sample(2) > Cell(~5000) : CellType(35)"))
    CountRange(low=600000, high=600000, approximate=True)
    >>> count_observations(loads("Sample(10) ◊ Treatment(5)"))
    CountRange(low=10, high=49, approximate=False)
    """
    sizing = _Sizing(design)
    counted = counted_nodes(design, sizing.nodes)
    if not counted:
        return CountRange(None, None, False)
    count = sizing.count(counted)
    # Two factors can be known to be crossed although what is nested in them is not.
    pairs = [
        {node for name in factors_of(crossing) for node in sizing.with_above(sizing.nodes[name])}
        for crossing in design.crossings
        if not crossing.partial
    ]
    low = max([count.low or 1, *(sizing.low(frozenset(pair & counted)) for pair in pairs)])
    high = None if count.high is None else max(count.high, low)
    return CountRange(low, high, count.approximate)


def counted_nodes(design: Design, nodes: Mapping[str, Node]) -> set[Node]:
    """Return the nodes that are more than a label of observations or a batch that processed units.

    Parameters
    ----------
    design
        The design.
    nodes
        Its factors, mapped to their nodes by `nodes_of`.
    """
    structural = {
        name
        for relation in design.relations
        if isinstance(relation, Nesting | Crossing)
        for name in factors_of(relation)
    }
    attached = {each.label for each in design.relations if isinstance(each, Classification)}
    attached |= {each.batch for each in design.relations if isinstance(each, BatchEffect)}
    return {node for node in nodes.values() if structural & set(node) or not attached & set(node)}


@lru_cache(maxsize=4)
def _order_in(factors: tuple[Factor, ...], relations: frozenset[Relation]) -> Order:
    """Return the order of a design; all its factors are counted one after the other, and this is most of the work."""
    # Not of the design itself: equal designs may have their factors in another order, and aliased ones in their nodes.
    return order_of(nodes_of(Design(factors, relations)), relations)


class _Sizing:
    """The sizes of the nodes of a design, and the bounds that were already found for sets of them."""

    def __init__(self, design: Design) -> None:
        self.nodes = nodes_of(design)
        self.order = _order_in(design.factors, design.relations)
        self.sizes: dict[Node, Size] = {
            node: _finest_size(design, node, is_root=not self.order.above[node]) for node in self.nodes.values()
        }
        self._lows: dict[frozenset[Node], int] = {}

    def count(self, nodes: Collection[Node]) -> CountRange:
        """Count the combinations of levels of some nodes, which include all that is above them."""
        low, high = self.low(frozenset(nodes)), self.high(set(nodes))
        replaced = {above for node in nodes if self.is_list(node) for above in self.order.above[node]}
        approximate = any(
            count.approximate for node in nodes if node not in replaced for count in self.sizes[node] or ()
        )
        return CountRange(low, None if high is None else max(low, high), approximate)

    def with_above(self, node: Node) -> set[Node]:
        return {node, *self.order.above[node]}

    def is_list(self, node: Node) -> bool:
        """Whether the size has one entry per parent level; at a root the entries are branches to be summed."""
        size = self.sizes[node]
        return size is not None and len(size) > 1 and bool(self.order.above[node])

    def number(self, node: Node) -> int | None:
        """Levels per parent; the least, where it differs."""
        size = self.sizes[node]
        if size is None:
            return None
        return min(_numbers(size)) if self.is_list(node) else sum(_numbers(size))

    def high(self, nodes: set[Node]) -> int | None:
        """Return an upper bound: the product of all sizes, less what partial crossings leave out."""
        layers, top = self._layers(nodes)
        bound = self._high_with_lists(top) if top else 1
        for layer in reversed(layers):
            sizes = self._known_numbers(layer)
            if bound is None or sizes is None:
                return None
            bound = bound * prod(sizes) - self._left_out(layer)
        return bound

    def _layers(self, nodes: set[Node]) -> tuple[list[list[Node]], set[Node]]:
        """Take off the finest nodes again and again, until lists are among them or nothing is left."""
        layers = []
        left = set(nodes)
        while left and not any(self.is_list(node) for node in self.order.finest(left)):
            layers.append(self.order.finest(left))
            left.difference_update(layers[-1])
        return layers, left

    def _high_with_lists(self, nodes: set[Node]) -> int | None:
        finest = self.order.finest(nodes)
        lists = [node for node in finest if self.is_list(node)]
        others = nodes - {covered for node in lists for covered in self.with_above(node)}
        bound = self.high(others)
        if bound is None:
            return None
        bound *= prod(total for total, _ in self._list_totals(lists))
        return bound - (self._left_out(finest) if self._known_numbers(finest) else 0)

    def _list_totals(self, lists: Iterable[Node]) -> Iterator[tuple[int, set[Node]]]:
        """Yield the sum of each set of lists with the same parents, entry by entry, and what the sum covers."""
        by_parents: dict[tuple[frozenset[Node], int], list[Node]] = {}
        for node in lists:
            by_parents.setdefault((self.order.above[node], len(self.sizes[node] or ())), []).append(node)
        for (above, _), siblings in by_parents.items():
            entries = zip(*(_numbers(self.sizes[node] or ()) for node in siblings), strict=True)
            yield sum(prod(each) for each in entries), {*above, *siblings}

    def _left_out(self, layer: Collection[Node]) -> int:
        """Return the fewest combinations that partial crossings leave out.

        That is when one parent level has all the gaps; parts that are fully crossed multiply.
        """
        parts = components(layer, lambda one, other: self.order.crossing(one, other) != "×")
        products = [prod(self._known_numbers(part) or ()) for part in parts]
        gaps = [any(self.order.crossing(one, other) == "◊" for one, other in combinations(part, 2)) for part in parts]
        return prod(products) - prod(size - gap for size, gap in zip(products, gaps, strict=True))

    def _known_numbers(self, nodes: Iterable[Node]) -> list[int] | None:
        numbers = [self.number(node) for node in nodes]
        known = [number for number in numbers if number is not None]
        return known if len(known) == len(numbers) else None

    def low(self, nodes: frozenset[Node]) -> int:
        """Return a lower bound: the product over the largest set of nodes that are all fully crossed or nested."""
        if nodes not in self._lows:
            self._lows[nodes] = self._find_low(nodes)
        return self._lows[nodes]

    def _find_low(self, nodes: frozenset[Node]) -> int:
        bound = 1
        left = set(nodes)
        while left:
            finest = sorted(self.order.finest(left))
            if not self._all_crossed(finest):
                crossed = self._most_crossed(finest, left)
                return bound * self.low(frozenset(self._closed(crossed, left)))
            lists = [node for node in finest if self.is_list(node)]
            if lists:
                return bound * self._low_with_lists(lists, left)
            bound *= prod(self.number(node) or 1 for node in finest)
            left.difference_update(finest)
        return bound

    def _low_with_lists(self, lists: Collection[Node], nodes: set[Node]) -> int:
        total, covered = max(self._list_totals(lists), key=lambda found: found[0])
        overlapping = {node for other in lists if self.with_above(other) & covered for node in self.with_above(other)}
        return total * self.low(frozenset(nodes - covered - overlapping))

    def _all_crossed(self, nodes: Iterable[Node]) -> bool:
        return all(self.order.crossing(one, other) == "×" for one, other in combinations(nodes, 2))

    def _closed(self, nodes: Iterable[Node], within: Collection[Node]) -> set[Node]:
        return {each for node in nodes for each in self.with_above(node) if each in within}

    def _most_crossed(self, finest: list[Node], within: Collection[Node]) -> list[Node]:
        """Return the nodes, all fully crossed with each other, that have the most combinations."""

        def combinations_of(nodes: list[Node]) -> int:
            return self.low(frozenset(self._closed(nodes, within)))

        if len(finest) == 1:
            return finest
        apart = components(finest, lambda one, other: self.order.crossing(one, other) == "×")
        if len(apart) > 1:
            return max((self._most_crossed(part, within) for part in apart), key=combinations_of)
        joined = components(finest, lambda one, other: self.order.crossing(one, other) != "×")
        if len(joined) > 1:
            return [node for part in joined for node in self._most_crossed(part, within)]
        # Neither falls apart: any one of them is a bound, if not the best.
        return max(([node] for node in finest), key=combinations_of)


def _finest_size(design: Design, node: Node, *, is_root: bool) -> Size:
    """Return the size of the aliased factor with the most levels; unknown only if all are."""
    sizes = [size for size in (design.factor(name).size for name in node) if size is not None]

    def fineness(size: tuple[Count, ...]) -> float:
        total = sum(_numbers(size))
        return total if is_root else total / len(size)

    return max(sizes, key=fineness, default=None)


def _numbers(size: Iterable[Count]) -> list[int]:
    return [count.number for count in size]
