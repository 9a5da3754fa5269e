"""What a process that reads a file may use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edviz.errors import EdvizError

MEBIBYTE = 1 << 20
LEAST_SECONDS = 8
BYTES_PER_SECOND = 20 * MEBIBYTE
"""A file is given at least the time to be read at this speed, which is slower than any disk."""
SECONDS_OF_A_DOWNLOAD = 300


@dataclass(frozen=True)
class Limits:
    """Limits of one reading process.

    Attributes
    ----------
    address_space
        Bytes of memory that it may map, its programs included; not kept on macOS, which has no such limit.
    seconds
        Seconds of work after which it is stopped, and seconds to wait for an answer.
    """

    address_space: int
    seconds: int

    def apply(self) -> None:
        """Limit the present process, as far as the system can: memory, time, and no file written."""
        try:
            import resource
        except ImportError:  # Windows: the parent's limit of time remains
            return
        wanted = {
            resource.RLIMIT_AS: self.address_space,
            resource.RLIMIT_CPU: self.seconds,
            resource.RLIMIT_FSIZE: 0,
            resource.RLIMIT_CORE: 0,
        }
        for kind, most in wanted.items():
            hard = resource.getrlimit(kind)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            try:
                resource.setrlimit(kind, (most, hard))
            except (ValueError, OSError):  # macOS refuses to limit the address space
                continue


def limits_for(location: str) -> Limits:
    """Choose limits for a file: time in proportion to its size.

    The environment variables EDVIZ_MOST_MEMORY_MB and EDVIZ_MOST_SECONDS set them to something else.

    Raises
    ------
    EdvizError
        If one of them is no whole number above 0.
    """
    try:
        size = Path(location).stat().st_size
        seconds = LEAST_SECONDS + size // BYTES_PER_SECOND
    except (OSError, ValueError):
        seconds = SECONDS_OF_A_DOWNLOAD
    memory = _number("EDVIZ_MOST_MEMORY_MB") or 1024
    return Limits(memory * MEBIBYTE, _number("EDVIZ_MOST_SECONDS") or seconds)


def _number(variable: str) -> int | None:
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise EdvizError(f"{variable} is {text[:40]!r}, and should be a whole number above 0, or not set")
    return int(text)
