"""The panels of a plot with their colours and legends, before any of it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edviz.h5ad.strings import harmless
from mcp_server.embeddings.colours import Key, key_of
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.reading import Codes, Colouring, Coordinates, Levels, Numbers
from mcp_server.embeddings.requests import PlotRequest
from mcp_server.embeddings.views import MOST_DRAWN, MOST_FACETS, View

ROBUST = (1, 99)
"""Percentiles between which numbers are told apart by colour."""
FEWEST_FOR_PERCENTILES = 200
EMPTY = "(empty)"
LONGEST_OF = 40
AXES = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PC"}


@dataclass(frozen=True)
class Panel:
    """Cells that are drawn together.

    Attributes
    ----------
    places, values
        What colours them: places of entries in the key, or numbers.
    everything
        All cells, to be drawn in grey behind.
    axes
        What stands along the two axes.
    """

    points: Coordinates
    title: str = ""
    places: Codes | None = None
    values: NDArray[np.float64] | None = None
    everything: Coordinates | None = None
    axes: tuple[str, str] | None = None


@dataclass(frozen=True)
class Block:
    """Panels with one legend.

    Attributes
    ----------
    key
        What the colours of levels mean.
    bar
        The least and the largest number that are told apart by colour.
    extend
        Whether there are numbers beyond, as matplotlib says it.
    ratio
        Height by width of a panel.
    """

    panels: tuple[Panel, ...]
    title: str = ""
    key: Key | None = None
    bar: tuple[float, float] | None = None
    extend: str = "neither"
    n_missing: int = 0
    ratio: float = 1.0


def shown(text: str, most: int) -> str:
    """Return a name that fits: made harmless, and the middle of a long one left out, as ends often tell them apart."""
    text = " ".join(harmless(text).split()) or EMPTY
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[-(most - 1 - head) :]}"


def blocks_of(views: Sequence[View], request: PlotRequest) -> tuple[Block, ...]:
    """Arrange what is asked for: a block for each column, or one of facets."""
    drawn = tuple(_drawn(view, request.seed) for view in views)
    if request.facet:
        return (_facets(drawn[0], request.facet, request.color[0] if request.color else request.facet),)
    if not request.color:
        return (Block(tuple(Panel(view.points, title_of(view, views), axes=axes_of(view.basis)) for view in drawn)),)
    return tuple(_coloured(drawn, name) for name in dict.fromkeys(request.color))


def _drawn(view: View, seed: int) -> View:
    if view.n <= MOST_DRAWN:
        return view
    return view.of(np.sort(np.random.default_rng(seed).choice(view.n, MOST_DRAWN, replace=False)))


def basis_of(view: View, views: Sequence[View]) -> str:
    """Return what a panel is called where there are several views."""
    if len(views) < 2:
        return ""
    same = {each.basis for each in views} == {view.basis}
    return f"{view.basis}, {view.name}" if same else view.basis


def title_of(view: View, views: Sequence[View]) -> str:
    """Return what stands above a panel where there are several views: what it is called, and of what it was made."""
    basis = basis_of(view, views)
    # How counts were normalised is for the caption.
    return f"{basis}: {shown(view.of_what.split(' (')[0], LONGEST_OF)}" if basis and view.of_what else basis


def axes_of(basis: str) -> tuple[str, str]:
    """Return what stands along the axes."""
    lowered = basis.lower()
    named = next((label for word, label in AXES.items() if word in lowered), basis.removeprefix("X_"))
    return f"{shown(named, 24)} 1", f"{shown(named, 24)} 2"


def _coloured(views: Sequence[View], name: str) -> Block:
    columns = [view.columns[name] for view in views]
    title = harmless(name)
    joined = _joined(columns)
    block = Block((), title)
    starts = np.cumsum([0, *(view.n for view in views)])
    if isinstance(joined, Levels):
        key = key_of(joined)
        panels = [
            Panel(view.points, title_of(view, views), places=key.places[a:b], axes=axes_of(view.basis))
            for view, a, b in zip(views, starts, starts[1:], strict=False)
        ]
        block = replace(block, key=_counted_once(key, columns))
    else:
        panels = [
            Panel(view.points, title_of(view, views), values=joined.values[a:b], axes=axes_of(view.basis))
            for view, a, b in zip(views, starts, starts[1:], strict=False)
        ]
        block = _with_bar(block, joined)
    return replace(block, panels=tuple(panels))


def _joined(columns: Sequence[Colouring]) -> Colouring:
    """Join the same column of several views, so that they share a legend."""
    first = columns[0]
    if isinstance(first, Levels):
        codes = [column.codes for column in columns if isinstance(column, Levels)]
        return Levels(first.name, np.concatenate(codes), first.names)
    return Numbers(first.name, np.concatenate([column.values for column in columns if isinstance(column, Numbers)]))


def _counted_once(key: Key, columns: Sequence[Colouring]) -> Key:
    """Count the cells of the first view only: the second shows the same cells, or the caption says more."""
    if len(columns) < 2:
        return key
    counts = np.bincount(key.places[: len(columns[0].codes)], minlength=len(key.entries))  # type: ignore[union-attr]
    entries = tuple(replace(entry, n=int(n)) for entry, n in zip(key.entries, counts, strict=True))
    return replace(key, entries=entries)


def _with_bar(block: Block, column: Numbers) -> Block:
    """Choose which numbers the colours span."""
    known = column.values[np.isfinite(column.values)]
    n_missing = len(column.values) - len(known)
    if not len(known):
        return replace(block, bar=(0.0, 1.0), n_missing=n_missing)
    low, high = (float(value) for value in np.percentile(known, ROBUST))
    if low == high or len(known) < FEWEST_FOR_PERCENTILES:
        low, high = float(known.min()), float(known.max())
    ends = (bool(known.min() < low), bool(known.max() > high))
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(ends, "neither")
    return replace(block, bar=(low, high if high > low else low + 1), extend=extend, n_missing=n_missing)


def _facets(view: View, facet: str, colour: str) -> Block:
    levels = levels_of(view, facet)
    counts = np.bincount(levels.codes[levels.codes >= 0], minlength=len(levels.names))
    chosen = _chosen_facets(counts)
    column = view.columns[colour]
    key = key_of(column) if isinstance(column, Levels) and colour != facet else None
    panels = []
    for code in chosen.tolist():
        rows = np.flatnonzero(levels.codes == code)
        panel = Panel(view.points[rows], f"{shown(levels.names[code], 30)} ({counts[code]:,})", everything=view.points)
        if key is not None:
            panel = replace(panel, places=key.places[rows])
        elif isinstance(column, Numbers):
            panel = replace(panel, values=column.values[rows])
        panels.append(panel)
    panels[0] = replace(panels[0], axes=axes_of(view.basis))
    title = harmless(facet) if colour == facet else f"{harmless(colour)}, by {harmless(facet)}"
    block = Block(tuple(panels), title, key=key)
    return _with_bar(block, column) if isinstance(column, Numbers) else block


def _chosen_facets(counts: NDArray[np.int64]) -> Codes:
    present = np.flatnonzero(counts)
    if len(present) <= MOST_FACETS:
        return present
    return np.sort(present[np.argsort(-counts[present], kind="stable")[:MOST_FACETS]])


def levels_of(view: View, name: str) -> Levels:
    """Return a column of labels.

    Raises
    ------
    EmbeddingError
        If it holds numbers, or nothing.
    """
    column = view.columns[name]
    if not isinstance(column, Levels):
        raise EmbeddingError(f"{harmless(name)!r} holds numbers; facets need labels")
    if not (column.codes >= 0).any():
        raise EmbeddingError(f"{harmless(name)!r} is missing for all cells, so there are no facets")
    return column
