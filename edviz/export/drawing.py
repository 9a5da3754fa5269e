"""What a picture of a design shows: a box for each factor, joints where factors meet, and lines.

Factors that are crossed or aliased meet in a joint, which bears the sign of the language. What is nested
in all factors of a joint hangs from the joint, because it lies in their combinations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from edviz.counts import CountRange, total_levels
from edviz.diagram.width import elide, printable
from edviz.model import Design, Factor, Kind
from edviz.order import Node, nodes_of

Sign = Literal["×", "◊", "≈≈", "≈"]
Link = Literal["nests", "crosses", "partial_crosses", "confounded", "partly_confounded", "classifies", "batch_effect"]
LINKS: Mapping[Sign, Link] = {
    "×": "crosses",
    "◊": "partial_crosses",
    "≈≈": "confounded",
    "≈": "partly_confounded",
}
LONGEST_NAME = 48
MOST_LEVELS_SHOWN = 5
MOST_ENTRIES_SHOWN = 5


@dataclass(frozen=True)
class Box:
    """A factor.

    Attributes
    ----------
    id
        ``f1``, ``f2`` and so on, in the order of the design.
    name
        As it can be shown.
    details
        Lines to show below the name: numbers of levels, names of levels, kind.
    """

    id: str
    name: str
    kind: Kind | None
    details: tuple[str, ...]


@dataclass(frozen=True)
class Joint:
    """A place where crossed or aliased factors meet; the ids are ``j1``, ``j2`` and so on."""

    id: str
    sign: Sign


@dataclass(frozen=True)
class Line:
    """A line between two boxes or joints; what nests, processes or is classified is at its start."""

    start: str
    end: str
    link: Link


@dataclass(frozen=True)
class Drawing:
    """Boxes, joints and lines."""

    boxes: tuple[Box, ...]
    joints: tuple[Joint, ...]
    lines: tuple[Line, ...]


def drawing_of(design: Design, totals: Mapping[str, int] | None = None) -> Drawing:
    """Return what a picture of a design shows.

    Parameters
    ----------
    design
        The design.
    totals
        Levels in all that were counted in data, by factor; without them totals follow from the sizes.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> drawing = drawing_of(loads("(Genotype(2) × Diet(2)) > Mouse(5)"))
    >>> [(line.start, line.link, line.end) for line in drawing.lines]
    [('f1', 'crosses', 'j1'), ('f2', 'crosses', 'j1'), ('j1', 'nests', 'f3')]
    """
    ids = {name: f"f{number}" for number, name in enumerate(design.names, start=1)}
    boxes = tuple(_box(design, factor, ids[factor.name], totals or {}) for factor in design.factors)
    return Drawing(boxes, *_Joining(design, ids).result())


@dataclass(frozen=True)
class _Met:
    """Nodes that meet in a place of the picture, and the sign with which they do; a single node has none."""

    nodes: frozenset[Node]
    id: str
    any: Node
    sign: Sign | None = None


class _Joining:
    """Joins crossed and aliased factors, and hangs from the joints what is nested in them."""

    def __init__(self, design: Design, ids: Mapping[str, str]) -> None:
        self._design = design
        self._ids = ids
        self._joints: list[Joint] = []
        self._lines: list[Line] = []
        self._nodes = nodes_of(design)
        self._signs: dict[frozenset[Node], Sign] = {
            frozenset((self._nodes[each.a], self._nodes[each.b])): "◊" if each.partial else "×"
            for each in design.crossings
        }
        self._places = {node: self._place_of(node) for node in dict.fromkeys(self._nodes.values())}

    def result(self) -> tuple[tuple[Joint, ...], tuple[Line, ...]]:
        """Return joints and lines."""
        self._lines += self._nestings(self._join_crossed())
        for aliasing in self._design.aliasings:
            if aliasing.partial:
                self._join("≈", [self._ids[name] for name in self._design.names if name in aliasing.factors])
        for effect in self._design.batch_effects:
            self._lines.append(Line(self._ids[effect.batch], self._ids[effect.unit], "batch_effect"))
        for classification in self._design.classifications:
            self._lines.append(Line(self._ids[classification.unit], self._ids[classification.label], "classifies"))
        return tuple(self._joints), tuple(self._lines)

    def _place_of(self, node: Node) -> str:
        places = [self._ids[name] for name in node]
        return places[0] if len(places) == 1 else self._join("≈≈", places)

    def _join(self, sign: Sign, places: Sequence[str]) -> str:
        joint = Joint(f"j{len(self._joints) + 1}", sign)
        self._joints.append(joint)
        self._lines += [Line(place, joint.id, LINKS[sign]) for place in places]
        return joint.id

    def _join_crossed(self) -> list[_Met]:
        """Join what is crossed with each other and alike to all others, again and again; then the pairs that are left.

        So three crossed factors meet in one joint, and ``(A ◊ B) × C`` has a joint for A and B, and one for that and C.
        """
        met = [_Met(frozenset([node]), place, node) for node, place in self._places.items()]
        found: dict[str, _Met] = {}
        while (twins := self._twins(met)) is not None:
            joined = self._joined(*twins)
            found[joined.id] = joined
            met = [each for each in met if not each.nodes <= joined.nodes] + [joined]
        for one, other in combinations(met, 2):
            if sign := self._sign(one, other):
                pair = _Met(one.nodes | other.nodes, self._join(sign, [one.id, other.id]), one.any, sign)
                found[pair.id] = pair
        return sorted(found.values(), key=lambda each: -len(each.nodes))

    def _joined(self, sign: Sign, group: Sequence[_Met]) -> _Met:
        """Join a group, in a joint that is there already if one of the group is such a one."""
        nodes = frozenset().union(*(each.nodes for each in group))
        grown = next((each for each in group if each.sign == sign), None)
        if grown is None:
            return _Met(nodes, self._join(sign, [each.id for each in group]), group[0].any, sign)
        self._lines += [Line(each.id, grown.id, LINKS[sign]) for each in group if each is not grown]
        return _Met(nodes, grown.id, grown.any, sign)

    def _twins(self, met: Sequence[_Met]) -> tuple[Sign, list[_Met]] | None:
        """Find several that are crossed with each other by one sign, and with all others alike."""
        signs: tuple[Sign, ...] = ("×", "◊")
        crossed = {
            each.id: {(other.id, sign) for other in met if other is not each and (sign := self._sign(each, other))}
            for each in met
        }
        for sign in signs:
            alike: dict[frozenset[tuple[str, Sign]], list[_Met]] = {}
            for each in met:
                alike.setdefault(frozenset({(each.id, sign), *crossed[each.id]}), []).append(each)
            for group in alike.values():
                if len(group) > 1:
                    return sign, group
        return None

    def _sign(self, one: _Met, other: _Met) -> Sign | None:
        # Nodes that meet are alike to all others, so any one of them will do.
        return self._signs.get(frozenset((one.any, other.any)))

    def _nestings(self, joints: Sequence[_Met]) -> Iterator[Line]:
        parents: dict[Node, dict[Node, None]] = {}
        for nesting in self._design.nestings:
            parents.setdefault(self._nodes[nesting.inner], {})[self._nodes[nesting.outer]] = None
        for node, above in parents.items():
            for start in self._starts(list(above), joints):
                yield from (Line(start, self._ids[name], "nests") for name in node)

    def _starts(self, above: Sequence[Node], joints: Sequence[_Met]) -> Iterator[str]:
        """Yield the largest joints of nodes that all nest something, then the nodes that are in none."""
        left = set(above)
        for joint in joints if len(above) > 1 else ():
            if joint.nodes <= left:
                left -= joint.nodes
                yield joint.id
        yield from (self._places[node] for node in above if node in left)


def _box(design: Design, factor: Factor, id: str, totals: Mapping[str, int]) -> Box:
    counted = totals.get(factor.name)
    total = total_levels(design, factor.name) if counted is None else CountRange(counted, counted, approximate=False)
    details = [_numbers(factor, total, nested=bool(design.parents(factor.name)))]
    details += [_level_names(factor.levels)] if factor.levels else []
    details += [factor.kind] if factor.kind else []
    return Box(id, elide(printable(factor.name), LONGEST_NAME, "…"), factor.kind, tuple(details))


def _numbers(factor: Factor, total: CountRange, *, nested: bool) -> str:
    size = factor.size
    if size is None:
        return "number unknown" if total.high is None or total.low != total.high else f"{total.high:,} in all"
    entries = [f"{'~' if count.approximate else ''}{count.number:,}" for count in size]
    if len(entries) > MOST_ENTRIES_SHOWN:
        entries = [*entries[: MOST_ENTRIES_SHOWN - 2], "…", entries[-1]]
    written = " | ".join(entries)
    if not nested and len(size) == 1:
        return written
    each = f"{written} each" if len(size) == 1 else written
    return each if total.high is None else f"{each}, {_range(total)} in all"


def _range(total: CountRange) -> str:
    number = f"{'~' if total.approximate else ''}{total.high:,}"
    return number if total.low == total.high else f"up to {number}"


def _level_names(levels: Sequence[str]) -> str:
    shown = [elide(printable(level), LONGEST_NAME // 2, "…") for level in levels[:MOST_LEVELS_SHOWN]]
    return ", ".join([*shown, "…"] if len(levels) > MOST_LEVELS_SHOWN else shown)
