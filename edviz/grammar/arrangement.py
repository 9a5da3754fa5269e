"""A design as statements: which expressions to write, and in which order.

One statement for each set of related factors is composed from its order (nesting) and its crossings, as a
series-parallel expression: first with shared factors on the level of what they are crossed with, which
gives levels, then without. What one expression cannot say is said by further statements. Every
expression is checked: what it states must follow from the design.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from typing import TypeVar

from edviz.errors import DesignError
from edviz.grammar.expressions import (
    Alias,
    Braces,
    Chain,
    Expression,
    FactorTerm,
    Group,
    Labelling,
    Level,
    Operator,
    Processing,
    Symbol,
    mentions,
)
from edviz.grammar.meaning import Kinds, claims_of, meaning_of, nested_heads
from edviz.model import (
    Classification,
    Crossing,
    Design,
    Kind,
    Nesting,
    Relation,
    factors_of,
    make_design,
)
from edviz.order import Node, Order, closure, components, edges_of, nodes_of, order_of

T = TypeVar("T")

_DEEPEST_BRACKETS = 20
"""Expressions nested deeper are split into statements, for the reader and well within what the parser takes."""
_MOST_NODES_TO_SEARCH = 30
"""Finding the largest expression that fits tries every node; larger sets are said relation by relation."""


@dataclass(frozen=True)
class Arrangement:
    """The statements of a design, and the kinds that have to be written for them to mean the design."""

    statements: tuple[Expression, ...]
    kinds: Kinds


@dataclass
class _Draft:
    """A design, and what is written of it so far."""

    design: Design
    nodes: Mapping[str, Node]
    rank: Mapping[Node, int]
    above: Mapping[Node, frozenset[Node]]
    kinds: dict[str, Kind]
    labels: Mapping[Node, Sequence[str]]
    statements: list[Expression] = field(default_factory=list)
    labelled: set[Node] = field(default_factory=set)


def arrange(design: Design) -> Arrangement:
    """Choose the statements that say a design.

    Parameters
    ----------
    design
        Made by `make_design`.

    Returns
    -------
    Batch statements first, then the chains and crossings, then what is left. Factors are mentioned
    by name only.
    """
    draft = _start(design)
    for component in _components_by_first_root(draft):
        _say_component(draft, component)
    statements = [
        *_batch_statements(design),
        *draft.statements,
        *_partial_alias_statements(design),
        *_remaining_label_statements(draft),
    ]
    mentioned = {mention.name for statement in statements for mention in mentions(statement)}
    statements += [FactorTerm(name) for name in design.names if name not in mentioned]
    return Arrangement(tuple(statements), draft.kinds)


def _start(design: Design) -> _Draft:
    nodes = nodes_of(design)
    rank = {nodes[name]: index for index, name in reversed(list(enumerate(design.names)))}
    implied = make_design([replace(factor, kind=None) for factor in design.factors], design.relations)
    kinds = {
        factor.name: factor.kind
        for factor, unstated in zip(design.factors, implied.factors, strict=True)
        if factor.kind and factor.kind != unstated.kind
    }
    classifications = design.classifications
    labels = {node: _common_labels(design, classifications, node) for node in rank}
    return _Draft(design, nodes, rank, closure(rank, edges_of(nodes, design.relations)), kinds, labels)


# ---------------------------------------------------------------- one expression


def _with_shared_on_level(draft: _Draft, relations: Collection[Relation]) -> Order:
    """Put each root that is crossed with nested factors below their parents, as if it were nested too.

    Only the place in the expression is meant: a shared factor does not become nested by it.
    """
    edges = edges_of(draft.nodes, relations)
    parents = {node: {outer for outer, inner in edges if inner == node} for node in draft.rank}
    shared = {
        (outer, root)
        for crossing in relations
        if isinstance(crossing, Crossing)
        for root, partner in _both_ways(draft.nodes[crossing.a], draft.nodes[crossing.b])
        if not parents[root] and not any(draft.kinds.get(name) == "unit" for name in root)
        for outer in parents[partner]
    }
    return replace(order_of(draft.nodes, relations), above=closure(draft.rank, edges | shared))


def _both_ways(one: T, other: T) -> Iterator[tuple[T, T]]:
    yield one, other
    yield other, one


def _compose(draft: _Draft, nodes: Sequence[Node], order: Order, depth: int = 0) -> Expression | None:
    """Return the series-parallel expression of some nodes, or None if there is none."""
    if len(nodes) == 1:
        return _mention(nodes[0])
    branches = components(nodes, order.comparable)
    if len(branches) > 1:
        return _cross(draft, branches, order, depth)
    layers = components(nodes, order.incomparable)
    if len(layers) == 1 or depth > _DEEPEST_BRACKETS:
        return None
    layers.sort(key=lambda layer: len(order.above[layer[0]] & set(nodes)))
    levels = _all_or_none(_compose(draft, layer, order, depth + 1) for layer in layers)
    return _operation(Chain, ">", levels) if levels else None


def _cross(draft: _Draft, branches: Sequence[Sequence[Node]], order: Order, depth: int) -> Expression | None:
    """Join branches by × and ◊; all tails of one have to be crossed alike with all tails of the other."""
    if len(branches) == 1:
        return _compose(draft, branches[0], order, depth)
    symbols: tuple[Symbol, ...] = ("×", "◊")
    for symbol in symbols:
        parts = components(branches, _not_joined_by(symbol, order))
        if len(parts) > 1 and depth <= _DEEPEST_BRACKETS:
            parts.sort(key=lambda part: min(_place_in_level(draft, node) for branch in part for node in branch))
            operands = _all_or_none(_cross(draft, part, order, depth + 1) for part in parts)
            return _operation(Level, symbol, operands) if operands else None
    return None


def _not_joined_by(symbol: Symbol, order: Order) -> Callable[[Sequence[Node], Sequence[Node]], bool]:
    return lambda one, other: _joint(one, other, order) != symbol


def _joint(one: Sequence[Node], other: Sequence[Node], order: Order) -> Symbol | None:
    """Return how all tails of one branch are crossed with all tails of another, or None if not all alike."""
    found = {order.crossing(*tails) for tails in product(order.finest(one), order.finest(other))}
    return found.pop() if len(found) == 1 else None


def _place_in_level(draft: _Draft, node: Node) -> tuple[bool, int]:
    """Nested factors come first, because the text nests the first of a level; then as they appeared."""
    can_be_nested = bool(draft.above[node]) and all(draft.kinds.get(name, "unit") == "unit" for name in node)
    return not can_be_nested, draft.rank[node]


def _all_or_none(expressions: Iterable[Expression | None]) -> list[Expression] | None:
    found = []
    for expression in expressions:
        if expression is None:
            return None
        found.append(expression)
    return found


def _mention(node: Node) -> Expression:
    terms = tuple(FactorTerm(name) for name in node)
    return terms[0] if len(terms) == 1 else Braces(terms)


def _operation(operation: type[Chain] | type[Level], symbol: Symbol, operands: Sequence[Expression]) -> Expression:
    grouped = [Group(operand) if isinstance(operand, Chain | Level) else operand for operand in operands]
    return operation(tuple(grouped), (Operator(symbol),) * (len(grouped) - 1))


def _kinds_to_write(draft: _Draft, expression: Expression) -> dict[str, Kind]:
    """Return the kinds that must be stated for nested factors to be read as nested."""
    match expression:
        case Group(content):
            return _kinds_to_write(draft, content)
        case Chain(operands) | Level(operands):
            needed = {name: kind for each in operands for name, kind in _kinds_to_write(draft, each).items()}
            if isinstance(expression, Chain):
                for above, below in pairwise(operands):
                    needed.update(_kinds_to_write_between(draft, above, below))
            return needed
    return {}


def _kinds_to_write_between(draft: _Draft, above: Expression, below: Expression) -> dict[str, Kind]:
    outer = {draft.nodes[name] for name in meaning_of(above, {}).tails}
    heads = meaning_of(below, {}).heads
    read_as_nested = nested_heads(heads, draft.kinds)
    units = [
        next((name for name in head if draft.design.factor(name).kind == "unit"), None)
        for head in heads
        if head not in read_as_nested and outer <= draft.above[draft.nodes[head[0]]]
    ]
    return {name: "unit" for name in units if name is not None}


# ---------------------------------------------------------------- the statements of one component


def _components_by_first_root(draft: _Draft) -> list[list[Node]]:
    """Split the nodes into those that nesting and crossing connect."""
    neighbours: dict[Node, set[Node]] = {node: set() for node in draft.rank}
    structural: tuple[Relation, ...] = (*draft.design.nestings, *draft.design.crossings)
    for relation in structural:
        first, second = factors_of(relation)
        for one, other in _both_ways(draft.nodes[first], draft.nodes[second]):
            neighbours[one].add(other)
    by_rank = sorted(draft.rank, key=draft.rank.__getitem__)
    connected = components(by_rank, lambda one, other: other in neighbours[one])
    return sorted(connected, key=lambda nodes: min(draft.rank[node] for node in nodes if not draft.above[node]))


def _say_component(draft: _Draft, component: Sequence[Node]) -> None:
    if len(component) == 1:
        _say_node(draft, component[0])
        return
    names = {name for node in component for name in node}
    while remaining := _unsaid(draft, names):
        whole = _whole(draft, component, remaining)
        if whole is None and len(component) > _MOST_NODES_TO_SEARCH:
            for relation in remaining:
                _say(draft, _relation_statement(draft, relation))
        else:
            _say(draft, whole or _largest(draft, component, remaining))


def _say_node(draft: _Draft, node: Node) -> None:
    """Say a factor that is neither nested nor crossed, where no other statement will mention it in passing."""
    mentioned = any(set(node) & set(factors_of(relation)) for relation in draft.design.relations)
    if len(node) > 1 or draft.labels[node] or not mentioned:
        _say(draft, _mention(node))


def _unsaid(draft: _Draft, names: Collection[str]) -> list[Relation]:
    """Return the nestings and crossings of some factors that do not follow from the statements so far."""
    said = make_design(draft.design.factors, _stated(draft.statements, draft.kinds)).relations
    structural: tuple[Relation, ...] = (*draft.design.nestings, *draft.design.crossings)
    unsaid = [relation for relation in structural if factors_of(relation)[0] in names and relation not in said]
    return sorted(unsaid, key=lambda relation: _from_the_top(draft, relation))


def _from_the_top(draft: _Draft, relation: Relation) -> tuple[bool, int, int, int]:
    """Order nestings before crossings, then by depth, so that the order of first mention changes little."""
    first, second = (draft.nodes[name] for name in factors_of(relation))
    return isinstance(relation, Crossing), len(draft.above[first]), draft.rank[first], draft.rank[second]


def _whole(draft: _Draft, component: Sequence[Node], remaining: Collection[Relation]) -> Expression | None:
    """Return an expression of all nodes that something remains to be said of, if there is one that fits."""
    touched = {draft.nodes[name] for relation in remaining for name in factors_of(relation)}
    return _fitting(draft, [node for node in component if node in touched], remaining)


def _fitting(draft: _Draft, nodes: Sequence[Node], relations: Collection[Relation]) -> Expression | None:
    for order in (_with_shared_on_level(draft, relations), order_of(draft.nodes, relations)):
        goes_in_circles = any(node in order.above[node] for node in nodes)
        expression = None if goes_in_circles else _compose(draft, nodes, order)
        if expression is not None and _fits(draft, expression, relations):
            return expression
    return None


def _fits(draft: _Draft, expression: Expression, unsaid: Collection[Relation]) -> bool:
    """Tell whether an expression says something new, and all that would then be stated follows from the design."""
    stated = _stated([*draft.statements, expression], draft.kinds | _kinds_to_write(draft, expression))
    if set(stated).isdisjoint(unsaid):
        return False
    design = draft.design
    try:
        return make_design(design.factors, {*stated, *design.relations}).relations == design.relations
    except DesignError:
        return False


def _stated(statements: Iterable[Expression], kinds: Kinds) -> list[Relation]:
    return [claim.relation for claim in claims_of(statements, kinds)]


def _largest(draft: _Draft, component: Sequence[Node], remaining: Sequence[Relation]) -> Expression:
    """Grow an expression from the first relation that remains, node by node while it fits."""
    found = _relation_statement(draft, remaining[0])
    chosen = [draft.nodes[name] for name in factors_of(remaining[0])]
    progress = True
    while progress:
        progress = False
        for node in component:
            larger = _fitting(draft, [*chosen, node], remaining) if node not in chosen else None
            if larger is not None:
                found, progress = larger, True
                chosen.append(node)
    return found


def _relation_statement(draft: _Draft, relation: Relation) -> Expression:
    nodes = [draft.nodes[name] for name in factors_of(relation)]
    if isinstance(relation, Nesting):
        return _operation(Chain, ">", [_mention(node) for node in nodes])
    # A crossing keeps its factors in alphabetical order, which means nothing to a reader.
    nodes.sort(key=draft.rank.__getitem__)
    partial = isinstance(relation, Crossing) and relation.partial
    return _operation(Level, "◊" if partial else "×", [_mention(node) for node in nodes])


def _say(draft: _Draft, expression: Expression) -> None:
    draft.kinds.update(_kinds_to_write(draft, expression))
    draft.statements.append(_labelled(draft, expression))


# ---------------------------------------------------------------- labels, batches and partial aliases


def _common_labels(design: Design, classifications: Sequence[Classification], node: Node) -> list[str]:
    """Return the labels that were measured on all factors of a node."""
    labels = [{each.label for each in classifications if each.unit == unit} for unit in node]
    return _in_order(design, set.intersection(*labels))


def _labelled(draft: _Draft, expression: Expression) -> Expression:
    """Add the first label of what an expression ends in, if none was added before."""
    last = expression.operands[-1] if isinstance(expression, Chain) else expression
    if not isinstance(last, FactorTerm | Braces):
        return expression
    node = tuple(mention.name for mention in mentions(last))
    if node in draft.labelled or not draft.labels[node]:
        return expression
    draft.labelled.add(node)
    labelling = Labelling((last, FactorTerm(draft.labels[node][0])), (Operator(":"),))
    if isinstance(expression, Chain):
        return replace(expression, operands=(*expression.operands[:-1], labelling))
    return labelling


def _remaining_label_statements(draft: _Draft) -> list[Expression]:
    said = set(_stated(draft.statements, draft.kinds))
    return [
        Labelling((FactorTerm(relation.unit), FactorTerm(relation.label)), (Operator(":"),))
        for relation in draft.design.classifications
        if relation not in said
    ]


def _batch_statements(design: Design) -> list[Expression]:
    return [
        Processing((FactorTerm(relation.batch), FactorTerm(relation.unit)), (Operator("=="),))
        for relation in design.batch_effects
    ]


def _partial_alias_statements(design: Design) -> list[Expression]:
    return [
        Alias(tuple(FactorTerm(name) for name in _in_order(design, relation.factors)), (Operator("≈"),))
        for relation in design.aliasings
        if relation.partial
    ]


def _in_order(design: Design, names: Collection[str]) -> list[str]:
    return [name for name in design.names if name in names]
