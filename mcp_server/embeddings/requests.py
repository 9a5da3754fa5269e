"""What can be asked for; nothing that reads or computes is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from edviz.plain import to_plain

Method = Literal["tsne", "umap", "pca"]
Backend = Literal["opentsne", "cuml", "remote"]
BackendChoice = Literal["auto", "opentsne", "cuml", "remote"]

METHODS: tuple[Method, ...] = get_args(Method)
BACKEND_CHOICES: tuple[BackendChoice, ...] = get_args(BackendChoice)
MOST_CELLS = 100_000
"""More are sampled unless all are asked for."""
ALL_CELLS = 0
COUNTS = "counts"
"""Stands for principal components of the counts where an entry of obsm could be named."""
UNINTEGRATED = "unintegrated"
"""Stands for what a batch key has not changed: latents of the model without it, or else the counts."""
ADDRESSES = "://"
"""Among the folders that may be read, it stands for all servers."""


@dataclass(frozen=True)
class EmbeddingRequest:
    """What is to be embedded, and how.

    Attributes
    ----------
    source
        An .h5ad file, or the folder of a training run.
    obsm
        Entry of obsm; if None X_scVI or X_pca, and if there is none principal components of the counts.
    sample
        The most cells to embed, and 0 for all.
    stratify
        Columns whose combinations a sample represents; by default the batch of the training, then the labels in obs.
    beside
        What to embed as well, with the same cells: another entry of obsm, or "counts" for principal components of
        the counts, which nothing has integrated; by default what a training without its batch key has left, and
        "unintegrated" for that or, if there is none, the counts.
    roots
        Folders in which a file that a run names must lie; None allows any.
    """

    source: str
    obsm: str | None = None
    method: Method = "tsne"
    backend: BackendChoice = "auto"
    sample: int = MOST_CELLS
    stratify: tuple[str, ...] = ()
    seed: int = 0
    beside: str | None = None
    roots: tuple[str, ...] | None = None


@dataclass(frozen=True)
class PlotRequest:
    """What is to be plotted.

    Attributes
    ----------
    source
        An .h5ad file, the folder of a training run, or an embedding.
    obsm
        Coordinates; if None those of the embedding, t-SNE, UMAP or whatever there is.
    color
        Columns of obs or genes, a panel each.
    facet
        Column of obs with a panel for each level, the other cells in grey behind.
    beside
        Other coordinates to draw beside: an entry of obsm, another source, or "unintegrated" for those of the same
        cells that no batch key has changed.
    embeds
        Whether what was not embedded yet may be embedded now, which writes into the folder of the training.
    output
        The PNG file.
    roots
        Folders in which a file that a source names must lie; None allows any.
    """

    source: str
    output: str
    obsm: str | None = None
    color: tuple[str, ...] = ()
    facet: str | None = None
    beside: str | None = None
    seed: int = 0
    roots: tuple[str, ...] | None = None
    embeds: bool = False


def request_for(request: EmbeddingRequest) -> dict[str, Any]:
    """Return the request of a job; its worker has a working directory of its own."""
    place = request.source if "://" in request.source else str(Path(request.source).absolute())
    plain: Any = to_plain(request)
    asked: dict[str, Any] = plain
    return asked | {"source": place}
