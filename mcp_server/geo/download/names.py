"""File names that a server gives: one that could leave the folder, or that a system reads otherwise, is refused."""

from __future__ import annotations

from pathlib import PureWindowsPath

from edviz.h5ad.strings import harmless
from mcp_server.geo.download.errors import DownloadError

LONGEST_NAME = 200
"""Bytes; the files beside it have longer names, and file systems take 255."""
PART, RECORD = ".part", ".download.json"
NOT_IN_NAMES = frozenset('/\\<>:"|?*')
"""What separates folders, or what Windows has no names for."""


def check_name(name: str) -> str:
    """Return a name if it is that of a file in a folder, on every system.

    Raises
    ------
    DownloadError
        If it is not.

    Examples
    --------
    >>> check_name("GSE1_cells (raw)+100%.h5ad.gz")
    'GSE1_cells (raw)+100%.h5ad.gz'
    """
    fault = _fault(name)
    if fault is None:
        return name
    raise DownloadError(
        f"the server names a file {harmless(name)!r}, which is not written: it {fault}; "
        "download it by hand under another name"
    )


def _fault(name: str) -> str | None:
    if not name:
        return "has no name"
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} bytes"
    if harmless(name, longest=LONGEST_NAME) != name:
        return "has characters that cannot be seen"
    if not NOT_IN_NAMES.isdisjoint(name):
        return "has characters that mean something in paths"
    if name[0] in ".-~" or name[0].isspace():
        return "begins with a dot, a dash, a tilde or a space"
    if name[-1] == "." or name[-1].isspace():
        return "ends with a dot or a space"
    if _is_reserved(name):
        return "is the name of a device on Windows"
    if name.lower().endswith((PART, RECORD)):
        return f"ends like the files that stand beside a download, {PART} and {RECORD}"
    return None


def _is_reserved(name: str) -> bool:
    stem = PureWindowsPath(name).name.partition(".")[0].rstrip().upper()
    return stem in ("CON", "PRN", "AUX", "NUL") or (stem[:-1] in ("COM", "LPT") and stem[-1] in "0123456789¹²³")
