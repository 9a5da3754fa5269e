"""Which device torch can use, beside the one that a look at the machine suggests."""

from __future__ import annotations

from dataclasses import replace

from mcp_server.training.hardware import Hardware
from mcp_server.training.settings import Accelerator


def as_torch_finds_it(hardware: Hardware, asked: Accelerator) -> Hardware:
    """Return a machine with the device that is wanted of it if torch can use that, or else with its processor alone.

    Torch is imported only where something else than the processor is wanted.
    """
    wanted = hardware.accelerator if asked == "auto" else asked
    if wanted == "cpu":
        return hardware
    import torch

    can_be_used = torch.cuda.is_available() if wanted == "cuda" else torch.backends.mps.is_available()
    return replace(hardware, accelerator=wanted if can_be_used else "cpu")
