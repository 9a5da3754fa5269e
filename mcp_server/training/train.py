"""Training itself, in the process of a job: the only place that makes models of scvi-tools."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edviz.output import require_place_of_folder
from edviz.plain import from_plain, to_plain
from mcp_server.training.accelerators import as_torch_finds_it
from mcp_server.training.errors import TrainingError
from mcp_server.training.hardware import look_at_hardware
from mcp_server.training.lock import only_trainer, require_idle
from mcp_server.training.plan import Plan, plan_training
from mcp_server.training.ranks import ALONE, Rank
from mcp_server.training.record import Started, environment, hash_of, read_started, write_started
from mcp_server.training.resuming import RUN, take_over, unfinished
from mcp_server.training.settings import TrainingRequest, TrainingSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mcp_server.training.devices import Learned
    from mcp_server.training.fast.from_disk import CountsOnDisk
    from mcp_server.training.reading import Cells
    from mcp_server.training.results import TrainingResult

Report = Callable[[float, str], None]

COMPARISON = "comparison"
LATENT_BATCH_SIZE = 512
SHARE_OF_TRAINING = 0.9
"""Of the whole; the rest is for latents and files."""
SHARE_WITH_CHECK = 0.45


@dataclass(frozen=True)
class Trained:
    """A model that was trained, and what can be said of it.

    Attributes
    ----------
    latent
        Means of the latent representation, shape (n_cells, n_latent).
    losses
        One entry an epoch.
    device, devices
        What trained it, and how many of them.
    notices
        What a person should know of the way in which it was trained.
    """

    model: Any
    latent: NDArray[np.float32]
    losses: list[dict[str, float]]
    device: str
    devices: int
    notices: tuple[str, ...]
    seconds: float


def work(request: Mapping[str, Any], report: Any) -> dict[str, Any]:
    """Train as a job; what the job is resumed from is copied first.

    Raises
    ------
    TrainingError
        If the file or the request does not allow it.
    """
    folder = report.folder / RUN
    if request.get("resume"):
        take_over(Path(request["resume"]), folder)
        result = resume(folder, report)
    else:
        result = train(request["path"], from_plain(TrainingRequest, request["settings"]), folder, report)
    plain: Any = to_plain(result)
    return dict(plain)


def train(path: str | Path, request: TrainingRequest, folder: Path, report: Report) -> TrainingResult:
    """Train scVI on a file, and write model, latents, losses and report into a folder.

    Parameters
    ----------
    path
        An .h5ad file on this machine; it is only read.
    folder
        Is made; while the training goes on it is called `<folder>.unfinished`.
    report
        Is told a share from 0 to 1 and what is being done.

    Raises
    ------
    TrainingError
        If the folder is there, another process trains into it, or the file or the request does not allow it; the text
        names the remedy.
    OutputError
        If the folder cannot be made.
    """
    require_place_of_folder(folder)
    require_idle(folder)
    require_free(folder)
    require_scvi()
    report(0.0, "planning")
    plan = _planned(path, request)
    require_no_problem(plan)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_trainer(folder):
        # Another training may have come and gone since.
        require_free(folder)
        report(0.0, "hashing the file")
        started = Started(str(Path(path).resolve()), hash_of(path), request, plan, environment())
        unfinished(folder).mkdir()
        write_started(unfinished(folder), started)
        return _carry_out(started, folder, report)


def _planned(path: str | Path, request: TrainingRequest) -> Plan:
    """Plan with the device that torch can use: settings for another one would be wrong."""
    seen = look_at_hardware()
    _prepare_torch(request.threads or seen.threads)
    hardware = as_torch_finds_it(seen, request.accelerator)
    plan = plan_training(path, request, hardware=hardware)
    if request.accelerator == "auto" and hardware.accelerator != seen.accelerator:
        notice = f"torch finds no {seen.accelerator} device here; the processor trains, with settings for it"
        return replace(plan, notices=(*plan.notices, notice))
    return plan


def _prepare_torch(threads: int) -> None:
    """Set what torch asks for when it is loaded."""
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))


def resume(folder: Path, report: Report) -> TrainingResult:
    """Go on with a training that was ended in the middle, to the result that it would have had.

    Parameters
    ----------
    folder
        The one that the training was to make.

    Raises
    ------
    TrainingError
        If nothing was begun there, another process goes on with it, or the file has changed since.
    """
    require_scvi()
    with only_trainer(folder):
        require_free(folder, resuming=True)
        started = read_started(unfinished(folder))
        report(0.0, "hashing the file")
        if hash_of(started.path) != started.sha256:
            raise TrainingError(f"{started.path} has changed since the training was begun; train anew")
        return _carry_out(started, folder, report)


def require_free(folder: Path, *, resuming: bool = False) -> None:
    """Refuse a folder that is there, or one whose training was begun.

    Raises
    ------
    TrainingError
        If so.
    """
    if folder.exists():
        raise TrainingError(f"{folder} is there already; name another output")
    if unfinished(folder).exists() and not resuming:
        remedy = f"go on with it (resume {folder}), remove it, or name another output"
        raise TrainingError(f"a training for {folder} was begun and not ended; {remedy}")


def require_scvi() -> None:
    """Refuse to train without scvi-tools.

    Raises
    ------
    TrainingError
        If it is missing.
    """
    from importlib.util import find_spec

    if find_spec("scvi") is None:
        raise TrainingError("training needs scvi-tools: pip install 'anndata-design-inspector[training]'")


def require_no_problem(plan: Plan) -> None:
    """Refuse a plan with problems.

    Raises
    ------
    TrainingError
        If there are some that are not overruled.
    """
    if not plan.can_train:
        lines = [f"{problem.text}; {problem.remedy}" for problem in plan.problems]
        forced = all(problem.can_be_forced for problem in plan.problems)
        nevertheless = " (force trains nevertheless)" if forced else ""
        raise TrainingError(f"{plan.path} is not trained on: {'. '.join(lines)}{nevertheless}")


def _carry_out(started: Started, folder: Path, report: Report) -> TrainingResult:
    from mcp_server.training.results import write_results

    place, plan = unfinished(folder), started.plan
    _prepare_torch(plan.settings.threads)
    report(0.0, "reading the counts")
    cells = cells_of(started)
    share = SHARE_WITH_CHECK if plan.check else SHARE_OF_TRAINING
    trained = fit(started, cells, place, _part(report, 0.0, share))
    other = None
    if plan.check:
        other = _fit_other(started, cells, place / COMPARISON, _part(report, share, share))
    report(SHARE_OF_TRAINING, "latents, losses and report")
    result = write_results(started, cells, trained, other, place, folder)
    _put_away(place)
    place.rename(folder)
    return result


def cells_of(started: Started) -> Cells:
    """Read the cells of a training.

    Raises
    ------
    TrainingError
        If its plan has no counts.
    H5adError
        If the file cannot be read.
    """
    from mcp_server.training.reading import fill_missing, read_cells, read_cells_on_disk

    plan = started.plan
    if plan.counts is None:
        raise TrainingError(f"{plan.path} has no counts")
    other = comparison_key(plan)
    integrated = [name for name in (plan.batch_key, other, *plan.covariates) if name]
    columns = dict.fromkeys([*integrated, *plan.conditions, *([plan.label] if plan.label else [])])
    read = read_cells_on_disk if plan.from_disk else read_cells
    cells = read(started.path, plan.counts.location, list(columns))
    fill_missing(cells.data.obs, integrated)
    return cells


def comparison_key(plan: Plan) -> str | None:
    """Return the batch key of the second training: none if the first has one, else what could be one."""
    return None if plan.batch_key or not plan.check else plan.alternative


def fit(started: Started, cells: Cells, folder: Path, report: Report) -> Trained:
    """Train a model, or go on with one of which the folder holds a checkpoint.

    Raises
    ------
    TrainingError
        If the losses are no numbers any more, or a process of several devices was ended.
    """
    report(0.0, "starting")
    import torch

    from mcp_server.training.devices import learn_together, usable_devices

    settings = started.plan.settings
    torch.set_num_threads(settings.threads)
    devices = usable_devices(settings.accelerator, settings.devices)
    folder.mkdir(exist_ok=True)
    if devices.n > 1:
        learned = learn_together(started, devices, folder, report)
        model = _take_model(cells, folder, devices.kind)
    else:
        model = new_model(cells, started.plan)
        learned = learn(model, started, devices.kind, folder, report, on_disk=cells.on_disk)
    # At once, because a second model of the same cells changes what the first knows of them.
    latent = _latent(model, started.request.fast, cells.on_disk)
    notices = (*devices.notices, *learned.notices)
    return Trained(model, latent, learned.losses, devices.kind, devices.n, notices, learned.seconds)


def new_model(cells: Cells, plan: Plan) -> Any:
    """Make the model of a plan."""
    from scvi import settings as scvi_settings
    from scvi.model import SCVI

    from mcp_server.training.reading import sharing_counts

    settings = plan.settings
    # Of all libraries: the first weights of the model are random.
    scvi_settings.seed = settings.seed
    covariates = list(plan.covariates) or None
    data = sharing_counts(cells.data)
    SCVI.setup_anndata(data, layer=cells.layer, batch_key=plan.batch_key, categorical_covariate_keys=covariates)
    return SCVI(
        data,
        n_latent=settings.n_latent,
        n_hidden=settings.n_hidden,
        n_layers=settings.n_layers,
        gene_likelihood=settings.gene_likelihood,
    )


def _take_model(cells: Cells, folder: Path, device: str) -> Any:
    """Load the model that several processes have trained."""
    from scvi.model import SCVI

    from mcp_server.training.devices import TOGETHER
    from mcp_server.training.reading import sharing_counts
    from mcp_server.training.results import MODEL

    return SCVI.load(str(folder / TOGETHER / MODEL), adata=sharing_counts(cells.data), accelerator=device)


def learn(
    model: Any,
    started: Started,
    device: str,
    folder: Path,
    report: Report,
    rank: Rank = ALONE,
    on_disk: CountsOnDisk | None = None,
) -> Learned:
    """Train a model in this process, alone or with the others of its kind.

    Parameters
    ----------
    rank
        Which of the processes that train together; by default, it trains alone.
    on_disk
        Where the counts are, if the model holds none.

    Raises
    ------
    TrainingError
        If the losses are no numbers any more.
    """
    import torch
    from lightning.pytorch.callbacks import EarlyStopping

    from mcp_server.training.devices import Learned
    from mcp_server.training.fast.speed_up import speed_up
    from mcp_server.training.following import Counting, Following, Reseeding

    settings = started.plan.settings
    torch.set_num_threads(max(settings.threads // rank.of, 1))
    following, counting = Following(folder, report, started.request.checkpoint_seconds), Counting()
    began = time.monotonic()
    report(0.0, "the first epoch")
    # Not that of scvi-tools, which counts epochs that no checkpoint remembers.
    stopping = EarlyStopping("elbo_validation", patience=settings.patience, min_delta=0.0)
    callbacks = [Reseeding(settings.seed), stopping, following, counting]
    _set_classes(model, settings.seed, rank)
    notices: tuple[str, ...] = ()
    if started.request.fast:
        notices = speed_up(model, device=device, devices=rank.of, on_disk=on_disk, seed=settings.seed).notices
    _run(model, settings, device, callbacks, folder, rank)
    _require_numbers(following.rows)
    return Learned(following.rows, notices, time.monotonic() - began, counting.n_cells)


def _latent(model: Any, fast: bool, on_disk: CountsOnDisk | None) -> NDArray[np.float32]:
    from mcp_server.training.fast.embedding import latent_representation

    if fast:
        return latent_representation(model, on_disk=on_disk)
    latent: NDArray[np.float32] = model.get_latent_representation(batch_size=LATENT_BATCH_SIZE)
    return latent


def _set_classes(model: Any, seed: int, rank: Rank) -> None:
    """Let a model be trained in the order that the seed tells, and without running what a checkpoint holds."""
    from mcp_server.training.running import CarefulRunner
    from mcp_server.training.splitting import splitter_for

    model._data_splitter_cls = splitter_for(seed, rank)
    model._train_runner_cls = CarefulRunner


def _run(
    model: Any,
    settings: TrainingSettings,
    device: str,
    callbacks: list[Any],
    folder: Path,
    rank: Rank,
) -> None:
    from lightning.pytorch.plugins.environments import LightningEnvironment

    checkpoint = folder / "checkpoint.ckpt"
    try:
        model.train(
            max_epochs=settings.epochs,
            accelerator=device,
            devices=rank.of,
            train_size=settings.train_size,
            batch_size=settings.batch_size,
            plan_kwargs={"lr": settings.learning_rate, "n_epochs_kl_warmup": settings.kl_warmup_epochs},
            early_stopping=False,
            check_val_every_n_epoch=1,
            enable_progress_bar=False,
            callbacks=callbacks,
            ckpt_path=str(checkpoint) if checkpoint.exists() else None,
            # One task of a cluster trains, whatever the cluster calls it.
            plugins=[LightningEnvironment()],
            default_root_dir=str(folder),
            **_together(folder, rank),
        )
    except ValueError as error:
        if "nan" in str(error).lower():
            raise TrainingError(_DIVERGED) from error
        raise


def _together(folder: Path, rank: Rank) -> dict[str, Any]:
    """Return what Lightning has to know of a process that trains with others."""
    from mcp_server.training.devices import TOGETHER

    if rank.of == 1:
        return {}
    return {
        # Not all parameters of a model of scvi-tools are part of its loss.
        "strategy": "ddp_find_unused_parameters_true",
        # Our splitter has given each process its cells.
        "use_distributed_sampler": False,
        "log_save_dir": str(folder / TOGETHER),
    }


_DIVERGED = (
    "the training broke down: values became infinite or no numbers; look at the file for damaged cells, or train with "
    "another seed"
)


def _require_numbers(rows: list[dict[str, float]]) -> None:
    import math

    if not rows or not all(math.isfinite(value) for value in rows[-1].values()):
        raise TrainingError(_DIVERGED)


def _fit_other(started: Started, cells: Cells, folder: Path, report: Report) -> Trained | None:
    plan = started.plan
    key = comparison_key(plan)
    if plan.batch_key is None and key is None:
        return None
    other = replace(plan, batch_key=key, covariates=())
    return fit(replace(started, plan=other), cells, folder, report)


def _put_away(place: Path) -> None:
    """Remove what only a resumption, or processes among themselves, would need."""
    from mcp_server.training.devices import TOGETHER

    for name in (COMPARISON, TOGETHER):
        shutil.rmtree(place / name, ignore_errors=True)
    with suppress(FileNotFoundError):
        (place / "checkpoint.ckpt").unlink()


def _part(report: Report, start: float, share: float) -> Report:
    return lambda fraction, message: report(start + share * fraction, message)
