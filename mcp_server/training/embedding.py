"""New cells in the latent space of a model that was trained: genes are put in order by name, and nothing is trained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edviz.contents import CountsScan
from edviz.h5ad.strings import harmless
from edviz.supervised import start_reading
from mcp_server.training.errors import TrainingError
from mcp_server.training.plan import location_of_layer, require_plain_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anndata import AnnData
    from pandas import DataFrame

LEAST_OVERLAP = 0.8
"""Share of the genes of a model that new cells must have; the others are taken as not seen."""
NAMED = 10
KEPT = ("categorical", "boolean", "integer", "float", "string")
"""Kinds of columns of obs that go along with the cells, so that a plot of the latents can be coloured by them."""


@dataclass(frozen=True)
class EmbeddedCells:
    """New cells in the latent space of a model.

    Attributes
    ----------
    output
        A small .h5ad file with names of cells and the latents in obsm["X_scVI"].
    n_missing, missing
        Genes of the model that the file lacks, taken as not seen, and the first of them.
    n_unknown
        Genes of the file that the model does not know, and that are left out.
    overlap
        Share of the genes of the model that the file has.
    reordered
        Whether the genes stood in another order.
    """

    output: str
    n_cells: int
    n_latent: int
    n_missing: int
    missing: tuple[str, ...]
    n_unknown: int
    overlap: float
    reordered: bool
    notices: tuple[str, ...]


def embed_cells(
    model: Path, path: str | Path, output: Path, *, layer: str | None = None, report: Callable[[float, str], None]
) -> EmbeddedCells:
    """Put the cells of a file into the latent space of a model.

    Parameters
    ----------
    model
        The folder of a training, or the one that scvi-tools saved. A saved model is a program: only one that is trusted
        may be given.
    path
        An .h5ad file with raw counts; it is only read.
    output
        The file to write.
    layer
        `X`, `raw/X` or the name of a layer; by default the matrix that holds counts.

    Raises
    ------
    TrainingError
        If there is no model, the file holds no counts, or too few of the genes.
    OutputError
        If the output would replace a file of data.
    """
    from edviz.output import refuse_to_replace, require_place

    require_place(output, ".h5ad")
    refuse_to_replace(output, str(path))
    place = model_folder(model)
    scan, columns = _counts(path, layer)
    report(0.1, "reading the counts")
    from mcp_server.training.reading import read_cells

    saved = read_model(place)
    genes = saved.genes
    cells = read_cells(path, scan.location, columns)
    found = match_genes(genes, list(cells.data.var_names))
    _require_overlap(found, genes, place)
    report(0.3, "loading the model")
    new, notices = _as_trained(cells.data, cells.layer, found, genes, saved.registry)
    loaded = _loaded(place, new)
    if loaded.module.encode_covariates:
        raise TrainingError(f"the encoder of {place} looks at batches, so it needs scArches: SCVI.load_query_data")
    report(0.5, "embedding")
    latent = loaded.get_latent_representation(batch_size=512)
    n_missing = int((found < 0).sum())
    made = {
        "model": str(place),
        "source": str(path),
        "counts": scan.location,
        "n_genes_missing": n_missing,
    }
    _write(output, cells.data.obs, latent, made)
    named = tuple(gene for gene, place in zip(genes, found.tolist(), strict=True) if place < 0)[:NAMED]
    return EmbeddedCells(
        output=str(output),
        n_cells=new.n_obs,
        n_latent=latent.shape[1],
        n_missing=n_missing,
        missing=named,
        n_unknown=cells.data.n_vars - (len(genes) - n_missing),
        overlap=round(1 - n_missing / len(genes), 4),
        reordered=bool((np.diff(found[found >= 0]) < 0).any()),
        notices=(*_about_left_out(scan), *notices),
    )


def model_folder(folder: Path) -> Path:
    """Return the folder of the model itself.

    Raises
    ------
    TrainingError
        If there is none.
    """
    for place in (folder / "model", folder):
        if (place / "model.pt").is_file():
            return place
    raise TrainingError(f"{folder} holds no model: it has no model.pt; give the folder of a training")


@dataclass(frozen=True)
class SavedModel:
    """What a saved model says of itself: its genes in order, and how its data were set up."""

    genes: list[str]
    registry: dict[str, Any]


def read_model(place: Path) -> SavedModel:
    """Read the genes and the registry of a model that scvi-tools saved.

    Raises
    ------
    TrainingError
        If the file is damaged, or is that of another program.
    """
    from scvi.model import SCVI

    try:
        genes = SCVI.prepare_query_anndata(None, str(place), return_reference_var_names=True)
        return SavedModel([str(name) for name in genes], SCVI.load_registry(str(place)))
    except Exception as error:  # whatever a damaged file makes torch and scvi-tools do
        raise _damaged(place, error) from error


def _loaded(place: Path, new: AnnData) -> Any:
    """Load a model with cells that are arranged as it knows cells."""
    from scvi.model import SCVI

    try:
        return SCVI.load(str(place), adata=new, accelerator="cpu")
    except Exception as error:  # as above
        raise _damaged(place, error) from error


def _damaged(place: Path, error: Exception) -> TrainingError:
    first = (str(error).splitlines() or [""])[0]
    return TrainingError(
        f"{place / 'model.pt'} is damaged or was not saved by scvi.model.SCVI "
        f"({type(error).__name__}: {harmless(first, longest=200)}); train again, or copy the whole folder again"
    )


def match_genes(wanted: Sequence[str], present: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Find genes by name: of each that is wanted the place where it stands, or -1.

    Raises
    ------
    TrainingError
        If a gene that is wanted is there several times.
    """
    places: dict[str, int] = {}
    repeated = set()
    for place, name in enumerate(present):
        if name in places:
            repeated.add(name)
        places[name] = place
    if ambiguous := sorted(repeated.intersection(wanted)):
        raise TrainingError(
            f"several genes of the file share a name that the model needs, such as {harmless(ambiguous[0])} "
            f"({len(ambiguous):,} in all); sum them, or name them apart"
        )
    return np.array([places.get(name, -1) for name in wanted], dtype=np.int64)


def _require_overlap(found: np.ndarray[Any, np.dtype[np.int64]], genes: Sequence[str], place: Path) -> None:
    overlap = float((found >= 0).mean())
    if overlap < LEAST_OVERLAP:
        absent = next(gene for gene, at in zip(genes, found.tolist(), strict=True) if at < 0)
        raise TrainingError(
            f"the file has {overlap:.0%} of the {len(genes):,} genes of the model in {place}, and "
            f"{LEAST_OVERLAP:.0%} are needed; it lacks {absent}, for instance: are its names of the same kind?"
        )


def _counts(path: str | Path, layer: str | None) -> tuple[CountsScan, list[str]]:
    """Find the counts, look at all of them, and list the columns of obs that go along with the cells."""
    require_plain_file(path)
    with start_reading(path, summary=True) as reading:
        summary = reading.summary()
        if not summary.n_obs:
            raise TrainingError(f"{path} has no cells")
        columns = [column.name for column in summary.obs if column.kind in KEPT]
        location = summary.counts.location if layer is None else location_of_layer(layer, summary)
        if location is None:
            raise TrainingError(f"{path} has no matrix of raw counts, and other values cannot be embedded")
        scan = reading.scan(location)
    if not scan.are_counts:
        raise TrainingError(f"{scan.location} of {path} does not hold counts alone; name the layer that does")
    return scan, columns


def _as_trained(
    data: AnnData,
    layer: str | None,
    found: np.ndarray[Any, np.dtype[np.int64]],
    genes: Sequence[str],
    registry: dict[str, Any],
) -> tuple[AnnData, list[str]]:
    """Arrange new cells as the model knows cells: its genes in its order, and columns that it asks for."""
    import pandas
    from anndata import AnnData
    from scipy import sparse

    counts = data.X if layer is None else data.layers[layer]
    n_known = int((found >= 0).sum())
    # One matrix product picks, orders and pads.
    places = (np.ones(n_known, dtype=np.float32), (found[found >= 0], np.flatnonzero(found >= 0)))
    ordered = (counts @ sparse.csr_matrix(places, shape=(data.n_vars, len(genes)))).tocsr()
    setup = registry["setup_args"]
    obs, notices = data.obs[[]].copy(), []
    for field in registry["field_registries"].values():
        state = field["state_registry"]
        name = state.get("original_key")
        if name and len(state.get("categorical_mapping", ())) > 1:
            obs[name] = pandas.Categorical([state["categorical_mapping"][0]] * len(obs))
            notices.append(
                f"the encoder does not look at {name}, so cells of any level, known or not, are embedded alike"
            )
    for name, levels in _covariates(registry):
        obs[name] = pandas.Categorical([levels[0]] * len(obs))
    kept = setup.get("layer")
    held: dict[str, Any] = {"X": ordered} if kept is None else {"layers": {kept: ordered}}
    return AnnData(obs=obs, var=pandas.DataFrame(index=list(genes)), **held), notices


def _covariates(registry: dict[str, Any]) -> list[tuple[str, Sequence[Any]]]:
    state = registry["field_registries"].get("extra_categorical_covs", {}).get("state_registry", {})
    return list(state.get("mappings", {}).items())


def _about_left_out(scan: CountsScan) -> list[str]:
    if not scan.n_empty:
        return []
    n = "1 cell has" if scan.n_empty == 1 else f"{scan.n_empty:,} cells have"
    return [f"{n} no counts, and {'is' if scan.n_empty == 1 else 'are'} left out"]


def _write(
    output: Path, obs: DataFrame, latent: np.ndarray[Any, np.dtype[np.float32]], made: dict[str, object]
) -> None:
    """Write the latents with the columns of the cells, and say of what they were made."""
    from anndata import AnnData

    from edviz.output import replacing

    with replacing(output) as part:
        AnnData(obs=obs, obsm={"X_scVI": latent}, uns={"embedded_cells": json.dumps(made)}).write_h5ad(part)
