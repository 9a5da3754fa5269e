"""New cells in the latent space of a model that was trained: genes are put in order by name, and nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edviz.contents import CountsScan
from edviz.supervised import start_reading
from mcp_server.training.errors import TrainingError
from mcp_server.training.plan import location_of_layer, require_plain_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anndata import AnnData

LEAST_OVERLAP = 0.8
"""Share of the genes of a model that new cells must have; the others are taken as not seen."""
NAMED = 10


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
    from edviz.output import refuse_to_replace
    from mcp_server.training.reading import read_cells

    refuse_to_replace(output, str(path))
    place = model_folder(model)
    scan = _counts(path, layer)
    report(0.1, "reading the counts")
    cells = read_cells(path, scan.location)
    from scvi.model import SCVI

    genes = [str(name) for name in SCVI.prepare_query_anndata(None, str(place), return_reference_var_names=True)]
    found = match_genes(genes, list(cells.data.var_names))
    _require_overlap(found, genes, place)
    report(0.3, "loading the model")
    new, notices = _as_trained(cells.data, cells.layer, found, genes, SCVI.load_registry(str(place)))
    loaded = SCVI.load(str(place), adata=new, accelerator="cpu")
    if loaded.module.encode_covariates:
        raise TrainingError(f"the encoder of {place} looks at batches, so it needs scArches: SCVI.load_query_data")
    report(0.5, "embedding")
    latent = loaded.get_latent_representation(batch_size=512)
    _write(output, cells.data, latent)
    n_missing = int((found < 0).sum())
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
            f"{len(ambiguous)} genes of the model stand for several genes of the file, such as {ambiguous[0]}; "
            "sum them, or name them apart"
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


def _counts(path: str | Path, layer: str | None) -> CountsScan:
    require_plain_file(path)
    with start_reading(path, summary=True) as reading:
        summary = reading.summary()
        location = summary.counts.location if layer is None else location_of_layer(layer, summary)
        if location is None:
            raise TrainingError(f"{path} has no matrix of raw counts, and other values cannot be embedded")
        scan = reading.scan(location)
    if not scan.are_counts:
        raise TrainingError(f"{scan.location} of {path} does not hold counts alone; name the layer that does")
    return scan


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
    return [f"{scan.n_empty:,} cells have no counts and are left out"] if scan.n_empty else []


def _write(output: Path, data: AnnData, latent: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    from anndata import AnnData

    part = output.with_name(f".{output.name}.part")
    try:
        AnnData(obs=data.obs[[]].copy(), obsm={"X_scVI": latent}).write_h5ad(part)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
