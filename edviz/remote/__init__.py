"""Reading .h5ad files on servers over http(s), with nothing but the standard library.

`location_of(text) -> Location`, then `RangeFile(location)` for the parts of a file that are asked for, or
`open_download(location)` for all of it in order, and `unpacked(download)` where it is compressed with gzip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edviz.lazy import importer
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

__getattr__ = importer(
    __name__,
    {
        "Download": "edviz.remote.download",
        "GunzipError": "edviz.remote.gunzip",
        "GunzipProgress": "edviz.remote.gunzip",
        "RangeFile": "edviz.remote.range_file",
        "RemoteReport": "edviz.remote.meter",
        "Unpacked": "edviz.remote.gunzip",
        "open_download": "edviz.remote.download",
        "unpacked": "edviz.remote.gunzip",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
