"""Which arrows of a design are drawn, and where they run between the lines of labels.

Arrows run in bundles: every parent of a bundle has an arrow to every child of it. Each factor is parent
in one bundle at most and child in one at most, so two bundles never touch and a junction of lines always
means the same. Where lines of two bundles have to cross, they cross at a right angle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from edviz.diagram.canvas import Canvas
from edviz.diagram.placing import Placement
from edviz.diagram.rows import Row, chain_edges
from edviz.diagram.styles import Arms, Style
from edviz.model import Classification, Design, Nesting, Relation

MOST_ORDERS_TRIED = 5
"""Of more stages than this between two lines, not every order is tried."""


@dataclass(frozen=True)
class Bundle:
    """Arrows from each of the parents to each of the children."""

    parents: tuple[str, ...]
    children: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """The part of a bundle between one line of labels and the next.

    Attributes
    ----------
    tops, bottoms
        Columns at which lines come in from above, and leave below.
    heads
        The columns of `bottoms` that end in the head of an arrow, with the name of the child.
    """

    bundle: Bundle
    tops: tuple[int, ...]
    bottoms: tuple[int, ...]
    heads: Mapping[int, str]

    @property
    def columns(self) -> tuple[int, ...]:
        """All columns of the stage, from left to right."""
        return tuple(sorted({*self.tops, *self.bottoms}))

    @property
    def steps(self) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """The horizontal lines that the stage needs: for each the columns from above and those to below.

        No step has a column that goes on both above and below between others: four arms mean a crossing.
        """
        if len(self.columns) == 1:
            return ()
        if set(self.columns[1:-1]).isdisjoint(set(self.tops) & set(self.bottoms)):
            return ((self.tops, self.bottoms),)
        trunk = self.columns[0]
        return ((self.tops, (trunk,)), ((trunk,), self.bottoms))


@dataclass(frozen=True)
class Band:
    """What is drawn between one line of labels and the next: stages, each from its own track on."""

    stages: tuple[Stage, ...]
    tracks: tuple[int, ...]

    @property
    def height(self) -> int:
        """Number of rows: the tracks, and one for the heads of arrows."""
        ends = [track + len(stage.steps) for stage, track in zip(self.stages, self.tracks, strict=True)]
        return max(ends, default=0) + any(stage.heads for stage in self.stages)

    @property
    def trunks(self) -> tuple[int, ...]:
        """Columns at which lines go on past the next line of labels."""
        return tuple(x for stage in self.stages for x in stage.bottoms if x not in stage.heads)


@dataclass(frozen=True)
class Routing:
    """The bundles that are drawn, and what is drawn below each line of labels."""

    bundles: tuple[Bundle, ...]
    bands: tuple[Band, ...]


def bundles_of(design: Design, rows: Sequence[Row]) -> list[Bundle]:
    """Choose the bundles of arrows, so that no factor is parent or child in two of them."""
    row_of = {name: index for index, row in enumerate(rows) for name in row.names}
    edges = chain_edges(design)
    children_of: dict[tuple[str, ...], list[str]] = {}
    for child, row in row_of.items():
        parents = set(design.parents(child)) or {upper for upper, lower in edges if lower == child}
        taken = {parent for group in children_of for parent in group}
        choices = [group for group in children_of if parents.issuperset(group)]
        choices.append(tuple(parent for parent in row_of if parent in parents - taken))
        best = max(choices, key=lambda group: (sum(row_of[parent] == row - 1 for parent in group), len(group)))
        if best:
            children_of.setdefault(best, []).append(child)
    return [Bundle(parents, tuple(children)) for parents, children in children_of.items()]


def shown_by_bundle(design: Design, bundle: Bundle) -> set[Relation]:
    """Return the relations that a bundle of arrows says."""
    return {
        Nesting(parent, child) if is_nested(design, child) else Classification(parent, child)
        for parent in bundle.parents
        for child in bundle.children
    }


def is_nested(design: Design, child: str) -> bool:
    """Tell whether the arrow to `child` is one of nesting; otherwise it is one of classification."""
    return bool(design.parents(child))


def route(bundles: Sequence[Bundle], placement: Placement) -> Routing:
    """Find a way for each bundle; a bundle that has none loses what makes it long, or is left out."""
    pending = list(bundles)
    while True:
        bands, stuck = _bands(pending, placement)
        if stuck is None:
            return Routing(tuple(pending), bands)
        pending = [shorter for bundle in pending for shorter in _shortened(bundle, stuck, placement)]


def _bands(bundles: Sequence[Bundle], placement: Placement) -> tuple[tuple[Band, ...], Bundle | None]:
    """Return what is drawn below each line, or else a bundle that is in the way."""
    stages: list[list[Stage]] = [[] for _ in placement.lines]
    for bundle in bundles:
        trunk = _trunk(bundle, placement)
        if trunk is None:
            return (), bundle
        for line, stage in _stages(bundle, placement, trunk):
            stages[line].append(stage)
    bands: list[Band] = []
    for between in stages:
        band = _band(between)
        if band is None:
            return (), max(between, key=lambda stage: len(stage.columns)).bundle
        bands.append(band)
    return tuple(bands), None


def draw_band(canvas: Canvas, band: Band, y: int, heads: Mapping[str, str]) -> None:
    """Draw a band from row `y` on; `heads` has the head of the arrow to each child."""
    last = y + band.height
    for stage, track in zip(band.stages, band.tracks, strict=True):
        first, end = y + track, y + track + len(stage.steps)
        for x in stage.tops:
            canvas.vertical(x, range(y, first))
        for row, (tops, bottoms) in enumerate(stage.steps, start=first):
            _draw_step(canvas, row, tops, bottoms)
        for x in stage.bottoms:
            canvas.vertical(x, range(end, last - (x in stage.heads)))
        for x, child in stage.heads.items():
            canvas.write(last - 1, x, heads[child])


def heads_of(design: Design, bundles: Sequence[Bundle], style: Style) -> dict[str, str]:
    """Return the head of the arrow to each child."""
    children = [child for bundle in bundles for child in bundle.children]
    return {child: style.nested if is_nested(design, child) else style.classified for child in children}


def _trunk(bundle: Bundle, placement: Placement) -> int | None:
    """Return a column at which the bundle can run past the lines between its first parent and its last child."""
    first, last = _extent(bundle, placement)
    passed = range(first + 1, last)
    anchors = sorted(placement.places[name].anchor for name in bundle.parents if placement.places[name].line == first)
    anchors += [placement.places[name].anchor for name in bundle.children]
    return next((x for x in anchors if all(placement.is_free(line, x) for line in passed)), None)


def _extent(bundle: Bundle, placement: Placement) -> tuple[int, int]:
    first = min(placement.places[name].line for name in bundle.parents)
    return first, max(placement.places[name].line for name in bundle.children)


def _stages(bundle: Bundle, placement: Placement, trunk: int) -> Iterator[tuple[int, Stage]]:
    first, last = _extent(bundle, placement)
    for line in range(first, last):
        tops = {placement.places[name].anchor for name in bundle.parents if placement.places[name].line == line}
        heads = {
            placement.places[name].anchor: name for name in bundle.children if placement.places[name].line == line + 1
        }
        tops |= {trunk} if line > first else set()
        bottoms = {*heads} | ({trunk} if line + 1 < last else set())
        yield line, Stage(bundle, tuple(sorted(tops)), tuple(sorted(bottoms)), heads)


def _shortened(bundle: Bundle, stuck: Bundle, placement: Placement) -> Iterator[Bundle]:
    """Yield the bundle; if it is the one that is stuck, without its last children or its first parents, or not."""
    if bundle != stuck:
        yield bundle
        return
    first, last = _extent(bundle, placement)
    children = tuple(name for name in bundle.children if placement.places[name].line < last)
    parents = tuple(name for name in bundle.parents if placement.places[name].line > first)
    if children:
        yield Bundle(bundle.parents, children)
    elif parents:
        yield Bundle(parents, bundle.children)


def _band(stages: Sequence[Stage]) -> Band | None:
    """Order the stages below each other with the fewest crossings; None if every order makes two lines one."""
    straight = [stage for stage in stages if not stage.steps]
    bent = [stage for stage in stages if stage.steps]
    orders = permutations(bent) if len(bent) <= MOST_ORDERS_TRIED else iter([tuple(bent)])
    bands = [_stacked(order, straight) for order in orders]
    return min((band for band in bands if _is_readable(band)), key=_cost, default=None)


def _stacked(order: Sequence[Stage], straight: Sequence[Stage]) -> Band:
    tracks: list[int] = []
    for index, stage in enumerate(order):
        above = zip(order[:index], tracks, strict=True)
        tracks.append(max((track + _rows_until(other, stage) for other, track in above), default=0))
    return Band((*order, *straight), (*tracks, *(0 for _ in straight)))


def _rows_until(stage: Stage, lower: Stage) -> int:
    """Return how many tracks below the first of `stage` a lower stage may start."""
    if stage.columns[0] > lower.columns[-1] + 1 or lower.columns[0] > stage.columns[-1] + 1:
        return 0
    # A corner right below another one would look joined to it.
    return len(stage.steps) + (not set(stage.columns).isdisjoint(lower.columns))


def _is_readable(band: Band) -> bool:
    """Tell whether no column is used by two stages at the same height."""
    placed = list(zip(band.stages, band.tracks, strict=True))
    return not any(
        _run_together(upper, upper_track, lower, lower_track)
        for upper, upper_track in placed
        for lower, lower_track in placed
        if upper is not lower
    )


def _run_together(one: Stage, one_track: int, other: Stage, other_track: int) -> bool:
    if not set(one.tops).isdisjoint(other.tops) or not set(one.bottoms).isdisjoint(other.bottoms):
        return True
    if set(one.tops).isdisjoint(other.bottoms):
        return False
    return not one.steps or not other.steps or one_track + len(one.steps) >= other_track


def _cost(band: Band) -> tuple[int, int]:
    """Count the crossings, then the rows."""
    placed = list(zip(band.stages, band.tracks, strict=True))
    crossings = 0
    for stage, track in placed:
        for other, other_track in placed:
            if stage is not other:
                for row, (tops, bottoms) in enumerate(other.steps, start=other_track):
                    left, right = min(*tops, *bottoms), max(*tops, *bottoms)
                    passing = [x for x in stage.tops if row < track or not stage.steps]
                    passing += [x for x in stage.bottoms if row >= track + len(stage.steps) and stage.steps]
                    crossings += sum(left < x < right for x in passing)
    return crossings, band.height


def _draw_step(canvas: Canvas, y: int, tops: Sequence[int], bottoms: Sequence[int]) -> None:
    left, right = min(*tops, *bottoms), max(*tops, *bottoms)
    for x in range(left, right + 1):
        canvas.join(y, x, Arms(up=x in tops, down=x in bottoms, left=x > left, right=x < right))
