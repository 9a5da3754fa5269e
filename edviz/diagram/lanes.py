"""The double lines that tie batch factors to the units that they processed.

Each batch factor has a lane of its own at the right of the picture. A double line never crosses another,
so wherever two meet they say the same: what cannot be drawn like that is left to a numbered tag.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from edviz.diagram.canvas import Canvas
from edviz.diagram.placing import Place
from edviz.diagram.styles import Arms
from edviz.model import BatchEffect

FIRST_LANE = 3
"""Columns from the picture to the first lane: a space and two characters of the line."""
LANE_STEP = 4
MOST_LANES = 4


@dataclass(frozen=True)
class Standing:
    """A label in the picture: its row, its place in the row and whether nothing follows it there."""

    y: int
    place: Place
    is_last: bool


@dataclass(frozen=True)
class Port:
    """Where a double line leaves a label on its way to the right: the cell, and its arms there."""

    y: int
    x: int
    arms: Arms


@dataclass(frozen=True)
class Lane:
    """A batch factor, the port of its label and those of its units."""

    batch: str
    start: Port
    stops: Mapping[str, Port]

    @property
    def bottom(self) -> int:
        """The last row of the lane."""
        return max(port.y for port in self.stops.values())


def draw_lanes(
    canvas: Canvas, effects: Sequence[BatchEffect], standings: Mapping[str, Standing]
) -> frozenset[BatchEffect]:
    """Draw the effects if all can be drawn; else draw nothing and return those that cannot."""
    names = dict.fromkeys(name for effect in effects for name in (effect.batch, effect.unit))
    taken = {label.y for label in standings.values()}
    ports = {name: _port(canvas, standings[name], taken) for name in names}
    lanes, stuck = _lanes(effects, ports)
    stuck |= _clashing(lanes)
    if not stuck:
        first = canvas.width + FIRST_LANE
        for index, lane in enumerate(lanes):
            _draw_lane(canvas, lane, first + LANE_STEP * index)
    return frozenset(stuck)


def columns_for_lanes(count: int) -> int:
    """Return how many columns a number of lanes takes."""
    return LANE_STEP * count


def _port(canvas: Canvas, label: Standing, taken: Collection[int]) -> Port | None:
    """Return where a double line can leave a label without touching anything else: beside, above or below it.

    Above and below it does not run along the rows of other labels.
    """
    place = label.place
    if label.is_last:
        return Port(label.y, place.end + 1, Arms(left=2, right=2))
    beside_arrow = place.label_end - 2 if place.label_end - 2 >= place.anchor + 2 else place.anchor
    for y, arms in ((label.y - 1, Arms(down=2, right=2)), (label.y + 1, Arms(up=2, right=2))):
        for x in (place.anchor, beside_arrow):
            if y >= 0 and y not in taken and canvas.is_clear(y, x, canvas.width):
                return Port(y, x, arms)
    return None


def _lanes(effects: Iterable[BatchEffect], ports: Mapping[str, Port | None]) -> tuple[list[Lane], set[BatchEffect]]:
    """Return the lanes, innermost first, and the effects that cannot be part of one."""
    stops: dict[str, dict[str, Port]] = {}
    stuck = set()
    for effect in effects:
        start, stop = ports[effect.batch], ports[effect.unit]
        if start is None or stop is None or stop.y <= start.y:
            stuck.add(effect)
        else:
            stops.setdefault(effect.batch, {})[effect.unit] = stop
    lanes = [Lane(batch, port, stops[batch]) for batch, port in ports.items() if port is not None and batch in stops]
    return sorted(lanes, key=lambda lane: (lane.bottom, -lane.start.y)), stuck


def _clashing(lanes: Sequence[Lane]) -> set[BatchEffect]:
    """Return the effects whose line would cross a lane further in, or meet one that says something else."""
    clashing = set()
    for index, lane in enumerate(lanes):
        for inner in lanes[:index]:
            if inner.start.y <= lane.start.y <= inner.bottom:
                clashing |= {BatchEffect(lane.batch, unit) for unit in lane.stops}
            clashing |= {
                BatchEffect(lane.batch, unit)
                for unit, port in lane.stops.items()
                if inner.start.y <= port.y < inner.bottom or (port.y == inner.bottom and unit not in inner.stops)
            }
    return clashing


def _draw_lane(canvas: Canvas, lane: Lane, x: int) -> None:
    for y in range(lane.start.y, lane.bottom + 1):
        canvas.join(y, x, Arms(up=2 * (y > lane.start.y), down=2 * (y < lane.bottom)))
    for port in (lane.start, *lane.stops.values()):
        canvas.join(port.y, port.x, port.arms)
        for column in range(port.x + 1, x):
            canvas.join(port.y, column, Arms(left=2, right=2))
        canvas.join(port.y, x, Arms(left=2))
