"""Sizes in bytes, as people write them, and how much may be fetched without asking."""

from __future__ import annotations

import re

from mcp_server.geo.download.errors import CapError, DownloadError

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?B?)", re.IGNORECASE)
CAP = 5 * 10**9
"""Bytes that are fetched without asking."""


def shown_size(n_bytes: int) -> str:
    """Say a size in the unit that people would.

    Examples
    --------
    >>> shown_size(999), shown_size(1_234_567), shown_size(20_000_000_000)
    ('999 bytes', '1.2 MB', '20.0 GB')
    """
    for unit in ("TB", "GB", "MB", "KB"):
        if n_bytes >= UNITS[unit]:
            return f"{n_bytes / UNITS[unit]:,.1f} {unit}"
    return f"{n_bytes} bytes"


def read_size(text: str) -> int:
    """Return the bytes of a size such as `500MB`, `20 GB` or `123456`.

    Raises
    ------
    DownloadError
        If it is no size.

    Examples
    --------
    >>> read_size("1.5GB"), read_size("20 g"), read_size("123")
    (1500000000, 20000000000, 123)
    """
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise DownloadError(f"{text[:40]!r} is no size; one is 500MB or 20GB")
    unit = found[2].upper().removesuffix("B")
    return int(float(found[1]) * UNITS[f"{unit}B" if unit else ""])


def check_cap(n_bytes: int, max_size: int | None) -> None:
    """Refuse to fetch more than was agreed to.

    Parameters
    ----------
    max_size
        Bytes that were agreed to; if None, the usual cap.

    Raises
    ------
    CapError
        If it is more; the text says how to agree.
    """
    cap = CAP if max_size is None else max_size
    if n_bytes > cap:
        raise CapError(
            f"the files take {shown_size(n_bytes)} ({n_bytes:,} bytes), more than the {shown_size(cap)} that are "
            f"downloaded unasked; once the user agrees, say so with max_size (--max-size) {n_bytes}"
        )
