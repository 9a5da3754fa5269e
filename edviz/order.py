"""What follows from the nestings and crossings of a design, for groups of aliased factors.

A design keeps only relations that do not follow from others. Counting and writing need the rest too:
everything that is above a factor, and every pair that is crossed because finer factors are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias, TypeVar

from edviz.model import Crossing, Design, Nesting, Relation

Node: TypeAlias = tuple[str, ...]
"""Fully aliased factors, which take part in nesting and crossing as one; mostly a single factor."""
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Order:
    """Which nodes are above which, and which are crossed, directly or because finer ones are.

    Attributes
    ----------
    above
        All nodes that nest a node, directly or through others; the node itself too if they go round in
        circles, which no design does.
    full, partial
        Pairs of crossed nodes.
    """

    above: Mapping[Node, frozenset[Node]]
    full: frozenset[frozenset[Node]]
    partial: frozenset[frozenset[Node]]

    def comparable(self, one: Node, other: Node) -> bool:
        """Tell whether one of two nodes is above the other."""
        return one in self.above[other] or other in self.above[one]

    def incomparable(self, one: Node, other: Node) -> bool:
        """Tell whether neither of two nodes is above the other."""
        return not self.comparable(one, other)

    def crossing(self, one: Node, other: Node) -> Literal["×", "◊"] | None:
        """Return how two nodes are crossed, or None if they are not."""
        pair = frozenset((one, other))
        return "×" if pair in self.full else "◊" if pair in self.partial else None

    def finest(self, nodes: Collection[Node]) -> list[Node]:
        """Return those of some nodes that are above none of them."""
        coarser = {above for node in nodes for above in self.above[node]}
        return [node for node in nodes if node not in coarser]


def nodes_of(design: Design) -> dict[str, Node]:
    """Map each factor to the node that it belongs to."""
    nodes: dict[str, Node] = {name: (name,) for name in design.names}
    for aliasing in design.aliasings:
        if not aliasing.partial:
            node = tuple(name for name in design.names if name in aliasing.factors)
            nodes.update(dict.fromkeys(node, node))
    return nodes


def edges_of(nodes: Mapping[str, Node], relations: Iterable[Relation]) -> set[tuple[Node, Node]]:
    """Return the nestings among some relations as pairs of outer and inner node."""
    return {(nodes[each.outer], nodes[each.inner]) for each in relations if isinstance(each, Nesting)}


def order_of(nodes: Mapping[str, Node], relations: Collection[Relation]) -> Order:
    """Return all that follows from some relations of a design.

    Parameters
    ----------
    nodes
        From `nodes_of`.
    relations
        All relations of the design, or some of them.
    """
    above = closure(nodes.values(), edges_of(nodes, relations))
    crossings = [relation for relation in relations if isinstance(relation, Crossing)]
    full = {
        frozenset(pair)
        for crossing in crossings
        if not crossing.partial
        for pair in product(*({node, *above[node]} for node in (nodes[crossing.a], nodes[crossing.b])))
    }
    partial = {frozenset((nodes[each.a], nodes[each.b])) for each in crossings if each.partial}
    return Order(above, frozenset(full), frozenset(partial))


def closure(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> dict[Node, frozenset[Node]]:
    """Map each node to all that are above it."""
    parents: dict[Node, list[Node]] = {node: [] for node in nodes}
    for outer, inner in edges:
        parents[inner].append(outer)
    return {node: frozenset(reachable(parents[node], parents.__getitem__)) for node in parents}


def reachable(start: Iterable[T], step: Callable[[T], Iterable[T]]) -> set[T]:
    """Return what can be reached by steps, the start included."""
    reached: set[T] = set()
    waiting = list(start)
    while waiting:
        item = waiting.pop()
        if item not in reached:
            reached.add(item)
            waiting.extend(step(item))
    return reached


def components(items: Iterable[T], linked: Callable[[T, T], bool]) -> list[list[T]]:
    """Split items into those that are linked, directly or through others, in the order of the first of each."""
    found: list[list[T]] = []
    left = list(items)
    while left:
        found.append(list(_take_linked(left, linked)))
    return found


def _take_linked(left: list[T], linked: Callable[[T, T], bool]) -> Iterator[T]:
    waiting = [left.pop(0)]
    while waiting:
        item = waiting.pop(0)
        yield item
        neighbours: Sequence[T] = [other for other in left if linked(item, other)]
        waiting += neighbours
        left[:] = [other for other in left if other not in neighbours]
