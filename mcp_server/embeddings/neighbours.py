"""Exact nearest neighbours, and what they say of a picture."""

from __future__ import annotations

import os
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from mcp_server.embeddings.reading import Codes, Coordinates

MOST_DIMENSIONS_OF_A_TREE = 15
"""Beyond, a KD-tree looks at nearly all points, and comparing with all of them is faster."""
ASKED_CELLS = 2_000
N_NEIGHBOURS = 30

Indices = NDArray[np.int64]
Distances = NDArray[np.float64]


def nearest(points: Coordinates, k: int, queries: Codes | None = None) -> tuple[Indices, Distances]:
    """Find the nearest neighbours of points among all of them, themselves left out, exactly.

    With faiss where that is installed, else by a KD-tree (few dimensions) or by comparing all.

    Parameters
    ----------
    points
        A row a point.
    k
        How many neighbours, fewer than there are points.
    queries
        The rows to find neighbours for; if None all.

    Returns
    -------
    Rows of the neighbours and Euclidean distances, each of the shape (queries, k), the nearest first.
    """
    rows = np.arange(len(points)) if queries is None else queries
    if points.shape[1] > MOST_DIMENSIONS_OF_A_TREE or find_spec("faiss") is not None:
        found, distances = _by_comparison(points, points[rows], k + 1)
    else:
        from scipy.spatial import cKDTree

        distances, found = cKDTree(points).query(points[rows], k=k + 1, workers=usable_cores())
    return _without_themselves(found, distances, rows)


def preservation(before: Coordinates, after: Coordinates, *, seed: int = 0, k: int = N_NEIGHBOURS) -> float | None:
    """Say which share of the nearest neighbours of a cell are among its nearest in the picture.

    The mean over at most 2,000 cells (Lee and Verleysen 2009 call it Q_NX at k); None of k + 1 cells or fewer.
    """
    if len(before) <= k + 1:
        return None
    rows = _some(len(before), seed)
    near_before, near_after = (nearest(points, k, rows)[0] for points in (before, after))
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(near_before, near_after, strict=True)]))


def same_label_share(
    points: Coordinates, codes: Codes, *, seed: int = 0, k: int = N_NEIGHBOURS
) -> tuple[float, float] | None:
    """Say which share of the nearest neighbours carry the label of the cell, and which share would by chance.

    Cells without a label are left out. Chance is the sum of squared shares of the labels.

    Returns
    -------
    Both shares, or None where there are too few cells.
    """
    known = np.flatnonzero(codes >= 0)
    if len(known) <= k + 1:
        return None
    points, codes = points[known], codes[known]
    rows = _some(len(points), seed)
    found = nearest(points, k, rows)[0]
    shares = np.bincount(codes) / len(codes)
    return float((codes[found] == codes[rows][:, None]).mean()), float((shares**2).sum())


def usable_cores() -> int:
    """Count the cores that this process may use and that others leave free, at least one.

    More threads than free cores are slower than one.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, min(cores, round(cores - load)))


def _some(n: int, seed: int) -> Codes:
    if n <= ASKED_CELLS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, ASKED_CELLS, replace=False))


def _by_comparison(points: Coordinates, asked: Coordinates, k: int) -> tuple[Indices, Distances]:
    if find_spec("faiss") is not None:
        import faiss

        index = faiss.IndexFlatL2(points.shape[1])
        index.add(np.ascontiguousarray(points))
        squares, found = index.search(np.ascontiguousarray(asked), k)
        return found, np.sqrt(np.maximum(squares, 0)).astype(np.float64)
    from sklearn.neighbors import NearestNeighbors

    searching = NearestNeighbors(algorithm="brute", n_jobs=usable_cores()).fit(points)
    distances, found = searching.kneighbors(asked, n_neighbors=k)
    return found, distances


def _without_themselves(found: Indices, distances: Distances, rows: Codes) -> tuple[Indices, Distances]:
    """Leave each point out of its own neighbours; among equal points it need not come first, nor at all."""
    found, distances = np.asarray(found, dtype=np.int64), np.asarray(distances, dtype=np.float64)
    is_itself = found == rows[:, None]
    is_itself[~is_itself.any(axis=1), -1] = True
    shape = (len(rows), found.shape[1] - 1)
    return found[~is_itself].reshape(shape), distances[~is_itself].reshape(shape)
