"""Synthetic counts of cells: negative binomial, with a tree of cell types, programs of genes, and batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

N_LEVELS, N_PROGRAMS, N_BATCHES = 3, 5, 4
CELLS_AT_ONCE = 500


@dataclass(frozen=True)
class Shape:
    """How large a set of cells is, and the share of its counts that are not zero."""

    n_cells: int
    n_genes: int
    density: float


SHAPES = {
    "s2k": Shape(20_000, 2_000, 0.19),
    "s10k": Shape(20_000, 10_000, 0.14),
    "s36k": Shape(6_000, 36_000, 0.025),
}
"""Sets that stand for: variable genes, expressed genes, all genes."""


@dataclass(frozen=True)
class Cells:
    """Counts, n_cells x n_genes, and type and batch of each cell."""

    counts: sparse.csr_matrix
    types: NDArray[np.int64]
    batches: NDArray[np.int64]


def make_cells(name: str, *, scale: float = 1.0, seed: int = 0, is_sorted: bool = False) -> Cells:
    """Draw the cells of a set.

    Parameters
    ----------
    scale
        What to multiply the number of cells with.
    is_sorted
        Whether cells come batch after batch, and type after type within each.
    """
    shape = SHAPES[name]
    random = np.random.default_rng(seed)
    n_cells = max(int(shape.n_cells * scale), 200)
    types, batches = random.integers(2**N_LEVELS, size=n_cells), random.integers(N_BATCHES, size=n_cells)
    if is_sorted:
        order = np.lexsort((types, batches))
        types, batches = types[order], batches[order]
    base = random.normal(0, 1.5, shape.n_genes)
    of_type = _tree(random, shape.n_genes)
    programs = random.normal(0, 0.4, (N_PROGRAMS, shape.n_genes)) * (random.random((N_PROGRAMS, shape.n_genes)) < 0.1)
    of_batch = random.normal(0, 0.2, (N_BATCHES, shape.n_genes))
    activity = random.normal(size=(n_cells, N_PROGRAMS))
    theta = random.gamma(2, 1, shape.n_genes) + 0.1
    library = random.lognormal(0, 0.4, n_cells)

    def shares(some: NDArray[np.int64]) -> NDArray[np.float64]:
        logs = base + of_type[types[some]] + of_batch[batches[some]] + activity[some] @ programs
        weights: NDArray[np.float64] = np.exp(logs)
        return library[some, None] * weights / weights.sum(1, keepdims=True)

    depth = _depth(shares(np.arange(min(n_cells, 200))), theta, shape.density)
    parts = []
    for first in range(0, n_cells, CELLS_AT_ONCE):
        means = depth * shares(np.arange(first, min(first + CELLS_AT_ONCE, n_cells)))
        parts.append(sparse.csr_matrix(random.poisson(random.gamma(theta, means / theta)).astype(np.float32)))
    return Cells(sparse.vstack(parts, format="csr"), types, batches)


def _tree(random: np.random.Generator, n_genes: int) -> NDArray[np.float64]:
    """Return the effect of each type: the sum of those of its branches, each on a tenth of the genes."""
    effects = np.zeros((1, n_genes))
    for _ in range(N_LEVELS):
        branches = random.normal(0, 1, (2 * len(effects), n_genes)) * (random.random((2 * len(effects), n_genes)) < 0.1)
        effects = np.repeat(effects, 2, axis=0) + branches
    return effects


def _depth(shares: NDArray[np.float64], theta: NDArray[np.float64], density: float) -> float:
    """Return the mean total count at which so large a share of the counts is expected not to be zero."""
    low, high = 1.0, 1e7
    for _ in range(50):
        depth = float(np.sqrt(low * high))
        found = 1 - ((1 + depth * shares / theta) ** -theta).mean()
        low, high = (depth, high) if found < density else (low, depth)
    return low
