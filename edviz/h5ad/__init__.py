"""Reading what an .h5ad file says of its observations, without reading its matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edviz.lazy import importer

if TYPE_CHECKING:
    from edviz.h5ad.factors import read_factors
    from edviz.h5ad.reader import H5adFile, open_h5ad
    from edviz.h5ad.summary import summarise

__all__ = ["H5adFile", "open_h5ad", "read_factors", "summarise"]

__getattr__ = importer(
    __name__,
    {
        "H5adFile": "edviz.h5ad.reader",
        "open_h5ad": "edviz.h5ad.reader",
        "read_factors": "edviz.h5ad.factors",
        "summarise": "edviz.h5ad.summary",
    },
)
