"""The folder that a training leaves: model, latents, losses, report, and all that it was made with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edviz.card.markdown import code, fenced, prose
from edviz.h5ad.strings import harmless
from edviz.output import writing
from edviz.plain import to_plain
from mcp_server.training.curves import draw_losses
from mcp_server.training.integration import IntegrationCheck, check_integration
from mcp_server.training.plan import Plan
from mcp_server.training.record import STARTED, Started

if TYPE_CHECKING:
    from mcp_server.training.reading import Cells
    from mcp_server.training.train import Trained

MODEL, LATENT, LOSSES, PICTURE, REPORT, RECORD = (
    "model",
    "latent.h5ad",
    "losses.csv",
    "losses.png",
    "report.md",
    "training.json",
)
OBSM, OTHER_OBSM = "X_scVI", "X_scVI_other_key"
MARKS_OF_SPELLING = "\\\ufffd…"
"""In a name that may stand otherwise in the file, where it could act on a terminal."""
LATE_WEIGHT = 0.5
"""With less weight on the KL divergence at the end, the latents are hardly regularised."""
MUCH_WORSE = 0.02
"""Above the best held-out loss, at the end: more than noise."""
STEPS_TO_SETTLE = 300
"""After these, 5% are left of what batch normalisation began with: a step takes in 1% (momentum 0.01 of scvi-tools)."""
FAR_ABOVE = 1.5
"""Of the loss of training; for cells that the model merely does not know, 1.0 to 1.3 was measured on real files."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training has left.

    Attributes
    ----------
    folder
        Where all of it is.
    model
        What `SCVI.load` of scvi-tools reads.
    latent
        A small .h5ad file: names of cells, the columns of the design, and the latents in obsm["X_scVI"].
    epochs, stopped_early
        Epochs that were trained, and whether the held-out loss ended it.
    kl_weight
        Weight of the KL divergence in the last epoch.
    held_out_elbo
        Negative evidence lower bound of the cells that were held out, for each cell, at the end; lower is better.
    check
        What integration does; None if that was not asked for or cannot be said.
    """

    folder: str
    model: str
    latent: str
    report: str
    n_cells: int
    n_genes: int
    batch_key: str | None
    epochs: int
    stopped_early: bool
    kl_weight: float
    train_elbo: float
    held_out_elbo: float | None
    seconds: float
    cells_per_second: float
    device: str
    devices: int
    notices: tuple[str, ...]
    check: IntegrationCheck | None


def write_results(
    started: Started, cells: Cells, trained: Trained, other: Trained | None, place: Path, folder: Path
) -> TrainingResult:
    """Write all that a training leaves into a folder that will get another name.

    Parameters
    ----------
    other
        A second training with the other choice of batch key, or None.
    place, folder
        Where the files are written, and what that will be called.
    """
    # Lightning has kept nothing here but what is ours.
    trained.model.save(str(place / MODEL), overwrite=True)
    check = None if other is None else check_integration(started.plan, cells.data.obs, trained.latent, other.latent)
    write_latent(place / LATENT, cells, trained, other)
    draw_losses(place / PICTURE, trained.losses)
    result = _result(started, trained, check, folder)
    with writing(place / REPORT) as stream:
        stream.write("\n".join(report_lines(started, result)) + "\n")
    with writing(place / RECORD) as stream:
        json.dump({**_plain(started), "result": to_plain(result)}, stream, allow_nan=False, indent=1)
    (place / STARTED).unlink(missing_ok=True)
    return result


def write_latent(path: Path, cells: Cells, trained: Trained, other: Trained | None) -> None:
    """Write the latents with the names of the cells and the columns of the design."""
    from anndata import AnnData

    obsm = {OBSM: trained.latent} | ({} if other is None else {OTHER_OBSM: other.latent})
    part = path.with_suffix(".part")
    AnnData(obs=cells.data.obs.copy(), obsm=obsm).write_h5ad(part)
    part.replace(path)


def report_lines(started: Started, result: TrainingResult) -> Iterator[str]:
    """Say in Markdown what was trained, how it went, and how to use it."""
    plan, settings = started.plan, started.plan.settings
    yield f"# scVI on {result.n_cells:,} cells and {result.n_genes:,} genes"
    yield ""
    file, counts = code(harmless(Path(started.path).name)), code(_location(started))
    yield f"- File: {file} (SHA-256 `{started.sha256}`), counts in {counts}."
    key = code(result.batch_key) if result.batch_key else "nothing"
    yield f"- Integrated out: {key} ({prose(plan.batch_reason)})."
    yield from (f"- Lost of {code(name)}: {gone} of {of} degrees of freedom." for name, (gone, of) in plan.lost.items())
    if plan.covariates:
        yield f"- Covariates, integrated out, too: {', '.join(map(code, plan.covariates))}."
    yield from (f"- Overruled by force: {prose(problem.text)}." for problem in plan.problems if plan.forced)
    yield from (f"- {prose(notice)}." for notice in result.notices)
    yield ""
    yield "## Training"
    yield ""
    ended = "the held-out loss fell no more" if result.stopped_early else "as planned"
    lasted = f"{result.seconds:,.0f} s on {_devices(result)}"
    yield f"{result.epochs} of at most {settings.epochs} epochs ({ended}), {lasted},"
    yield f"{result.cells_per_second:,.0f} cells a second. Negative ELBO for each cell: {result.train_elbo:,.1f} in"
    held_out = "none held out" if result.held_out_elbo is None else f"{result.held_out_elbo:,.1f} held out"
    yield f"training, {held_out}. Weight of the KL divergence at the end: {result.kl_weight:.2f}."
    yield ""
    yield f"![losses]({PICTURE})"
    yield ""
    yield from (f"- {name}: {prose(str(value))}" for name, value in _settings(started))
    if result.check is not None:
        yield ""
        yield "## What integration does"
        yield ""
        yield from (f"- {prose(sentence)}" for sentence in result.check.words)
    yield ""
    yield "## Use"
    yield ""
    yield fenced("\n".join(_code(started, result)), "python")


def _devices(result: TrainingResult) -> str:
    return result.device if result.devices == 1 else f"{result.devices} × {result.device}"


def _code(started: Started, result: TrainingResult) -> Iterator[str]:
    """Yield a program that takes the latents, and the model with the cells that it was trained on."""
    lines = [*_cells_in_code(started, result)]
    yield "import anndata"
    yield from (["import numpy"] if any("numpy" in line for line in lines) else [])
    yield "import scvi"
    yield ""
    yield f"folder = {str(Path(result.folder).absolute())!r}"
    yield f'latent = anndata.read_h5ad(f"{{folder}}/{LATENT}")  # the latents are latent.obsm["{OBSM}"]'
    yield f"adata = anndata.read_h5ad({started.path!r})"
    yield from lines
    yield f'model = scvi.model.SCVI.load(f"{{folder}}/{MODEL}", adata=adata)'


def _cells_in_code(started: Started, result: TrainingResult) -> Iterator[str]:
    """Yield the lines that make of a file the cells that were trained on; by number, as names may be repeated."""
    plan, location = started.plan, _location(started)
    if location == "raw/X":
        yield "adata = adata.raw.to_adata()  # the counts are in raw"
    if plan.counts and result.n_cells < plan.counts.n_obs:
        layer = location.removeprefix("layers/")
        values = "adata.X" if layer == location else f"adata.layers[{layer!r}]"
        yield f"adata = adata[numpy.asarray({values}.sum(axis=1)).ravel() > 0].copy()  # cells with counts"
    if plan.counts and result.n_genes < plan.counts.n_vars:
        wanted = f'f"{{folder}}/{MODEL}", return_reference_var_names=True'
        yield f"genes = scvi.model.SCVI.prepare_query_anndata(None, {wanted})"
        yield "adata = adata[:, genes].copy()"
    names = [name for name in (plan.batch_key, *plan.covariates) if name]
    if any(problem.id == "missing_batches" for problem in plan.problems):
        yield f"adata.obs[{names!r}] = latent.obs[{names!r}].to_numpy()  # cells without a level have one of their own"
    elif any(mark in name for name in names for mark in MARKS_OF_SPELLING):
        yield f"adata.obs[{names!r}] = latent.obs[{names!r}].to_numpy()  # under the names that the model knows"


def _result(started: Started, trained: Trained, check: IntegrationCheck | None, folder: Path) -> TrainingResult:
    plan, last = started.plan, trained.losses[-1]
    seconds = sum(row["seconds"] for row in trained.losses)
    return TrainingResult(
        folder=str(folder),
        model=str(folder / MODEL),
        latent=str(folder / LATENT),
        report=str(folder / REPORT),
        n_cells=plan.n_cells,
        n_genes=plan.n_genes,
        batch_key=plan.batch_key,
        epochs=len(trained.losses),
        stopped_early=len(trained.losses) < plan.settings.epochs,
        kl_weight=round(last["kl_weight"], 4),
        train_elbo=round(last["elbo_train"], 3),
        held_out_elbo=round(last["elbo_validation"], 3) if "elbo_validation" in last else None,
        seconds=round(seconds, 1),
        cells_per_second=round(len(trained.losses) * plan.n_cells / max(seconds, 1e-3), 1),
        device=trained.device,
        devices=trained.devices,
        notices=(*plan.notices, *trained.notices, *_about_losses(plan, trained.losses)),
        check=check,
    )


def _about_losses(plan: Plan, losses: list[dict[str, float]]) -> Iterator[str]:
    settings = plan.settings
    steps = len(losses) * ceil(settings.train_size * plan.n_cells / settings.cells_per_step)
    yield from about_settling(losses[-1], steps)
    yield from about_end(losses)


def about_settling(last: dict[str, float], steps: int) -> Iterator[str]:
    """Say where the losses of the last epoch show that batch normalisation has not settled.

    Training normalises by the cells of a minibatch, and cells that are held out, as those of the latents, by means and
    variances over all steps, which begin at 0 and 1.

    Parameters
    ----------
    steps
        Minibatches that were trained on.
    """
    trained, held_out = last["elbo_train"], last.get("elbo_validation")
    if held_out is not None and steps < STEPS_TO_SETTLE and held_out > FAR_ABOVE * trained:
        yield (
            f"the held-out loss ({held_out:,.1f}) is far above that of training ({trained:,.1f}) after {steps:,} steps"
            f": batch normalisation has not settled, which takes about {STEPS_TO_SETTLE}, and the latents suffer, too; "
            "train with more epochs, or with smaller minibatches"
        )


def about_end(losses: list[dict[str, float]]) -> Iterator[str]:
    """Say what is to be known of the way in which a training ended."""
    n, weight = len(losses), losses[-1]["kl_weight"]
    held_out = [row.get("elbo_validation", 0.0) for row in losses]
    best = min(range(n), key=lambda epoch: held_out[epoch])
    if held_out[-1] > held_out[best] * (1 + MUCH_WORSE):
        yield (
            f"the held-out loss was lowest in epoch {best + 1} ({held_out[best]:,.1f}) and rose to "
            f"{held_out[-1]:,.1f}: the model learns these cells by heart; train again with {best + 1} epochs, "
            "or with more cells"
        )
    elif weight < LATE_WEIGHT:
        yield (
            f"the weight of the KL divergence had reached {weight:.2f} of 1 when training ended; with {n} epochs at "
            "most it grows to 1 in as many"
        )


def _settings(started: Started) -> Iterator[tuple[str, Any]]:
    plain: Any = to_plain(started.plan.settings)
    yield from plain.items()
    yield from started.environment.items()


def _location(started: Started) -> str:
    return started.plan.counts.location if started.plan.counts else ""


def _plain(started: Started) -> dict[str, Any]:
    plain: Any = to_plain(started)
    return dict(plain)
