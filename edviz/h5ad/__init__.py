"""Reading what an .h5ad file says of its observations, without reading its matrices."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edviz.h5ad.factors import read_factors
    from edviz.h5ad.reader import H5adFile, open_h5ad
    from edviz.h5ad.summary import summarise

__all__ = ["H5adFile", "open_h5ad", "read_factors", "summarise"]

_HOMES = {
    "H5adFile": "edviz.h5ad.reader",
    "open_h5ad": "edviz.h5ad.reader",
    "read_factors": "edviz.h5ad.factors",
    "summarise": "edviz.h5ad.summary",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that a part of this package can be had without h5py."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
