"""Whether counts are read from the file while a model is trained, and what that takes."""

from __future__ import annotations

from edviz.contents import CountsScan
from mcp_server.training.errors import TrainingError
from mcp_server.training.fast.pools import BLOCKS_IN_POOL, ROWS_IN_BLOCK
from mcp_server.training.hardware import Hardware
from mcp_server.training.settings import TrainingRequest, accelerator_for

SHARE_OF_MEMORY = 0.5
"""Share of the free memory that counts may take before they are read from the file."""
BYTES_PER_COUNT = 8
"""A value of four bytes and its column."""
POOLS_IN_MEMORY = 4
"""Blocks, the pool of them, the pool in its new order, and what is left of the pool before."""


def reads_from_disk(request: TrainingRequest, scan: CountsScan | None, hardware: Hardware) -> bool:
    """Decide whether counts are read from the file in every epoch.

    Raises
    ------
    TrainingError
        If that is asked for, and the counts or the request do not allow it.
    """
    if request.from_disk is False or scan is None:
        return False
    if reason := _why_not(request, scan, hardware):
        if request.from_disk:
            raise TrainingError(f"counts cannot be read from the file while {reason}; leave from_disk out")
        return False
    return request.from_disk or is_too_large(scan.n_stored, hardware.free_bytes)


def is_too_large(n_counts: int, free_bytes: int | None) -> bool:
    """Whether counts take more than a share of the free memory.

    Parameters
    ----------
    n_counts
        Counts that are stored.
    free_bytes
        None where the system does not say: then all counts have to fit.

    Examples
    --------
    >>> is_too_large(1_000, 17_000), is_too_large(1_000, 15_000), is_too_large(1_000, None)
    (False, True, False)
    """
    return free_bytes is not None and BYTES_PER_COUNT * n_counts > SHARE_OF_MEMORY * free_bytes


def counts_in_memory(scan: CountsScan | None, from_disk: bool) -> int:
    """Count what is held in memory at the same time: all counts, or those of a few pools of cells."""
    if scan is None:
        return 0
    if not from_disk:
        return scan.n_stored
    of_pools = POOLS_IN_MEMORY * BLOCKS_IN_POOL * ROWS_IN_BLOCK * scan.n_stored // max(scan.n_obs, 1)
    return min(scan.n_stored, of_pools)


def _why_not(request: TrainingRequest, scan: CountsScan, hardware: Hardware) -> str | None:
    accelerator = accelerator_for(request.accelerator, hardware)
    reasons = {
        f"they are stored as {scan.encoding} and not by rows (csr_matrix)": scan.encoding != "csr_matrix",
        "scvi-tools trains as it is (no fast path)": not request.fast,
        f"{accelerator} trains": accelerator == "mps",
        "several devices train": request.devices > 1,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)
