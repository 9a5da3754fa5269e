"""What a plot shows, before any of it is drawn: cells with their places and colours, panel by panel."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edviz.h5ad.reader import open_h5ad
from edviz.h5ad.strings import harmless
from mcp_server.embeddings.embedded import find_embedded, find_made, unintegrated_in
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.genes import read_colouring
from mcp_server.embeddings.matching import rows_in
from mcp_server.embeddings.reading import (
    Codes,
    Colouring,
    Coordinates,
    Levels,
    names_of_coordinates,
    offer,
    read_coordinates,
)
from mcp_server.embeddings.requests import UNINTEGRATED, PlotRequest
from mcp_server.embeddings.sources import Source, settings_of, source_of_embedding

PICTURES = ("X_tsne", "X_umap", "X_pca", "spatial")
"""Coordinates that are plotted if none are named, the first that are there."""
MOST_COLOURS = 6
MOST_FACETS = 12
MOST_DRAWN = 200_000


@dataclass(frozen=True)
class View:
    """Cells in two dimensions with the columns that are asked for.

    Attributes
    ----------
    basis
        Name of the coordinates.
    made
        How they were made, in words, where that is known.
    of_what
        Of what they were made, in few words.
    """

    points: Coordinates
    basis: str
    name: str
    n_total: int
    columns: dict[str, Colouring]
    made: str | None = None
    of_what: str = ""

    @property
    def n(self) -> int:
        """How many cells there are."""
        return len(self.points)

    def of(self, rows: Codes) -> View:
        """Return a view of some of its cells."""
        columns = {name: column.of(rows) for name, column in self.columns.items()}
        return replace(self, points=self.points[rows], columns=columns)


def read_views(request: PlotRequest) -> tuple[View, ...]:
    """Read the cells to plot, and those to plot beside them.

    Raises
    ------
    EmbeddingError
        If what is asked for is not there or does not fit together.
    H5adError
        If a file cannot be read.
    """
    _check(request)
    columns = tuple(dict.fromkeys([*request.color, *([request.facet] if request.facet else [])]))
    source = find_embedded(request)
    first = _read_view(source, request.obsm, columns, request.roots)
    if request.beside is None:
        return (first,)
    with open_h5ad(source.coordinates) as h5ad:
        held = names_of_coordinates(h5ad)
        entry = unintegrated_in(held) if request.beside == UNINTEGRATED else request.beside
    if entry in held:
        return _in_step(first, _read_view(source, entry, columns, request.roots))
    if "://" not in request.beside and not Path(request.beside).exists():
        raise EmbeddingError(
            f"{harmless(request.beside)!r} is neither an entry of obsm nor a file to draw beside; "
            f"{offer('entries', held, request.beside)}"
        )
    other = find_made(request.beside, None, request.roots)
    return _in_step(first, _read_view(other, None, columns, request.roots))


def usual_picture(held: Sequence[str]) -> str | None:
    """Choose coordinates to plot: a usual name, then any that sounds like one, then whatever is there."""
    alike = [name for name in held if "tsne" in name.lower() or "umap" in name.lower()]
    return next((name for name in (*PICTURES, *alike, *held) if name in held), None)


def _check(request: PlotRequest) -> None:
    if len(request.color) > MOST_COLOURS:
        raise EmbeddingError(f"a plot has at most {MOST_COLOURS} columns to colour by, not {len(request.color)}")
    if request.facet and request.beside:
        raise EmbeddingError("facet and beside cannot be combined; make two plots")
    if request.facet and len(request.color) > 1:
        raise EmbeddingError("with facet there is one column to colour by")


def _read_view(source: Source, obsm: str | None, names: Sequence[str], roots: Sequence[str] | None) -> View:
    with open_h5ad(source.coordinates) as h5ad:
        source = source_of_embedding(source, h5ad, roots)
        basis = obsm or usual_picture(names_of_coordinates(h5ad))
        if basis is None:
            raise EmbeddingError(f"{h5ad.path} has no coordinates in obsm; embed makes some")
        points = read_coordinates(h5ad, basis)[:, :2]
        if points.shape[1] < 2:
            raise EmbeddingError(f"obsm {harmless(basis)!r} of {h5ad.path} has one column; a plot needs two")
        settings = settings_of(h5ad)
        is_apart = source.columns != source.coordinates
        with open_h5ad(source.columns) if is_apart and names else nullcontext(h5ad) as other:
            rows = rows_in(other, h5ad) if other is not h5ad else np.arange(h5ad.obs.n)
            columns = {name: read_colouring(other, name).of(rows) for name in names}
    captions = settings.get("captions")
    caption = captions.get(basis) if isinstance(captions, dict) else None
    made = harmless(caption, longest=1000) if isinstance(caption, str) else None
    n_total = settings.get("n_total")
    n_total = n_total if isinstance(n_total, int) and n_total >= len(points) else len(points)
    inputs = settings.get("inputs")
    of_what = inputs.get(basis) if isinstance(inputs, dict) else None
    of_what = harmless(of_what) if isinstance(of_what, str) else ""
    view = View(points, harmless(basis), source.name, n_total, columns, made, of_what)
    return view.of(np.flatnonzero(np.isfinite(points).all(axis=1)))


def _in_step(first: View, second: View) -> tuple[View, View]:
    """Give both views the same levels in the same order, so that a colour means one thing."""
    shared: dict[str, Any] = {}
    for name, column in first.columns.items():
        other = second.columns[name]
        if isinstance(column, Levels) != isinstance(other, Levels):
            raise EmbeddingError(f"{harmless(name)!r} holds labels in one file and numbers in the other")
        if isinstance(column, Levels) and isinstance(other, Levels) and column.names != other.names:
            names = tuple(dict.fromkeys([*column.names, *other.names]))
            shared[name] = _renamed(column, names), _renamed(other, names)
        else:
            shared[name] = column, other
    sides = ({name: pair[side] for name, pair in shared.items()} for side in (0, 1))
    return tuple(  # type: ignore[return-value]
        replace(view, columns=columns) for view, columns in zip((first, second), sides, strict=True)
    )


def _renamed(column: Levels, names: tuple[str, ...]) -> Levels:
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([*(place[name] for name in column.names), -1], dtype=np.int64)
    return Levels(column.name, codes[column.codes], names)
