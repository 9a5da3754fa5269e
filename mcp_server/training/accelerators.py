"""Which device torch can use, beside the one that a look at the machine suggests."""

from __future__ import annotations

from dataclasses import replace

from mcp_server.training.hardware import Hardware
from mcp_server.training.settings import Accelerator


def as_torch_finds_it(hardware: Hardware, asked: Accelerator) -> Hardware:
    """Return a machine with the devices that are wanted of it if torch can use them, or else with its processor alone.

    Torch is imported only where something else than the processor is wanted.
    """
    wanted = hardware.accelerator if asked == "auto" else asked
    if wanted == "cpu":
        return hardware
    import torch

    if wanted == "cuda" and torch.cuda.is_available():
        return replace(hardware, accelerator=wanted, gpus=torch.cuda.device_count())
    can_be_used = wanted == "mps" and torch.backends.mps.is_available()
    return replace(hardware, accelerator=wanted if can_be_used else "cpu")
