"""Reading .h5ad files on servers over http(s), with nothing but the standard library.

`location_of(text) -> Location`, then `RangeFile(location)` for the parts of a file that are asked for, or
`open_download(location)` for all of it in order, and `unpacked(download)` where it is compressed with gzip.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from edviz.remote.errors import NoRangesError, PassingError, RemoteError, StatusError
from edviz.remote.locations import Location, location_of
from edviz.remote.settings import RemoteSettings, settings_from_environment

if TYPE_CHECKING:
    from edviz.remote.download import Download, open_download
    from edviz.remote.gunzip import GunzipError, GunzipProgress, Unpacked, unpacked
    from edviz.remote.meter import RemoteReport
    from edviz.remote.range_file import RangeFile

__all__ = [
    "Download",
    "GunzipError",
    "GunzipProgress",
    "Location",
    "NoRangesError",
    "PassingError",
    "RangeFile",
    "RemoteError",
    "RemoteReport",
    "RemoteSettings",
    "StatusError",
    "Unpacked",
    "location_of",
    "open_download",
    "settings_from_environment",
    "unpacked",
]

_HOMES = {
    "Download": "edviz.remote.download",
    "GunzipError": "edviz.remote.gunzip",
    "GunzipProgress": "edviz.remote.gunzip",
    "RangeFile": "edviz.remote.range_file",
    "RemoteReport": "edviz.remote.meter",
    "Unpacked": "edviz.remote.gunzip",
    "open_download": "edviz.remote.download",
    "unpacked": "edviz.remote.gunzip",
}


def __getattr__(name: str) -> object:
    """Import what needs http.client, ssl or zlib when it is first used; most files are local and plain."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
