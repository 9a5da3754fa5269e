"""The blocks of a plot, and what is said of them: alternative text and a caption with numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edviz.h5ad.strings import harmless
from mcp_server.embeddings.colours import MOST_NAMED, Key, key_of
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.neighbours import N_NEIGHBOURS, same_label_share
from mcp_server.embeddings.reading import Codes, Colouring, Coordinates, Levels, Numbers
from mcp_server.embeddings.requests import PlotRequest
from mcp_server.embeddings.views import MOST_DRAWN, MOST_FACETS, View

LONGEST_NAME = 38
LEVELS_IN_CAPTION = 12
ROBUST = (1, 99)
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
    text = " ".join(harmless(text).split())
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
        return (Block(tuple(Panel(view.points, _basis(view, views), axes=_axes(view.basis)) for view in drawn)),)
    return tuple(_coloured(drawn, name) for name in request.color)


def caption_of(views: Sequence[View], request: PlotRequest) -> str:
    """Say with numbers what a plot shows."""
    sentences = [*_about_cells(views), *_about_drawing(views)]
    for name in request.color:
        sentences += _about_column(views, name)
    if request.facet:
        sentences += _about_facets(views[0], request.facet)
        if not request.color:
            sentences += _about_column(views, request.facet)
    return " ".join(sentences)


def alt_text_of(views: Sequence[View], request: PlotRequest) -> str:
    """Say in one sentence what is to be seen."""
    what = " beside ".join(_axes(view.basis)[0].removesuffix(" 1") for view in views)
    text = f"Scatter plot of {views[0].n:,} cells of {views[0].name} in two dimensions ({what})"
    if request.color:
        text += f", coloured by {', '.join(harmless(name) for name in request.color)}"
    if request.facet:
        text += f", a panel for each level of {harmless(request.facet)}"
    return text + "."


def _drawn(view: View, seed: int) -> View:
    if view.n <= MOST_DRAWN:
        return view
    return view.of(np.sort(np.random.default_rng(seed).choice(view.n, MOST_DRAWN, replace=False)))


def _basis(view: View, views: Sequence[View]) -> str:
    if len(views) < 2:
        return ""
    same = {each.basis for each in views} == {view.basis}
    return f"{view.basis}, {view.name}" if same else view.basis


def _axes(basis: str) -> tuple[str, str]:
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
            Panel(view.points, _basis(view, views), places=key.places[a:b], axes=_axes(view.basis))
            for view, a, b in zip(views, starts, starts[1:], strict=False)
        ]
        block = replace(block, key=_counted_once(key, columns))
    else:
        panels = [
            Panel(view.points, _basis(view, views), values=joined.values[a:b], axes=_axes(view.basis))
            for view, a, b in zip(views, starts, starts[1:], strict=False)
        ]
        block = replace(block, **_bar(joined))
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


def _bar(column: Numbers) -> dict[str, object]:
    known = column.values[np.isfinite(column.values)]
    n_missing = len(column.values) - len(known)
    if not len(known):
        return {"bar": (0.0, 1.0), "n_missing": n_missing}
    low, high = (float(value) for value in np.percentile(known, ROBUST))
    if low == high:
        low, high = float(known.min()), float(known.max())
    ends = (bool(known.min() < low), bool(known.max() > high))
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(ends, "neither")
    return {"bar": (low, high if high > low else low + 1), "extend": extend, "n_missing": n_missing}


def _facets(view: View, facet: str, colour: str) -> Block:
    levels = _levels_of(view, facet)
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
    panels[0] = replace(panels[0], axes=_axes(view.basis))
    title = harmless(facet) if colour == facet else f"{harmless(colour)}, by {harmless(facet)}"
    block = Block(tuple(panels), title, key=key)
    return replace(block, **_bar(column)) if isinstance(column, Numbers) else block


def _chosen_facets(counts: NDArray[np.int64]) -> Codes:
    present = np.flatnonzero(counts)
    if len(present) <= MOST_FACETS:
        return present
    return np.sort(present[np.argsort(-counts[present], kind="stable")[:MOST_FACETS]])


def _levels_of(view: View, name: str) -> Levels:
    column = view.columns[name]
    if not isinstance(column, Levels):
        raise EmbeddingError(f"{harmless(name)!r} holds numbers; facets need labels")
    if not (column.codes >= 0).any():
        raise EmbeddingError(f"{harmless(name)!r} is missing for all cells, so there are no facets")
    return column


def _about_cells(views: Sequence[View]) -> Iterator[str]:
    for view in views:
        if view.made is not None:
            yield f"{view.name}, {view.basis}: {view.made}"
        else:
            n = f"{view.n:,} cells" if view.n == view.n_total else f"{view.n:,} of {view.n_total:,} cells"
            yield f"{view.name}: {n} in {view.basis} as stored in the file."


def _about_drawing(views: Sequence[View]) -> Iterator[str]:
    if any(view.n > MOST_DRAWN for view in views):
        yield f"Drawn: {MOST_DRAWN:,} of them, chosen at random."


def _about_column(views: Sequence[View], name: str) -> Iterator[str]:
    column = views[0].columns[name]
    if isinstance(column, Numbers):
        yield _about_numbers(column)
        return
    key = key_of(column)
    named = sorted(key.named, key=lambda entry: -entry.n)
    listed = ", ".join(f"{shown(entry.name, LONGEST_NAME)} {entry.n:,}" for entry in named[:LEVELS_IN_CAPTION])
    more = len(named) + key.n_unnamed - LEVELS_IN_CAPTION
    n_levels = len(named) + key.n_unnamed
    text = f"{harmless(name)}: {n_levels:,} {'level' if n_levels == 1 else 'levels'}"
    text += f" ({listed}{f' and {more:,} more' if more > 0 else ''})" if listed else ""
    if key.n_unnamed:
        text += f"; the {MOST_NAMED} most frequent have colours, the rest is grey"
    n_missing = int(np.count_nonzero(column.codes < 0))
    yield text + (f"; missing for {n_missing:,}." if n_missing else ".")
    yield from _about_mixing(views, name)


def _about_mixing(views: Sequence[View], name: str) -> Iterator[str]:
    for view in views:
        column = view.columns[name]
        if not isinstance(column, Levels) or len(np.unique(column.codes[column.codes >= 0])) < 2:
            continue
        shares = same_label_share(view.points, column.codes)
        if shares is not None:
            where = f" in {_basis(view, views)}" if len(views) > 1 else ""
            yield (
                f"Of the {N_NEIGHBOURS} nearest cells in the picture{where}, {shares[0]:.0%} share "
                f"{harmless(name)} (by chance {shares[1]:.0%})."
            )


def _about_numbers(column: Numbers) -> str:
    known = column.values[np.isfinite(column.values)]
    n_missing = len(column.values) - len(known)
    missing = f"; missing for {n_missing:,}" if n_missing else ""
    if not len(known):
        return f"{harmless(column.name)}: no numbers{missing}."
    low, median, high = np.percentile(known, [0, 50, 100])
    ends = f"; colours span percentiles {ROBUST[0]} to {ROBUST[1]}" if low < high else ""
    return f"{harmless(column.name)}: {low:.4g} to {high:.4g}, median {median:.4g}{ends}{missing}."


def _about_facets(view: View, facet: str) -> Iterator[str]:
    levels = _levels_of(view, facet)
    n = len(np.unique(levels.codes[levels.codes >= 0]))
    if n > MOST_FACETS:
        yield f"Panels: the {MOST_FACETS} most frequent of {n:,} levels of {harmless(facet)}; all cells in grey behind."
    else:
        yield f"Panels: the {n:,} levels of {harmless(facet)}; all cells in grey behind."
