"""Where the labels of levels stand in a plot: amid their cells, and not on each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mcp_server.embeddings.reading import Codes, Coordinates

N_BINS = 32
LEAST_CONCENTRATION = 2.0
"""How much denser a level is at its densest place than all cells; a level that is mixed among others has no place."""
N_TURNS, STEPS_OF_A_TURN = 5, 12
FEWEST_CELLS = 5
"""In the densest place of a level; fewer may be near each other by chance."""

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
    bins = _bins(points)
    all_cells = _around(bins, np.ones(len(points), dtype=bool))
    counts = np.bincount(places, minlength=len(labels))[: len(labels)]
    for place in np.argsort(-counts, kind="stable").tolist():
        is_own = places == place
        centre = _densest(points, bins, is_own, all_cells)
        found = None if centre is None else _free_place(centre * per_unit, sizes[place], taken)
        if found is not None:
            taken.append((found, sizes[place]))
            yield labels[place], found / per_unit


def _bins(points: Coordinates) -> Codes:
    """Return for each point the row and column of a grid that it lies in."""
    low, extent = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-9)
    return np.asarray(np.minimum((points - low) / extent * N_BINS, N_BINS - 1), dtype=np.int64)


def _around(bins: Codes, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the chosen points in each cell of the grid and the eight around it."""
    counts = np.zeros((N_BINS + 2, N_BINS + 2), dtype=np.int64)
    np.add.at(counts, tuple((bins[chosen] + 1).T), 1)
    steps = range(3)
    total = sum(counts[i : i + N_BINS, j : j + N_BINS] for i in steps for j in steps)
    return np.asarray(total, dtype=np.int64)


def _densest(points: Coordinates, bins: Codes, is_own: NDArray[np.bool_], all_cells: NDArray[np.int64]) -> Point | None:
    """Return the middle of the densest place of a level, or None if it is no denser there than all cells are."""
    own = _around(bins, is_own)
    densest = np.unravel_index(own.argmax(), own.shape)
    expected = all_cells[densest] / len(points) * np.count_nonzero(is_own)
    if own[densest] < max(LEAST_CONCENTRATION * expected, FEWEST_CELLS):
        return None
    is_near = is_own & (np.abs(bins - np.array(densest)) <= 1).all(axis=1)
    return np.asarray(np.median(points[is_near], axis=0), dtype=np.float64)


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
