"""t-SNE by openTSNE, with exact neighbours and a coarser interpolation, which is what makes it fast.

The settings are those advised for single cells: Kobak and Berens (2019), principal components as the start,
early exaggeration of 12 and a learning rate of n / exaggeration (Linderman and Steinerberger 2019).
The fast interpolation is that of Linderman et al. (2019), with intervals of two units (1.5 for
many cells) where openTSNE has one: a coarser grid, and neighbours are preserved as well (benchmarks/tsne.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcp_server.embeddings.errors import EmbeddingError, needs
from mcp_server.embeddings.neighbours import nearest, usable_cores
from mcp_server.embeddings.reading import Coordinates
from mcp_server.embeddings.reporting import Tell, part_of

FEWEST_CELLS = 4
EARLY_STEPS, STEPS = 250, 500
EXAGGERATION = 12
UNITS_OF_AN_INTERVAL, UNITS_FOR_MANY, MANY = 2.0, 1.5, 50_000
"""Of more cells a coarse grid keeps 3 % fewer neighbours, and it is not the grid that takes the time."""
FEWEST_FOR_INTERPOLATION = 2_500
"""Of fewer cells, trees (Barnes and Hut) are faster: the grid costs the same whatever is on it."""
STEPS_BETWEEN_REPORTS = 25
MOMENTUM = 0.8
NEIGHBOURS_SHARE, EARLY_SHARE = 0.15, 0.4
"""How much of the work is done after the neighbours, and after the early phase."""


@dataclass(frozen=True)
class TsneSettings:
    """What t-SNE is asked for.

    Attributes
    ----------
    perplexity
        Effective number of neighbours; of few cells, a third of their number.
    """

    perplexity: float = 30.0
    seed: int = 0

    def perplexity_of(self, n: int) -> float:
        """Return the perplexity for so many cells."""
        return min(self.perplexity, (n - 1) / 3)


def open_tsne(points: Coordinates, settings: TsneSettings, tell: Tell) -> Coordinates:
    """Embed points in two dimensions.

    Parameters
    ----------
    points
        A row a cell.
    tell
        Called with the share of the work that is done.

    Returns
    -------
    A row a cell, two columns.

    Raises
    ------
    EmbeddingError
        If openTSNE is missing, or there are fewer than 4 cells.
    """
    require_enough(len(points))
    try:
        from openTSNE import TSNEEmbedding, affinity, initialization
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    except ImportError as error:
        raise needs("openTSNE", "embedding") from error
    n_jobs = usable_cores()
    perplexity = settings.perplexity_of(len(points))
    order = _neighbours_together(points)
    found, distances = nearest(points[order], min(len(points) - 1, max(int(3 * perplexity), 1)))
    affinities = affinity.PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(found, distances), perplexity=perplexity, n_jobs=n_jobs
    )
    # Without two directions in which cells differ there are no two principal components to start from.
    has_directions = points.shape[1] > 1 and bool((np.ptp(points, axis=0) > 0).any())
    initialise = initialization.pca if has_directions else initialization.random
    start = initialise(points, random_state=settings.seed)[order]
    tell(NEIGHBOURS_SHARE)
    embedding = TSNEEmbedding(
        start,
        affinities,
        negative_gradient_method="bh" if len(points) < FEWEST_FOR_INTERPOLATION else "fft",
        ints_in_interval=UNITS_OF_AN_INTERVAL if len(points) < MANY else UNITS_FOR_MANY,
        random_state=settings.seed,
        n_jobs=n_jobs,
    )
    _optimise(embedding, EARLY_STEPS, EXAGGERATION, part_of(tell, NEIGHBOURS_SHARE, EARLY_SHARE))
    _optimise(embedding, STEPS, None, part_of(tell, EARLY_SHARE, 1.0))
    places = np.empty((len(points), 2), dtype=np.float32)
    places[order] = embedding
    return places


def _neighbours_together(points: Coordinates) -> NDArray[np.int64]:
    """Return an order in which neighbours are near each other in memory, that of the leaves of a KD-tree.

    Each step adds the forces of a point's neighbours: of 100,000 points in random order they come from everywhere,
    and a step takes half as long again.
    """
    from scipy.spatial import cKDTree

    order: NDArray[np.int64] = cKDTree(points).indices
    return order


def require_enough(n: int) -> None:
    """Refuse too few cells.

    Raises
    ------
    EmbeddingError
        If there are fewer than 4.
    """
    if n < FEWEST_CELLS:
        raise EmbeddingError(f"t-SNE needs at least {FEWEST_CELLS} cells, and there are {n}; pca takes fewer")


def _optimise(embedding: Any, n_steps: int, exaggeration: float | None, tell: Tell) -> None:
    """Run one phase; the learning rate of openTSNE is the number of cells through the exaggeration."""
    embedding.optimize(
        n_steps,
        inplace=True,
        exaggeration=exaggeration,
        momentum=MOMENTUM,
        callbacks=lambda step, error, points: tell(step / n_steps),
        callbacks_every_iters=STEPS_BETWEEN_REPORTS,
    )
