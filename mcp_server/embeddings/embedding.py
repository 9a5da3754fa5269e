"""From a source to the file of an embedding."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from edviz.h5ad.columns import Labelled, Plain
from edviz.h5ad.reader import H5adFile, open_h5ad
from edviz.h5ad.strings import harmless
from edviz.output import refuse_to_replace, require_place
from mcp_server.embeddings.backends import choose_backend, tsne_of
from mcp_server.embeddings.errors import EmbeddingError, require_seed
from mcp_server.embeddings.expression import ComponentsOfCounts, components_of_counts
from mcp_server.embeddings.matching import rows_in
from mcp_server.embeddings.neighbours import N_NEIGHBOURS, preservation
from mcp_server.embeddings.pca import N_COMPONENTS, principal_components
from mcp_server.embeddings.reading import (
    Coordinates,
    Levels,
    names_of_coordinates,
    read_column,
    read_coordinates,
    read_names,
)
from mcp_server.embeddings.reporting import Tell, part_of, silent
from mcp_server.embeddings.requests import ALL_CELLS, COUNTS, UNINTEGRATED, EmbeddingRequest, Method
from mcp_server.embeddings.sampling import Sample, choose_cells
from mcp_server.embeddings.sources import Source, find_source
from mcp_server.embeddings.store import write_embedding
from mcp_server.embeddings.tsne import TsneSettings
from mcp_server.embeddings.umap import umap

LATENTS, OTHER_KEY = "X_scVI", "X_scVI_other_key"
"""What a training leaves beside X_scVI: latents of a model with the other choice of batch key."""
USUAL_COORDINATES = ("X_scVI", "X_scANVI", "X_pca_harmony", "X_pca", "X_scvi", "X_PCA")
"""What is embedded if nothing is named, the first that is there."""
MOST_LEVELS_OF_STRATA = 200
LARGEST = 1e15
READ_SHARE = 0.2
PACKAGES = {"opentsne": "openTSNE", "cuml": "cuml", "umap": "umap-learn", "pca": "scikit-learn"}


@dataclass(frozen=True)
class EmbeddingResult:
    """An embedding, as it was written.

    Attributes
    ----------
    path
        The .h5ad file with obs names and `obsm`.
    obsm
        Name of the coordinates in it.
    beside
        Name of the coordinates that were embedded to compare them, or None.
    n_cells, n_total
        Cells that were embedded, and cells there are.
    of
        What was embedded, in words.
    neighbours_kept
        Share of the 30 nearest neighbours that are among the 30 nearest in the picture; None of too few cells.
    caption
        All of it in words.
    """

    path: str
    obsm: str
    beside: str | None
    method: Method
    backend: str
    n_cells: int
    n_total: int
    of: str
    neighbours_kept: float | None
    seconds: float
    caption: str


@dataclass(frozen=True)
class _Input:
    """Coordinates to embed, what they are in words, and what the result is called."""

    points: Coordinates
    of: str
    obsm: str


@dataclass(frozen=True)
class _Chosen:
    """What will be embedded."""

    sample: Sample
    names: list[str]
    inputs: tuple[_Input, ...]


def embed(request: EmbeddingRequest, target: Path | None = None, tell: Tell = silent) -> EmbeddingResult:
    """Embed cells in two dimensions and write them to a file of their own.

    Parameters
    ----------
    target
        The file, or a folder for it; by default the folder of a training run, or the working directory.
    tell
        Called with the share of the work that is done.

    Raises
    ------
    EmbeddingError
        If the source, the coordinates or the method do not fit, or a package is missing.
    H5adError
        If a file cannot be read.
    OutputError
        If the result cannot be written.
    """
    started = time.monotonic()
    require_seed(request.seed)
    if request.method != "tsne" and request.backend not in ("auto", "opentsne"):
        raise EmbeddingError(f"the backend {request.backend} computes t-SNE only")
    backend = choose_backend(request.backend) if request.method == "tsne" else request.method
    source = find_source(request.source, request.roots)
    path = _target(target, source, request.method)
    require_place(path, ".h5ad")
    if not _is_embedding(path):
        refuse_to_replace(path, source.coordinates, source.columns)
    chosen = _choose(request, source, part_of(tell, 0.0, READ_SHARE))
    found = _all_computed(chosen, request, backend, part_of(tell, READ_SHARE, 0.95))
    kept = [preservation(each.points, found[each.obsm][:, :2], seed=request.seed) for each in chosen.inputs]
    captions = {
        each.obsm: _caption(request, backend, chosen, each, share)
        for each, share in zip(chosen.inputs, kept, strict=True)
    }
    first, *others = chosen.inputs
    result = EmbeddingResult(
        path=str(path),
        obsm=first.obsm,
        beside=others[0].obsm if others else None,
        method=request.method,
        backend=backend,
        n_cells=len(chosen.names),
        n_total=chosen.sample.n_total,
        of=first.of,
        neighbours_kept=None if kept[0] is None else round(kept[0], 4),
        seconds=round(time.monotonic() - started, 2),
        caption=captions[first.obsm],
    )
    inputs = {each.obsm: each.of for each in chosen.inputs}
    settings = _settings(request, result, source, chosen.sample) | {"captions": captions, "inputs": inputs}
    write_embedding(path, found, chosen.names, chosen.sample.rows, settings)
    tell(1.0)
    return result


def _all_computed(chosen: _Chosen, request: EmbeddingRequest, backend: str, tell: Tell) -> dict[str, Coordinates]:
    share = 1 / len(chosen.inputs)
    return {
        each.obsm: _computed(each.points, request, backend, part_of(tell, number * share, (number + 1) * share))
        for number, each in enumerate(chosen.inputs)
    }


def _computed(points: Coordinates, request: EmbeddingRequest, backend: str, tell: Tell) -> Coordinates:
    if request.method == "pca":
        return (
            points if request.obsm in (None, COUNTS) else principal_components(points, N_COMPONENTS, seed=request.seed)
        )
    if request.method == "umap":
        return umap(points, request.seed, tell)
    return tsne_of(choose_backend(request.backend))(points, TsneSettings(seed=request.seed), tell)


def _choose(request: EmbeddingRequest, source: Source, tell: Tell) -> _Chosen:
    """Choose cells and read what is to be embedded of them."""
    with open_h5ad(source.coordinates) as h5ad:
        most = h5ad.obs.n if request.sample == ALL_CELLS else request.sample
        columns = _strata(request, source, h5ad) if h5ad.obs.n > most else []
        sample = choose_cells(h5ad.obs.n, most, columns, seed=request.seed)
        held = names_of_coordinates(h5ad)
        name = request.obsm or (_usual(held) if request.method != "pca" else None) or COUNTS
        beside = _beside(request, source, held)
        inputs = [_read(each, h5ad, source, sample, request, tell) for each in (name, beside) if each is not None]
        names = read_names(h5ad)
    first, *others = inputs
    called = f"X_{request.method}"
    renamed = [_Input(first.points, first.of, called)]
    renamed += [_Input(each.points, each.of, f"{called}_{_suffix(each.obsm, name)}") for each in others]
    return _Chosen(sample, [names[row] for row in sample.rows], tuple(renamed))


def _beside(request: EmbeddingRequest, source: Source, held: Sequence[str]) -> str | None:
    """Say what is embedded as well, to compare."""
    has_other = bool(source.strata) and OTHER_KEY in held
    if request.beside == UNINTEGRATED:
        return OTHER_KEY if has_other else COUNTS
    return request.beside or (OTHER_KEY if has_other and request.obsm is None else None)


def _in_words(name: str, source: Source) -> str:
    """Say of latents of a training with which batch key they were learned."""
    if name == OTHER_KEY and source.strata:
        return "X_scVI without batch key"
    return (
        f"X_scVI with batch key {harmless(source.strata[0])}" if name == LATENTS and source.strata else harmless(name)
    )


def _read(name: str, h5ad: H5adFile, source: Source, sample: Sample, request: EmbeddingRequest, tell: Tell) -> _Input:
    """Read an entry of obsm, or make principal components of the counts."""
    if name != COUNTS:
        points = read_coordinates(h5ad, name)[sample.rows]
        _require_numbers(points, harmless(name), h5ad.path)
        return _Input(points, _in_words(name, source), name)
    if source.columns == source.coordinates:
        made = components_of_counts(h5ad, sample.rows, seed=request.seed, tell=tell)
    else:
        with open_h5ad(source.columns) as data:
            rows = rows_in(data, h5ad)[sample.rows]
            # The matrix is read in its own order.
            order = np.argsort(rows, kind="stable")
            made = components_of_counts(data, rows[order], seed=request.seed, tell=tell)
            points = np.empty_like(made.points)
            points[order] = made.points
            made = ComponentsOfCounts(points, made.made_of)
    return _Input(made.points, made.made_of, COUNTS)


def _suffix(beside: str, name: str) -> str:
    return beside.removeprefix(name).removeprefix("X_").strip("_") or "beside"


def _usual(held: Sequence[str]) -> str | None:
    return next((name for name in USUAL_COORDINATES if name in held), None)


def _strata(request: EmbeddingRequest, source: Source, h5ad: H5adFile) -> list[Levels]:
    """Read the columns that a sample should represent."""
    if source.columns == source.coordinates:
        return _strata_of(request, source, h5ad)
    with open_h5ad(source.columns) as other:
        # A training may have left cells out; then places do not agree, and the sample is a plain one.
        return _strata_of(request, source, other) if other.obs.n == h5ad.obs.n else []


def _strata_of(request: EmbeddingRequest, source: Source, h5ad: H5adFile) -> list[Levels]:
    named = request.stratify or (
        *source.strata,
        *(column.name for column in h5ad.obs.columns if _may_be_stratum(column.content)),
    )
    read = [read_column(h5ad, name) for name in dict.fromkeys(named)]
    found = [column for column in read if isinstance(column, Levels)]
    return [column for column in found if request.stratify or 1 < len(column.names) <= MOST_LEVELS_OF_STRATA]


def _may_be_stratum(content: object) -> bool:
    return isinstance(content, Labelled) or (isinstance(content, Plain) and content.kind == "boolean")


def _require_numbers(points: Coordinates, of: str, shown: str) -> None:
    # Distances are squares, and those of larger numbers are no numbers any more.
    is_known = (np.abs(points) < LARGEST).all(axis=1)
    if not is_known.all():
        n = int(np.count_nonzero(~is_known))
        raise EmbeddingError(
            f"{of} of {shown} is missing, infinite or beyond {LARGEST:.0e} for {n:,} of {len(points):,} cells "
            f"(the first is row {int(np.flatnonzero(~is_known)[0]):,}); leave these cells out and write the file again"
        )
    if len(points) > 1 and not np.ptp(points, axis=0).any():
        raise EmbeddingError(f"{of} of {shown} is the same for all {len(points):,} cells, so there is nothing to embed")


def _target(target: Path | None, source: Source, method: Method) -> Path:
    is_run = source.coordinates != source.columns
    name = f"{method}.h5ad" if is_run else f"{source.name}.{method}.h5ad"
    if target is None:
        return ((source.folder or Path()) if is_run else Path()).absolute() / name
    return target.absolute() / name if target.is_dir() else target.absolute()


def _is_embedding(path: Path) -> bool:
    """Say whether a file is an embedding of ours, which may be made anew."""
    from mcp_server.embeddings.sources import settings_of

    if not path.is_file():
        return False
    try:
        with open_h5ad(path) as h5ad:
            return "source" in settings_of(h5ad)
    except ValueError:
        return False


def _caption(request: EmbeddingRequest, backend: str, chosen: _Chosen, embedded: _Input, kept: float | None) -> str:
    n, total = len(chosen.names), chosen.sample.n_total
    cells = f"{n:,} cells" if n == total else f"{n:,} of {total:,} cells"
    if chosen.sample.strata:
        cells += f", sampled so that each {' x '.join(chosen.sample.strata)} is represented"
    elif n < total:
        cells += ", sampled at random"
    how = {"tsne": "t-SNE of ", "umap": "UMAP of ", "pca": "Principal components of " if request.obsm else ""}
    by = f" by {PACKAGES.get(backend, backend)}" if request.method != "pca" else ""
    settings = {"tsne": f"perplexity {TsneSettings().perplexity_of(n):.3g}, ", "umap": "15 neighbours, "}
    text = f"{how[request.method]}{embedded.of}{by}: {cells}; {settings.get(request.method, '')}seed {request.seed}."
    if kept is not None:
        text += f" Of the {N_NEIGHBOURS} nearest neighbours of a cell, {kept:.0%} are among its nearest here."
    return text


def _settings(request: EmbeddingRequest, result: EmbeddingResult, source: Source, sample: Sample) -> dict[str, Any]:
    columns = source.columns if "://" in source.columns else str(Path(source.columns).absolute())
    return {
        "source": columns,
        "coordinates": source.coordinates if "://" in source.coordinates else str(Path(source.coordinates).absolute()),
        "stratified_by": list(sample.strata),
        "versions": {name: _version(name) for name in ("openTSNE", "umap-learn", "scikit-learn", "scipy", "numpy")},
        **{name: value for name, value in asdict(request).items() if name not in ("source", "roots")},
        **{name: value for name, value in asdict(result).items() if name != "path"},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
