"""The embedding of what is to be plotted: the one that was made, or one that is made now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edviz.h5ad.reader import open_h5ad
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.reading import names_of_coordinates
from mcp_server.embeddings.requests import METHODS, UNINTEGRATED, EmbeddingRequest, PlotRequest
from mcp_server.embeddings.sources import LATENT, Source, find_source

UNCHANGED = ("_other_key", "_counts")
"""How coordinates end that no batch key has changed."""


def find_embedded(request: PlotRequest) -> Source:
    """Find what is to be plotted; what a training lacks is embedded, if that is allowed.

    Raises
    ------
    EmbeddingError
        If it is not there and may not be made.
    """
    source = find_source(request.source, request.roots)
    if not _is_training(source):
        if request.beside == UNINTEGRATED and unintegrated_in(_held(source)) is None:
            raise EmbeddingError(
                f"{request.source} has nothing that is unintegrated; name an entry of obsm or another source, or "
                "embed the counts as well (embed.py --beside counts)"
            )
        return source
    made = find_made(request.source, request.obsm, request.roots)
    if request.beside == UNINTEGRATED:
        is_there = unintegrated_in(_held(made)) is not None
        made = made if is_there else _apart(source, made)
    is_asked_for = request.obsm in (None, *(f"X_{name}" for name in METHODS))
    if made != source or (not is_asked_for or request.obsm in _held(source)):
        return made
    if not request.embeds:
        raise EmbeddingError(f"this was not embedded in {source.folder} yet; embed does that")
    return _made_now(request, source)


def find_made(place: str, obsm: str | None, roots: Sequence[str] | None) -> Source:
    """Find a source; of a training run, the embedding that was made of it, and its latents if there is none."""
    source = find_source(place, roots)
    if source.folder is None or not _is_training(source):
        return source
    wanted = [obsm.removeprefix("X_")] if obsm else METHODS
    for name in wanted:
        made = source.folder / f"{name}.h5ad"
        if made.is_file():
            return replace(source, coordinates=str(made))
    return source


def unintegrated_in(held: Sequence[str]) -> str | None:
    """Choose coordinates that no batch key has changed."""
    return next((name for ending in UNCHANGED for name in held if name.endswith(ending)), None)


def _apart(source: Source, made: Source) -> Source:
    """Find an embedding that was made to compare, beside one that lacks what is compared; else the latents."""
    apart = _place_apart(made)
    return replace(source, coordinates=str(apart)) if made != source and apart.is_file() else source


def _place_apart(made: Source) -> Path:
    return Path(made.coordinates).with_suffix(f".{UNINTEGRATED}.h5ad")


def _made_now(request: PlotRequest, source: Source) -> Source:
    from mcp_server.embeddings.embedding import embed

    made = find_made(request.source, request.obsm, request.roots)
    method = next((name for name in METHODS if request.obsm == f"X_{name}"), METHODS[0])
    # An embedding that was made with other settings stays as it is.
    target = None if made == source else _place_apart(made)
    asked = EmbeddingRequest(request.source, method=method, roots=request.roots, beside=UNINTEGRATED)
    return replace(source, coordinates=embed(asked, target).path)


def _is_training(source: Source) -> bool:
    return Path(source.coordinates).name == LATENT and source.coordinates != source.columns


def _held(source: Source) -> list[str]:
    with open_h5ad(source.coordinates) as h5ad:
        return names_of_coordinates(h5ad)
