"""What integration does: how batches mix, whether labels stay together, and whether the conditions stay apart.

The scores of batches and labels are those of scib-metrics (Luecken et al. 2022), each from 0 to 1. Of a condition, and
of the batches, it is counted how many of a cell's nearest neighbours have its level, beside how many would by chance:
where batches are of unequal size, the index of scib-metrics, a median over cells, hardly sees the small ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mcp_server.training.plan import Plan

if TYPE_CHECKING:
    from pandas import DataFrame

NEIGHBOURS = 90
"""As for the local inverse Simpson index in scib-metrics."""
NEAREST = 30
"""Of which the levels of a condition and the batches are counted."""
MOST_CELLS = 10_000
"""A sample of so many tells enough, and the distances of all pairs are computed."""
SIGNAL_LOST, SIGNAL_KEPT = 0.5, 0.8
LEAST_SIGNAL = 0.02
MOSTLY_APART = 0.5
LEAST_GAIN = 0.01
"""In the share of neighbours of the same batch; less is no better mixing."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ConditionSignal:
    """How many of a cell's nearest neighbours have its level of a condition.

    Attributes
    ----------
    chance
        As many would have it if cells were mixed at random.
    """

    condition: str
    share: float
    chance: float

    @property
    def signal(self) -> float:
        """How far above chance, 1 being all that is possible."""
        return (self.share - self.chance) / (1 - self.chance) if self.chance < 1 else 0.0


@dataclass(frozen=True)
class OwnBatch:
    """How many of a cell's nearest neighbours are of its own batch.

    Attributes
    ----------
    chance
        As many would be if the same cells were mixed at random.
    """

    share: float
    chance: float

    @property
    def excess(self) -> float:
        """How far above chance, 1 being all that is possible."""
        return (self.share - self.chance) / (1 - self.chance) if self.chance < 1 else 0.0


@dataclass(frozen=True)
class IntegrationScores:
    """Scores of one latent representation.

    Attributes
    ----------
    batch_mixing
        Local inverse Simpson index of batches (iLISI), its median over the cells: 0 apart, 1 mixed.
    own_batch
        Neighbours of a cell's own batch.
    batch_silhouette
        Silhouette of batches within labels: 1 where they overlap.
    label_conservation
        Local inverse Simpson index of labels (cLISI): 1 where each neighbourhood has one label.
    label_silhouette
        Silhouette of labels: 1 where they are compact and apart.
    """

    batch_mixing: float
    own_batch: OwnBatch
    batch_silhouette: float | None
    label_conservation: float | None
    label_silhouette: float | None
    conditions: tuple[ConditionSignal, ...]


@dataclass(frozen=True)
class IntegrationCheck:
    """The same cells with and without a batch key.

    Attributes
    ----------
    key, label
        The column that is integrated out in one of the two, and the labels of cells that were used.
    n_cells
        Cells that were looked at, a sample if there are many.
    words
        What the scores mean.
    """

    key: str
    label: str | None
    n_cells: int
    with_key: IntegrationScores
    without_key: IntegrationScores
    words: tuple[str, ...]


def check_integration(plan: Plan, obs: DataFrame, latent: Floats, other: Floats) -> IntegrationCheck | None:
    """Compare the latents of a training with those of one with the other choice of batch key.

    Parameters
    ----------
    obs
        Batches, labels and conditions of the cells, in the order of the latents.
    latent, other
        Of the training itself and of the second one, both of shape (n_cells, n_latent).
    """
    key = plan.batch_key or plan.alternative
    if key is None:
        return None
    rows = np.sort(np.random.default_rng(plan.settings.seed).permutation(len(obs))[:MOST_CELLS])
    seen = obs.iloc[rows]
    with_key, without = (latent, other) if plan.batch_key else (other, latent)
    # A column that was not to be integrated out may itself be a condition.
    at_stake = plan.conditions if plan.batch_key else tuple(dict.fromkeys([*plan.conditions, key]))
    inside, outside = (score(space[rows], seen, key, plan.label, at_stake) for space in (with_key, without))
    words = tuple(describe(key, plan.label, inside, outside))
    return IntegrationCheck(key, plan.label, len(rows), inside, outside, words)


def score(
    latent: Floats, obs: DataFrame, key: str, label: str | None, conditions: tuple[str, ...]
) -> IntegrationScores:
    """Score one latent representation, shape (n_cells, n_latent)."""
    from scib_metrics import clisi_knn, ilisi_knn, silhouette_batch, silhouette_label

    neighbours = _neighbours(latent)
    batch = _codes(obs[key])
    codes = None if label is None else _codes(obs[label])
    is_labelled = codes is not None and 1 < len(np.unique(codes)) < len(codes)
    return IntegrationScores(
        batch_mixing=_rounded(ilisi_knn(neighbours, batch)),
        own_batch=own_batch_of(batch, neighbours.indices),
        batch_silhouette=_rounded(silhouette_batch(latent, codes, batch)) if is_labelled else None,
        label_conservation=_rounded(clisi_knn(neighbours, codes)) if is_labelled else None,
        label_silhouette=_rounded(silhouette_label(latent, codes)) if is_labelled else None,
        conditions=tuple(signal_of(name, obs, neighbours.indices) for name in conditions),
    )


def signal_of(condition: str, obs: DataFrame, indices: NDArray[np.int64]) -> ConditionSignal:
    """Count the neighbours that share the level of a condition, beside what chance gives.

    Parameters
    ----------
    indices
        Of each cell its neighbours, the nearest first and the cell itself before them, shape (n_cells, k).
    """
    codes = _codes(obs[condition])
    n = len(codes)
    counts = np.bincount(codes - codes.min())
    # Of the other cells, those of the same level.
    chance = float((counts * (counts - 1)).sum() / (n * (n - 1)))
    return ConditionSignal(condition, _share_alike(codes, indices), _rounded(chance))


def own_batch_of(batch: NDArray[np.int64], indices: NDArray[np.int64]) -> OwnBatch:
    """Count the nearest neighbours that are of a cell's own batch, beside what chance gives.

    The mean share is the statistic of Schilling (1986, Journal of the American Statistical Association 81:799), for any
    number of batches. Chance is the sum of the squared shares of the batches: the limit of that statistic where
    batches do not differ, and Simpson's (1949, Nature 163:688) probability that two cells drawn at random are of one.

    Parameters
    ----------
    batch
        Of each cell the number of its batch, shape (n_cells,).
    indices
        Of each cell its neighbours, the nearest first and the cell itself before them, shape (n_cells, k).
    """
    shares = np.unique(batch, return_counts=True)[1] / len(batch)
    return OwnBatch(_share_alike(batch, indices), _rounded((shares**2).sum()))


def _share_alike(codes: NDArray[np.int64], indices: NDArray[np.int64]) -> float:
    nearest = codes[indices[:, 1 : NEAREST + 1]]
    return _rounded((nearest == codes[:, None]).mean())


def describe(key: str, label: str | None, with_key: IntegrationScores, without: IntegrationScores) -> Iterator[str]:
    """Say what the scores mean."""
    own, before = with_key.own_batch, without.own_batch
    mixes = "mixes better" if own.share <= before.share - LEAST_GAIN else "does not mix better"
    yield (
        f"{key} {mixes} with the key: {own.share:.0%} of the {NEAREST} nearest neighbours of a cell are of its own "
        f"batch with it, {before.share:.0%} without and {own.chance:.0%} by chance."
    )
    if own.excess > MOSTLY_APART:
        yield f"The levels of {key} lie apart even with the key, which is right only where they hold different cells."
    yield (
        f"Batch mixing by iLISI (median over cells, 0 apart, 1 mixed) is {with_key.batch_mixing:.2f} with the key and "
        f"{without.batch_mixing:.2f} without."
    )
    if with_key.label_conservation is not None and without.label_conservation is not None:
        yield (
            f"Labels of {label}: conservation (cLISI) is {with_key.label_conservation:.2f} with the key and "
            f"{without.label_conservation:.2f} without; silhouette {with_key.label_silhouette:.2f} and "
            f"{without.label_silhouette:.2f}."
        )
    for inside, outside in zip(with_key.conditions, without.conditions, strict=True):
        yield _about_condition(inside, outside)


def _about_condition(inside: ConditionSignal, outside: ConditionSignal) -> str:
    numbers = (
        f"{inside.share:.0%} of the nearest neighbours have the same level with the key, {outside.share:.0%} without "
        f"and {inside.chance:.0%} by chance"
    )
    if outside.signal < LEAST_SIGNAL:
        return f"{inside.condition} hardly shows in either: {numbers}."
    left = inside.signal / outside.signal
    if left < SIGNAL_LOST:
        return f"The signal of {inside.condition} is mostly removed by the key: {numbers}."
    kept = "survived" if left >= SIGNAL_KEPT else "is weaker with the key"
    return f"The signal of {inside.condition} {kept}: {numbers}."


def _neighbours(latent: Floats) -> Any:
    from scib_metrics.nearest_neighbors import NeighborsResults
    from sklearn.neighbors import NearestNeighbors

    n = min(NEIGHBOURS, len(latent))
    distances, indices = NearestNeighbors(n_neighbors=n).fit(latent).kneighbors(latent)
    return NeighborsResults(indices=indices, distances=distances)


def _codes(values: Any) -> NDArray[np.int64]:
    """Number the levels; cells without one are a level of their own."""
    import pandas

    return np.asarray(pandas.Categorical(values).codes).astype(np.int64)


def _rounded(value: Any) -> float:
    return round(float(value), 4)
