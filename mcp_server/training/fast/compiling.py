"""Whether functions can be compiled."""

from functools import cache
from importlib.util import find_spec


@cache
def has_numba() -> bool:
    """Whether numba is there."""
    return find_spec("numba") is not None


def compiles(device_type: str) -> bool:
    """Whether compiled functions work on what lies on a device: on the processor, where numba is there."""
    return device_type == "cpu" and has_numba()
