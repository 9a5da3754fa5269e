"""Where the labels of levels stand in a plot: amid their cells, and not on each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcp_server.embeddings.reading import Codes, Coordinates

MOST_SPREAD = 0.75
"""A level that is spread nearly as far as all cells has no place of its own."""
N_TURNS, STEPS_OF_A_TURN = 5, 12
FEWEST_CELLS = 3

Point = NDArray[np.float64]
Size = tuple[float, float]


def label_places(
    points: Coordinates, places: Codes, labels: Sequence[str], sizes: Sequence[Size], per_unit: float
) -> Iterator[tuple[str, Point]]:
    """Yield labels with their places, in the units of the points; one that has no room, or no place, is left out.

    Parameters
    ----------
    places
        For each cell the number of its label; larger ones have none.
    sizes
        Of the labels, in inches.
    per_unit
        Inches of a unit of the points.
    """
    taken: list[tuple[Point, Size]] = []
    centre_of_all = np.median(points, axis=0)
    spread_of_all = _spread(points, centre_of_all)
    counts = np.bincount(places, minlength=len(labels))[: len(labels)]
    for place in np.argsort(-counts, kind="stable").tolist():
        own = points[places == place]
        if len(own) < FEWEST_CELLS:
            continue
        centre = np.median(own, axis=0)
        if _spread(own, centre) > MOST_SPREAD * spread_of_all:
            continue
        nearest = own[np.square(own - centre).sum(axis=1).argmin()]
        found = _free_place(nearest * per_unit, sizes[place], taken)
        if found is not None:
            taken.append((found, sizes[place]))
            yield labels[place], found / per_unit


def _spread(points: Coordinates, centre: NDArray[Any]) -> float:
    return float(np.median(np.linalg.norm(points - centre, axis=1)))


def _free_place(wanted: Point, size: Size, taken: Sequence[tuple[Point, Size]]) -> Point | None:
    """Look for a free place in a spiral around the wanted one."""
    for step in range(N_TURNS * STEPS_OF_A_TURN):
        angle = 2 * np.pi * step / STEPS_OF_A_TURN
        away = size[1] * step / STEPS_OF_A_TURN
        place = wanted + away * np.array([np.cos(angle) * 1.4, np.sin(angle)])
        if not any(_overlap(place, size, other, other_size) for other, other_size in taken):
            return np.asarray(place, dtype=np.float64)
    return None


def _overlap(a: Point, size_a: Size, b: Point, size_b: Size) -> bool:
    return bool(abs(a[0] - b[0]) < (size_a[0] + size_b[0]) / 2 and abs(a[1] - b[1]) < (size_a[1] + size_b[1]) / 2)
