"""What is said of a plot: alternative text, and a caption with numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edviz.h5ad.strings import harmless
from mcp_server.embeddings.blocks import FEWEST_FOR_PERCENTILES, ROBUST, axes_of, basis_of, levels_of, shown
from mcp_server.embeddings.colours import MOST_NAMED, key_of
from mcp_server.embeddings.neighbours import N_NEIGHBOURS, same_label_share
from mcp_server.embeddings.reading import Levels, Numbers
from mcp_server.embeddings.requests import PlotRequest
from mcp_server.embeddings.views import MOST_DRAWN, MOST_FACETS, View

LONGEST_NAME = 38
LEVELS_IN_CAPTION = 12
BOXES_IN_CAPTION = 5


def caption_of(views: Sequence[View], request: PlotRequest) -> str:
    """Say with numbers what a plot shows."""
    sentences = [*_about_cells(views), *_about_drawing(views)]
    for name in dict.fromkeys(request.color):
        sentences += _about_column(views, name)
    if request.facet:
        sentences += _about_facets(views[0], request.facet)
        if not request.color:
            sentences += _about_column(views, request.facet)
    return " ".join(sentences)


def about_boxes(characters: str) -> str:
    """Say which characters are drawn as boxes, if there are any."""
    if not characters:
        return ""
    n = len(characters)
    some = harmless(" ".join(characters[:BOXES_IN_CAPTION]))
    which = some if n <= BOXES_IN_CAPTION else f"{some} and {n - BOXES_IN_CAPTION:,} more"
    return f" No font here has {which}: drawn as boxes."


def alt_text_of(views: Sequence[View], request: PlotRequest) -> str:
    """Say in one sentence what is to be seen."""
    what = " beside ".join(axes_of(view.basis)[0].removesuffix(" 1") for view in views)
    text = f"Scatter plot of {views[0].n:,} cells of {views[0].name} in two dimensions ({what})"
    if request.color:
        text += f", coloured by {', '.join(harmless(name) for name in request.color)}"
    if request.facet:
        text += f", a panel for each level of {harmless(request.facet)}"
    return text + "."


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
    listed = ", ".join(f"{shown(entry.name, LONGEST_NAME)} ({entry.n:,})" for entry in named[:LEVELS_IN_CAPTION])
    more = len(named) + key.n_unnamed - LEVELS_IN_CAPTION
    n_levels = len(named) + key.n_unnamed
    text = f"{harmless(name)}: {n_levels:,} {'level' if n_levels == 1 else 'levels'}"
    text += f": {listed}{f' and {more:,} more' if more > 0 else ''}" if listed else ""
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
            where = f" of {basis_of(view, views)}" if len(views) > 1 else ""
            yield (
                f"Of the {N_NEIGHBOURS} nearest cells in the picture{where}, {shares[0]:.0%} share "
                f"{harmless(name)} (by chance {shares[1]:.0%})."
            )


def _about_numbers(column: Numbers) -> str:
    known = column.values[np.isfinite(column.values)]
    n_missing = len(column.values) - len(known)
    missing = f"; missing or infinite for {n_missing:,}" if n_missing else ""
    if not len(known):
        return f"{harmless(column.name)}: no numbers{missing}."
    low, median, high = np.percentile(known, [0, 50, 100])
    are_cut = low < high and len(known) >= FEWEST_FOR_PERCENTILES
    ends = f"; colours span percentiles {ROBUST[0]} to {ROBUST[1]}" if are_cut else ""
    return f"{harmless(column.name)}: {low:.4g} to {high:.4g}, median {median:.4g}{ends}{missing}."


def _about_facets(view: View, facet: str) -> Iterator[str]:
    levels = levels_of(view, facet)
    n = len(np.unique(levels.codes[levels.codes >= 0]))
    if n > MOST_FACETS:
        yield f"Panels: the {MOST_FACETS} most frequent of {n:,} levels of {harmless(facet)}; all cells in grey behind."
    else:
        yield f"Panels: the {n:,} levels of {harmless(facet)}; all cells in grey behind."
