"""Reading what an .h5ad file says of its observations, without reading its matrices."""

from edviz.h5ad.factors import read_factors
from edviz.h5ad.reader import H5adFile, open_h5ad
from edviz.h5ad.summary import H5adSummary, summarise

__all__ = ["H5adFile", "H5adSummary", "open_h5ad", "read_factors", "summarise"]
