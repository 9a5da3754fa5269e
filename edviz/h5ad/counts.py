"""Where the raw counts are, told from a sample of the values of each matrix."""

from __future__ import annotations

import numpy as np

from edviz.contents import CheckedMatrix, CountsLocation
from edviz.h5ad.matrices import Matrix, sample_values
from edviz.h5ad.parts import PartError
from edviz.h5ad.reader import H5adFile
from edviz.h5ad.strings import harmless
from edviz.h5ad.values import Array

COUNTS = "counts"
NAMES_OF_COUNTS = ("counts", "raw_counts", "count", "raw_count", "raw", "umi", "umis", "umi_counts")


def locate_counts(h5ad: H5adFile) -> CountsLocation:
    """Look at some thousand values of X, of raw and of every layer, and say which to use as raw counts.

    X comes first, then a layer that is named for counts, then raw, then any other layer.
    """
    layers = [f"layers/{name}" for name in h5ad.names("layers")]
    checked = [_check(location, h5ad.matrix(location)) for location in ("X", "raw/X", *layers)]
    found = [matrix.location for matrix in checked if matrix.verdict == COUNTS]
    # sorted is stable: among equals, the order of the file.
    return CountsLocation(min(found, key=_rank, default=None), tuple(checked))


def judge(values: Array) -> str:
    """Say in words whether sampled values are counts.

    Examples
    --------
    >>> judge(np.array([0.0, 3.0, 1.0]))
    'counts'
    >>> judge(np.array([0.0, 0.7]))
    'not counts: fractional values'
    """
    if not len(values):
        return "empty"
    if values.dtype.kind == "b":
        return "binary: true and false"
    if not np.isfinite(values).all():
        return "not counts: values that are missing or infinite"
    if (values < 0).any():
        return "not counts: negative values"
    if values.dtype.kind == "f" and (values != np.trunc(values)).any():
        return "not counts: fractional values"
    largest = values.max()
    if largest == 0:
        return "only zeros among the values looked at"
    return "binary: no value but 0 and 1" if largest == 1 else COUNTS


def _check(location: str, matrix: Matrix | None) -> CheckedMatrix:
    location = harmless(location)
    if matrix is None:
        return CheckedMatrix(location, 0, "no matrix")
    try:
        values = sample_values(matrix)
    except PartError as error:
        return CheckedMatrix(location, 0, f"not looked at: {error}")
    finite = values[np.isfinite(values)]
    largest = float(finite.max()) if len(finite) else None
    return CheckedMatrix(location, len(values), judge(values), largest, _share_at_fault(values))


def _share_at_fault(values: Array) -> float:
    """Say which share of the values other than 0 are negative, fractional, missing or infinite."""
    seen = values[values != 0].astype(np.float64)
    return float(np.mean((seen < 0) | (seen != np.trunc(seen)) | ~np.isfinite(seen))) if len(seen) else 0.0


def _rank(location: str) -> int:
    if location == "X":
        return 0
    if location == "raw/X":
        return 2
    return 1 if location.removeprefix("layers/").lower() in NAMES_OF_COUNTS else 3
