"""Whether a model is covered, and setting what trains it faster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scvi import REGISTRY_KEYS
from scvi.model import SCVI
from scvi.module import VAE

from mcp_server.training.errors import TrainingError
from mcp_server.training.fast.counts import SparseCounts, are_counts
from mcp_server.training.fast.from_disk import CountsOnDisk, disk_splitter
from mcp_server.training.fast.plan import SparseTrainingPlan
from mcp_server.training.fast.runner import faster_runner
from mcp_server.training.fast.splitter import sparse_splitter

LIKELIHOODS = ("nb", "zinb")
DEVICES = ("cpu", "gpu", "cuda")
SHARE_OF_DEVICE = 0.5
"""Share of the free memory of a device that counts may take to be kept there."""


@dataclass(frozen=True)
class SpeedUp:
    """What will train a model.

    Attributes
    ----------
    fast
        Whether the fast path trains it; if not, scvi-tools does, as it is.
    notices
        Sentences that say why not, and what else is to be known.
    """

    fast: bool
    notices: tuple[str, ...] = ()


def speed_up(
    model: SCVI, *, device: str = "cpu", devices: int = 1, on_disk: CountsOnDisk | None = None, seed: int = 0
) -> SpeedUp:
    """Let a model be trained by the fast path, if it is covered; `model.train` is called as before.

    The splitter, the plan and the runner are set on the instance, on top of those that it has: the class of the model,
    and what it saves, stay those of scvi-tools.

    Parameters
    ----------
    device
        Kind of device that will train, as Lightning calls it: "cpu", or "gpu", where the counts are then kept if they
        take at most half of the free memory.
    devices
        How many will train.
    on_disk
        Where the counts are to be read from instead of those of the model: `counts_on_disk`, for a model of
        `cells_on_disk`.
    seed
        Tells the order in which counts are read from disk, together with the number of the epoch.

    Raises
    ------
    TrainingError
        If the model is not covered, and its counts are on disk, where scvi-tools does not find them.
    """
    reasons = not_covered(model, device=device, devices=devices)
    matrix: Any = model.adata_manager.get_from_registry(REGISTRY_KEYS.X_KEY) if on_disk is None else None
    if not reasons and on_disk is None and not are_counts(matrix.data if sparse.issparse(matrix) else np.ravel(matrix)):
        reasons = ["values that are not whole or are negative"]
    if reasons and on_disk is not None:
        raise TrainingError(
            f"counts cannot be read from disk in a training of {', '.join(reasons)}; "
            "train on a machine whose memory holds them."
        )
    if reasons:
        return SpeedUp(False, (f"scvi-tools trains as it is: the fast path does not cover {', '.join(reasons)}",))
    if on_disk is None:
        counts = SparseCounts.from_matrix(matrix)
        on_device = device != "cpu" and _fits_on_device(counts)
        model._data_splitter_cls = sparse_splitter(model._data_splitter_cls, counts, on_device=on_device)
    else:
        model._data_splitter_cls = disk_splitter(model._data_splitter_cls, on_disk, seed=seed)
    model._training_plan_cls = SparseTrainingPlan
    model._train_runner_cls = faster_runner(model._train_runner_cls)
    return SpeedUp(True)


def not_covered(model: SCVI, *, device: str = "cpu", devices: int = 1) -> list[str]:
    """Return what of a model the fast path does not cover."""
    module = model.module
    if type(module) is not VAE:
        return [f"the module {type(module).__name__}"]
    cases = {
        f"gene_likelihood {module.gene_likelihood}": module.gene_likelihood not in LIKELIHOODS,
        f"dispersion {module.dispersion}": module.dispersion != "gene",
        "a learned library size": not module.use_observed_lib_size,
        "size factors": module.use_size_factor_key,
        f"batch_representation {module.batch_representation}": module.batch_representation != "one-hot",
        "minified data": module.minified_data_type is not None,
        "several devices": devices > 1,
        f"the device {device}": device not in DEVICES,
        "a query of scArches": hasattr(module.z_encoder.encoder, "hooks")
        or hasattr(module.decoder.px_decoder, "hooks"),
        "autotune": module.extra_payload_autotune,
        "a decoder that is not a softmax": not isinstance(module.decoder.px_scale_decoder[-1], torch.nn.Softmax),
    }
    return [what for what, is_case in cases.items() if is_case]


def _fits_on_device(counts: SparseCounts) -> bool:
    if not torch.cuda.is_available():
        return True
    free, _ = torch.cuda.mem_get_info()
    return counts.size < SHARE_OF_DEVICE * int(free)
