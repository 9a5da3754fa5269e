"""What a training would do with a file, said before it is begun: counts, batch key, settings, memory and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edviz.contents import CountsScan, FeatureKind, H5adSummary
from edviz.remote.gunzip import SIGNATURE
from edviz.supervised import start_reading
from mcp_server.training.disk import counts_in_memory, reads_from_disk
from mcp_server.training.errors import TrainingError
from mcp_server.training.estimates import Estimate, estimate
from mcp_server.training.fast.pools import BLOCKS_IN_POOL, ROWS_IN_BLOCK
from mcp_server.training.hardware import Hardware, look_at_hardware
from mcp_server.training.keys import (
    CovariateOption,
    KeyChoice,
    advice_on,
    alternative_key,
    choose_batch_key,
    conditions_of,
    covariate_options,
)
from mcp_server.training.problems import MOST_DAMAGED, Case, Problem, is_damaged, is_no_gene, problems_of
from mcp_server.training.settings import AUTO, NONE, TrainingRequest, TrainingSettings, settings_for

if TYPE_CHECKING:
    from edviz.infer import Inference
    from edviz.supervised.reading import Reading
    from edviz.table import FactorListing

LARGEST_EXACT = 2**24
"""Up to which floats of 4 bytes hold every whole number (IEEE 754)."""
_READ_FROM_DISK = (
    "the counts are read from the file in every epoch and not held in memory; cells are shuffled within pools of "
    f"{BLOCKS_IN_POOL * ROWS_IN_BLOCK:,}"
)
MOST_SECONDS_TO_CHECK = 600
"""A second training is made unasked only if it takes no longer."""


@dataclass(frozen=True)
class Plan:
    """What a training would do with a file.

    Attributes
    ----------
    can_train
        Whether there is no problem, or force overrules those that there are.
    problems
        What speaks against it.
    notices
        What a person should know of it.
    counts
        The matrix that is trained on, and what all its values say; None if no matrix holds counts.
    n_cells, n_genes
        What is trained on: cells without a count, and features that are no genes, are left out.
    batch_key, batch_reason
        The column that is integrated out, and why it is this one, or why there is none.
    lost
        Of each condition the degrees of freedom that go with it, of those it has.
    covariates
        What is integrated out beside it.
    covariate_options
        What else could be, without loss.
    conditions, label
        The conditions of the experiment, and the column that classifies the cells.
    alternative
        What a second training would integrate out, where the first has no batch key.
    from_disk
        Whether counts are read from the file in every epoch, because memory does not hold them.
    check
        Whether a second training, with the other choice of batch key, is to say what integration does.
    """

    path: str
    can_train: bool
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    counts: CountsScan | None
    n_cells: int
    n_genes: int
    batch_key: str | None
    batch_reason: str
    lost: dict[str, tuple[int, int]]
    covariates: tuple[str, ...]
    covariate_options: tuple[CovariateOption, ...]
    conditions: tuple[str, ...]
    label: str | None
    alternative: str | None
    settings: TrainingSettings
    estimate: Estimate
    check: bool
    forced: bool
    from_disk: bool = False


def plan_training(
    path: str | Path,
    request: TrainingRequest | None = None,
    *,
    hardware: Hardware | None = None,
    trusted: bool = False,
) -> Plan:
    """Say what a training would do with a file; nothing is written, and scvi-tools is not needed.

    Parameters
    ----------
    path
        A file on this machine; it is only read, and all values of one matrix are looked at.
    request
        What is asked for; by default, everything is chosen.
    hardware
        The machine that trains, by default this one as it is now.
    trusted
        Read the file in this process and without limits.

    Raises
    ------
    TrainingError
        If the file is on another machine, or compressed.
    H5adError
        If it is no .h5ad file, cannot be read, or has no such layer.
    DesignError
        If it has no such column.
    """
    request = request or TrainingRequest()
    require_plain_file(path)
    asked = [name for name in (request.batch_key, *request.covariates) if name not in (AUTO, NONE)]
    with start_reading(path, factors=True, summary=True, also=asked, trusted=trusted) as reading:
        from edviz.infer import infer_design  # while the file is being read

        table = reading.factors()
        inference = infer_design(table)
        summary = reading.summary()
        scan = _scan(reading, summary, request.layer)
        return _plan(request, summary, scan, table.listing, inference, hardware or look_at_hardware())


def require_plain_file(path: str | Path) -> None:
    """Refuse what can be looked at, but not be trained on as it is.

    Raises
    ------
    TrainingError
        If the file is on another machine, or compressed by gzip.
    """
    if "://" in str(path):
        raise TrainingError("training reads the counts again and again: download the file first, then name it here")
    if Path(path).is_file() and _first_bytes(Path(path)) == SIGNATURE:
        raise TrainingError(f"{path} is compressed, and training reads it again and again: unpack it first (gunzip -k)")


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE))
    except OSError:
        return b""


def _scan(reading: Reading, summary: H5adSummary, layer: str | None) -> CountsScan | None:
    if layer is not None:
        return reading.scan(location_of_layer(layer, summary))
    if summary.counts.location is not None:
        return reading.scan(summary.counts.location)
    # A sample that met a damaged cell says "not counts" of what is counts elsewhere.
    scans = (reading.scan(each.location) for each in summary.counts.checked if 0 < each.share_at_fault <= MOST_DAMAGED)
    return next(filter(is_damaged, scans), None)


def location_of_layer(layer: str, summary: H5adSummary) -> str:
    """Say where a layer is; X and raw are none, but may be named as if they were, where no layer is called raw."""
    if layer in ("X", "raw/X") or layer.startswith("layers/"):
        return layer
    is_layer = any(layer == each.name for each in summary.layers)
    return "raw/X" if layer == "raw" and not is_layer else f"layers/{layer}"


def _plan(
    request: TrainingRequest,
    summary: H5adSummary,
    scan: CountsScan | None,
    listing: FactorListing,
    inference: Inference,
    hardware: Hardware,
) -> Plan:
    n_cells = listing.n_obs if scan is None else scan.n_obs - scan.n_empty
    n_genes = _n_genes(summary, scan)
    key = choose_batch_key(request.batch_key, inference, listing, n_cells)
    integrated = (*([key.batch_key] if key.batch_key else []), *request.covariates)
    settings = settings_for(request, n_cells, hardware)
    from_disk = reads_from_disk(request, scan, hardware)
    n_counts = counts_in_memory(scan, from_disk)
    needed = estimate(settings, hardware, n_cells=n_cells, n_genes=n_genes, n_counts=n_counts, fast=request.fast)
    advice = {name: advice_on(name, inference) for name in integrated}
    case = Case(summary.counts, scan, listing, inference, integrated, advice, n_cells, needed, settings.devices)
    problems = problems_of(case)
    # A part of a composite column is a factor of the design, and no column of the file.
    known = {column.name for column in listing.columns}
    alternative = alternative_key(inference, listing, n_cells)
    can_train = all(problem.can_be_forced and request.force for problem in problems)
    notices = [*(_about_counts(scan) if scan else ()), *_about_keys(key, case)]
    if can_train:
        notices += [*_about_machine(request, hardware), *_about_devices(request, settings)]
        if from_disk:
            notices.append(_READ_FROM_DISK)
    if request.check and key.batch_key is None and alternative is None:
        notices.append("no column could be integrated out by a second training, so integration is not checked")
    return Plan(
        path=summary.path,
        can_train=can_train,
        problems=problems,
        notices=tuple(notices),
        counts=scan,
        n_cells=n_cells,
        n_genes=n_genes,
        batch_key=key.batch_key,
        batch_reason=key.reason,
        lost=key.lost,
        covariates=request.covariates,
        covariate_options=covariate_options(integrated, inference, listing, n_cells),
        conditions=tuple(name for name in conditions_of(inference) if name in known),
        label=inference.roles.label if inference.roles.label in known else None,
        alternative=alternative,
        settings=settings,
        estimate=needed,
        check=_is_checked(request, key, alternative, needed),
        forced=can_train and bool(problems),
        from_disk=from_disk,
    )


def _n_genes(summary: H5adSummary, scan: CountsScan | None) -> int:
    if scan is None:
        return summary.n_vars or 0
    return scan.n_vars - sum(each.n for each in _other_features(scan))


def _other_features(scan: CountsScan) -> list[FeatureKind]:
    return [each for each in scan.features if is_no_gene(each.name)]


def _is_checked(request: TrainingRequest, key: KeyChoice, alternative: str | None, needed: Estimate) -> bool:
    if key.batch_key is None and alternative is None:
        return False
    if request.check is not None:
        return request.check
    is_short = needed.seconds is not None and needed.seconds <= MOST_SECONDS_TO_CHECK
    return key.batch_key is not None and is_short


def _about_counts(scan: CountsScan) -> Iterator[str]:
    """Say what is to be known of a matrix that can be trained on."""
    if scan.n_empty:
        yield f"{scan.n_empty:,} of {scan.n_obs:,} cells have no counts and are left out"
    if scan.n_namesakes:
        yield (
            f"{scan.n_namesakes:,} of {scan.n_obs:,} cells have a name that another cell has, too; cells are told "
            "apart by their number, and the latents have the names and the order of the file"
        )
    if others := _other_features(scan):
        named = ", ".join(f"{each.n:,} {each.name}" for each in others)
        yield f"{named} are no genes and are left out"
    if scan.largest > LARGEST_EXACT:
        yield (
            f"the largest count is {scan.largest:,.0f}; scVI computes with floats of 4 bytes, which hold every whole "
            f"number up to {LARGEST_EXACT:,} only, so larger ones are rounded"
        )
    if scan.encoding == "csc_matrix":
        yield f"{scan.location} is stored by columns (CSC); it is turned into rows once, in memory"


def _about_keys(key: KeyChoice, case: Case) -> Iterator[str]:
    """Say what is to be known of the columns that are integrated out, and of those that are not."""
    for name, advice in case.advice.items():
        if advice is not None and advice.verdict in ("with care", "partly"):
            yield f"{name} is integrated out with care: {advice.reason}"
    yield from _untold_conditions(key, case)


def _about_machine(request: TrainingRequest, hardware: Hardware) -> Iterator[str]:
    """Say how the machine is not as one would like it."""
    if request.accelerator not in ("auto", "cpu", hardware.accelerator):
        yield f"there seems to be no {request.accelerator} device here; the processor trains, with settings for it"
    if request.threads is None and hardware.n_free < hardware.cores:
        used = "1 thread is" if hardware.threads == 1 else f"{hardware.threads} threads are"
        yield f"{hardware.n_free} of {hardware.cores} processors are free, so {used} used"


def _about_devices(request: TrainingRequest, settings: TrainingSettings) -> Iterator[str]:
    """Say what several devices do together, and if there are fewer than asked for."""
    n = settings.devices
    if n < request.devices and request.accelerator in ("auto", settings.accelerator):
        yield f"{n} of {request.devices} {settings.accelerator} devices can be seen here; no more train"
    if n > 1:
        yield (
            f"{n} devices train together, each on its part of the cells: a step takes {n} × {settings.batch_size:,} = "
            f"{settings.cells_per_step:,} cells"
        )


def _untold_conditions(key: KeyChoice, case: Case) -> list[str]:
    """Warn where columns that may be conditions stand beside a training without batch key."""
    if key.batch_key is not None:
        return []
    from edviz.advice.keys import advise_batch_keys

    advised = advise_batch_keys(case.inference.facts, case.inference.roles)
    bound = [advice for advice in advised if advice.verdict == "not usable"]
    return [
        f"{advice.column} is not integrated out: {advice.reason}; a batch effect between its levels, if there is one, "
        "stays in the latents"
        for advice in bound
    ]
