"""A design as a picture: positions of labels, arrows and double lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from edviz.diagram.arrows import Bundle, bundles_of, draw_band, heads_of, route, shown_by_bundle
from edviz.diagram.canvas import Canvas
from edviz.diagram.lanes import MOST_LANES, Standing, columns_for_lanes, draw_lanes
from edviz.diagram.placing import Place, Placement, Request, joint_text, place_labels, tail_text
from edviz.diagram.rows import Row, batch_factors, component_rows, shown_by_row
from edviz.diagram.styles import Style
from edviz.diagram.width import display_width
from edviz.model import BatchEffect, Design, Relation


@dataclass(frozen=True)
class Picture:
    """A drawn design, without its frame and notes.

    Attributes
    ----------
    rows
        Lines of text, without spaces at the ends.
    shown
        The relations that the picture says.
    tags
        The number of each batch factor that is tied to its units by a tag.
    """

    rows: tuple[str, ...]
    shown: frozenset[Relation]
    tags: Mapping[str, int]


@dataclass(frozen=True)
class Manner:
    """How to lay a picture out.

    Attributes
    ----------
    wrap, align
        See `Request`.
    compact
        Start every row at the left, whatever that does to the arrows.
    batches
        What ties batch factors to their units: double lines, numbered tags, or only the notes.
    """

    wrap: bool = False
    align: bool = True
    compact: bool = False
    batches: Literal["lanes", "tags", "notes"] = "lanes"


MANNERS = (
    Manner(),
    Manner(align=False),
    Manner(wrap=True),
    Manner(wrap=True, align=False),
    Manner(batches="tags"),
    Manner(wrap=True, align=False, batches="tags"),
    Manner(wrap=True, align=False, batches="notes"),
)
"""From the most beautiful to the narrowest."""
COMPACT_MANNERS = (
    Manner(wrap=True, align=False, compact=True, batches="tags"),
    Manner(wrap=True, align=False, compact=True, batches="notes"),
)
"""What is left to try when even the shortest labels do not fit."""


@dataclass(frozen=True)
class Task:
    """What is to be drawn: a design whose factors are called by `labels`, in a number of columns."""

    design: Design
    labels: Mapping[str, str]
    style: Style
    columns: int
    manner: Manner


def draw(
    design: Design, labels: Mapping[str, str], style: Style, columns: int, manners: Iterable[Manner] = MANNERS
) -> Picture | None:
    """Draw a design in the first of the manners that fits into `columns`; None if it does not fit at all."""
    pictures = (_draw_in_manner(Task(design, labels, style, columns, manner)) for manner in manners)
    return next((picture for picture in pictures if picture is not None), None)


def _draw_in_manner(task: Task) -> Picture | None:
    """Draw with lanes for as many batch effects as possible and tags for the others."""
    effects = task.design.batch_effects
    too_many = len({effect.batch for effect in effects}) > MOST_LANES
    tagged = frozenset(effects) if too_many or task.manner.batches != "lanes" else frozenset[BatchEffect]()
    while True:
        picture, stuck = _draw_with_tags(task, tagged)
        if not stuck:
            return picture
        tagged |= stuck


def _draw_with_tags(task: Task, tagged: frozenset[BatchEffect]) -> tuple[Picture | None, frozenset[BatchEffect]]:
    """Return the picture, if it fits, and the effects whose double line would be misread."""
    laned = [effect for effect in task.design.batch_effects if effect not in tagged]
    room = task.columns - columns_for_lanes(len({effect.batch for effect in laned}))
    numbers = {} if task.manner.batches == "notes" else _tag_numbers(task.design, tagged)
    tags = {name: _tag_text(name, tagged, numbers, task.style) for name in task.design.names}
    canvas = Canvas()
    standings: dict[str, Standing] = {}
    shown: set[Relation] = set(task.design.batch_effects)

    components = component_rows(task.design)
    body = [name for rows in components for row in rows for name in row.names]
    for name in _outermost_first(batch_factors(task.design), laned, body):
        standings[name] = _write_batch(canvas, task.labels[name], tags[name])
    for rows in components:
        placement = _place(task, rows, tags, room)
        if placement is None:
            return None, frozenset()
        shown |= _draw_part(canvas, task, rows, placement, tags, standings)
    if canvas.width > room:
        return None, frozenset()
    stuck = draw_lanes(canvas, laned, standings)
    return Picture(tuple(canvas.rows(task.style)), frozenset(shown), numbers), stuck


def _tag_numbers(design: Design, tagged: frozenset[BatchEffect]) -> dict[str, int]:
    """Number the batch factors that need a tag, in the order of the factors."""
    batches = {effect.batch for effect in tagged}
    return {name: number for number, name in enumerate((name for name in design.names if name in batches), start=1)}


def _tag_text(name: str, tagged: frozenset[BatchEffect], numbers: Mapping[str, int], style: Style) -> str:
    batches = {effect.batch for effect in tagged if name in (effect.batch, effect.unit)}
    own = "".join(f"[{number}]" for batch, number in numbers.items() if batch in batches)
    return f" {style.tag}{own}" if own else ""


def _outermost_first(batches: tuple[str, ...], laned: list[BatchEffect], body: list[str]) -> list[str]:
    """Order batch factors so that the one with the farthest unit comes first, and its lane goes round the others."""

    def farthest(batch: str) -> int:
        units = [effect.unit for effect in laned if effect.batch == batch]
        return max((body.index(unit) for unit in units if unit in body), default=-1)

    return sorted(batches, key=lambda batch: -farthest(batch))


def _write_batch(canvas: Canvas, label: str, tag: str) -> Standing:
    """Write a batch factor on a line of its own below what is on the canvas."""
    y = canvas.height
    canvas.write(y, 0, label + tag)
    return Standing(y, Place(line=0, x=0, label_end=display_width(label), end=display_width(label + tag)), is_last=True)


def _place(task: Task, rows: list[Row], tags: Mapping[str, str], columns: int) -> Placement | None:
    bundles = [] if task.manner.compact else bundles_of(task.design, rows)
    return place_labels(
        Request(
            rows=rows,
            labels=task.labels,
            tags=tags,
            style=task.style,
            pointing=frozenset(parent for bundle in bundles for parent in bundle.parents),
            pointed_at=frozenset(child for bundle in bundles for child in bundle.children),
            aligned={bundle.children[0]: _nearest_parent(bundle, rows) for bundle in bundles},
            columns=columns,
            wrap=task.manner.wrap,
            align=task.manner.align,
        )
    )


def _nearest_parent(bundle: Bundle, rows: list[Row]) -> str:
    """Return the first parent of the lowest row that has one."""
    return next(name for row in reversed(rows) for name in row.names if name in bundle.parents)


def _draw_part(
    canvas: Canvas,
    task: Task,
    rows: list[Row],
    placement: Placement,
    tags: Mapping[str, str],
    standings: dict[str, Standing],
) -> set[Relation]:
    """Draw one part of the design below what is on the canvas; note where its labels stand, return what it says."""
    design = task.design
    routing = route(bundles_of(design, rows), placement)
    heads = heads_of(design, routing.bundles, task.style)
    y = canvas.height + 1 if canvas.height else 0
    for line, band in enumerate(routing.bands):
        _write_line(canvas, y, task, placement, line, tags)
        standings.update(_standings(placement, line, y))
        draw_band(canvas, band, y + 1, heads)
        y += 1 + band.height
        for x in band.trunks:
            canvas.vertical(x, [y])
    groups = {name: design.alias_group(name) for name in design.names}
    shown = {relation for bundle in routing.bundles for relation in shown_by_bundle(design, bundle)}
    return shown.union(*(shown_by_row(row, groups) for row in rows))


def _write_line(canvas: Canvas, y: int, task: Task, placement: Placement, line: int, tags: Mapping[str, str]) -> None:
    end = 0
    for name in placement.lines[line]:
        place = placement.places[name]
        joint = placement.joints[name]
        if end and joint is not None:
            canvas.write(y, end, joint_text(joint, task.style, place.x - end))
        canvas.write(y, place.x, task.labels[name] + tags[name])
        end = place.end
    canvas.write(y, end, tail_text(placement.tails.get(line), task.style))


def _standings(placement: Placement, line: int, y: int) -> Iterator[tuple[str, Standing]]:
    names = placement.lines[line]
    for name in names:
        is_last = name == names[-1] and placement.tails.get(line) is None
        yield name, Standing(y, placement.places[name], is_last)
