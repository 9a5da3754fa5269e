"""Which factors share a row of the diagram, in which order, and what stands between neighbours.

A row reads from left to right. Factors joined without a gap form a run. A run joined by ``×`` and ``◊``
says how any two of its factors are crossed: partly if there is a ``◊`` between them, else fully. So a run
is only drawn where that holds for every pair; a crossing that does not fit is left to the notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from edviz.model import Aliasing, BatchEffect, Crossing, Design, Relation, factors_of

Joint = Literal["aliased", "partly aliased", "crossed", "partly crossed"]
Group = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """Factors side by side.

    Attributes
    ----------
    names
        From left to right.
    joints
        What stands before each name; None for the first and after a gap.
    """

    names: tuple[str, ...]
    joints: tuple[Joint | None, ...]


def batch_factors(design: Design) -> tuple[str, ...]:
    """Return the factors that do nothing but process units; they stand above the picture."""
    return tuple(
        name
        for name in design.names
        if any(effect.batch == name for effect in design.batch_effects)
        and all(isinstance(relation, BatchEffect) for relation in design.relations if name in factors_of(relation))
    )


def component_rows(design: Design) -> list[list[Row]]:
    """Return the rows of each part of the design that no relation but a batch effect ties to the others."""
    return [_rows_of(design, component) for component in _components(design, set(batch_factors(design)))]


def shown_by_row(row: Row, groups: Mapping[str, Group]) -> set[Relation]:
    """Return the relations that a row of the diagram says."""
    shown: set[Relation] = {Aliasing(groups[name]) for name in row.names if len(groups[name]) > 1}
    for run in _runs_of(row):
        for first, last in combinations(range(len(run)), 2):
            between = {joint for _, joint in run[first + 1 : last + 1]}
            if between != {"aliased"}:
                shown.add(Crossing(run[first][0], run[last][0], partial="partly crossed" in between))
    for left, right, joint in zip(row.names, row.names[1:], row.joints[1:], strict=False):
        if joint == "partly aliased":
            shown.add(Aliasing((left, right), partial=True))
    return shown


def chain_edges(design: Design) -> list[tuple[str, str]]:
    """Return the pairs of factors of which the second stands below the first.

    A classification whose label would then stand above its unit, or beside it, is left out.
    """
    edges = [(nesting.outer, nesting.inner) for nesting in design.nestings]
    abreast = {name: frozenset(design.alias_group(name)) for name in design.names}
    for classification in design.classifications:
        unit, label = abreast[classification.unit], abreast[classification.label]
        if unit != label and not unit & _standing_below(label, abreast, edges):
            edges.append((classification.unit, classification.label))
    return edges


def _runs_of(row: Row) -> Iterator[list[tuple[str, Joint | None]]]:
    """Split a row where nothing, or a partial alias, stands between two names."""
    run: list[tuple[str, Joint | None]] = []
    for name, joint in zip(row.names, row.joints, strict=True):
        if run and joint in (None, "partly aliased"):
            yield run
            run = []
        run.append((name, joint))
    if run:
        yield run


def _components(design: Design, apart: set[str]) -> list[set[str]]:
    """Return the connected parts of the design, in the order of the factors."""
    part = {name: {name} for name in design.names if name not in apart}
    for relation in design.relations:
        if not isinstance(relation, BatchEffect):
            merged = set[str]().union(*(part[name] for name in factors_of(relation)))
            part.update(dict.fromkeys(merged, merged))
    components: list[set[str]] = []
    for component in part.values():
        if component not in components:
            components.append(component)
    return components


def _names_by_row(design: Design, component: set[str]) -> list[list[str]]:
    """Return the names of each row, unordered within it: nested factors below, related ones abreast."""
    edges = [edge for edge in chain_edges(design) if edge[0] in component]
    abreast = _names_abreast(design, component, edges)
    below = {(abreast[upper], abreast[lower]) for upper, lower in edges if abreast[upper] != abreast[lower]}
    depth = _depths(set(abreast.values()), below)
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in design.names:
        if name in component:
            rows[depth[abreast[name]]].append(name)
    return [names for names in rows if names]


def _names_abreast(design: Design, component: set[str], edges: Sequence[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Map each name to the names that have to share its row.

    Two related factors share a row unless one of them would then have to stand below itself. Crossings of
    factors deep in the design come first: they are the more precise ones.
    """
    abreast = {name: frozenset(design.alias_group(name)) for name in component}
    height = _heights(component, edges)
    crossings = [crossing for crossing in design.crossings if crossing.a in component]
    partial = [aliasing for aliasing in design.aliasings if aliasing.partial and aliasing.factors[0] in component]
    pairs = sorted(
        (factors_of(crossing) for crossing in crossings), key=lambda pair: sum(map(height.__getitem__, pair))
    )
    for names in [*pairs, *(aliasing.factors for aliasing in partial)]:
        merged = frozenset[str]().union(*(abreast[name] for name in names))
        if not merged & _standing_below(merged, abreast, edges):
            abreast.update(dict.fromkeys(merged, merged))
    return abreast


def _standing_below(
    names: frozenset[str], abreast: Mapping[str, frozenset[str]], edges: Sequence[tuple[str, str]]
) -> set[str]:
    """Return all names in rows that have to come below the row of `names`."""
    below: set[str] = set()
    upper = set(names)
    while upper:
        lower = {inner for outer, inner in edges if outer in upper}
        upper = set[str]().union(*(abreast[name] for name in lower)) - below
        below |= upper
    return below


def _heights(names: Iterable[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Map each name to the length of the longest chain that hangs from it."""
    heights: dict[str, int] = {}

    def height(name: str) -> int:
        if name not in heights:
            heights[name] = max((1 + height(lower) for upper, lower in edges if upper == name), default=0)
        return heights[name]

    for name in names:
        height(name)
    return heights


def _depths(rows: set[frozenset[str]], below: set[tuple[frozenset[str], frozenset[str]]]) -> dict[frozenset[str], int]:
    """Number the rows from the top; what stands below nothing comes right above the first of its children."""
    depths: dict[frozenset[str], int] = {}

    def depth(row: frozenset[str]) -> int:
        if row not in depths:
            depths[row] = max((1 + depth(upper) for upper, lower in below if lower == row), default=0)
        return depths[row]

    for row in rows:
        depth(row)
    for row in rows - {lower for _, lower in below}:
        depths[row] = min((depths[lower] - 1 for upper, lower in below if upper == row), default=0)
    return depths


def _rows_of(design: Design, component: set[str]) -> list[Row]:
    rows: list[Row] = []
    for names in _names_by_row(design, component):
        rows.append(_row(design, names, above=[name for row in rows for name in row.names]))
    return rows


def _row(design: Design, names: Sequence[str], above: Sequence[str]) -> Row:
    """Order the names of a row and find what stands between them."""
    groups: list[Group] = []
    for name in _from_left_to_right(design, names, above):
        group = _batches_last(design, design.alias_group(name))
        if group not in groups:
            groups.append(group)
    partly = _pairwise_crossings(design)
    runs: list[list[Group]] = []
    while groups:
        run = _longest_run(groups, partly)
        runs.append(run)
        groups = _partners_first(design, run[-1][-1], [group for group in groups if group not in run])
    return _joined(design, runs, partly)


def _batches_last(design: Design, group: Group) -> Group:
    """Put what processed other units to the right, where its double line starts."""
    batches = {effect.batch for effect in design.batch_effects}
    return tuple(sorted(group, key=lambda name: name in batches))


def _from_left_to_right(design: Design, names: Sequence[str], above: Sequence[str]) -> list[str]:
    """Put what hangs from the left to the left, nested factors before the others and long chains before short ones."""
    edges = chain_edges(design)
    heights = _heights(names, edges)
    labels = {classification.label for classification in design.classifications}

    def rank(name: str) -> tuple[int, bool, int]:
        parent = min((above.index(upper) for upper, lower in edges if lower == name), default=len(above))
        return parent, name in labels, -heights[name]

    return sorted(names, key=rank)


def _partners_first(design: Design, name: str, groups: list[Group]) -> list[Group]:
    """Put the groups that start with a partial alias of `name` first, so that the two become neighbours."""
    partners = {
        other
        for aliasing in design.aliasings
        if aliasing.partial and name in aliasing.factors
        for other in aliasing.factors
    }
    return sorted(groups, key=lambda group: group[0] not in partners)


def _pairwise_crossings(design: Design) -> dict[frozenset[str], bool]:
    return {frozenset((crossing.a, crossing.b)): crossing.partial for crossing in design.crossings}


def _longest_run(groups: Sequence[Group], partly: Mapping[frozenset[str], bool]) -> list[Group]:
    """Take the first group and all that can stand in one run with it, fully crossed ones together."""
    blocks = [[groups[0]]]
    for group in groups[1:]:
        crossed = [[partly.get(frozenset((group[0], other[0]))) for other in block] for block in blocks]
        if any(None in block for block in crossed):
            continue
        full = [index for index, block in enumerate(crossed) if not all(block)]
        if not full:
            blocks.append([group])
        elif len(full) == 1 and not any(crossed[full[0]]):
            blocks[full[0]].append(group)
    return [group for block in blocks for group in block]


def _joined(design: Design, runs: Sequence[Sequence[Group]], partly: Mapping[frozenset[str], bool]) -> Row:
    names: list[str] = []
    joints: list[Joint | None] = []
    partial = {frozenset(aliasing.factors) for aliasing in design.aliasings if aliasing.partial}
    for run in runs:
        for group in run:
            for name in group:
                last = names[-1] if names else ""
                if name != group[0]:
                    joint: Joint | None = "aliased"
                elif group != run[0]:
                    joint = "partly crossed" if partly[frozenset((last, name))] else "crossed"
                else:
                    joint = "partly aliased" if frozenset((last, name)) in partial else None
                names.append(name)
                joints.append(joint)
    return Row(tuple(names), tuple(joints))
