"""A few texts of a column, spread over the whole."""

from __future__ import annotations

import h5py
import numpy as np

from edviz.h5ad.columns import Content, Labelled, Plain
from edviz.h5ad.parts import PartError, check_storage
from edviz.h5ad.values import Values, labels_of

SAMPLED_TEXTS = 5000
SAMPLED_BLOCKS = 5


def texts_or_none(content: Content, most: int = SAMPLED_TEXTS) -> list[str]:
    """Read a spread of texts of a column, or none if it holds no texts that can be read."""
    try:
        return sample_texts(content, most)
    except PartError:
        return []


def sample_texts(content: Content, most: int = SAMPLED_TEXTS) -> list[str]:
    """Read a spread of texts of a column: of a categorical one, of its level names.

    Raises
    ------
    PartError
        If they cannot be read.
    """
    if isinstance(content, Plain) and content.kind == "string":
        return _spread(content.values, most)
    if isinstance(content, Labelled) and isinstance(content.labels, h5py.Dataset):
        if h5py.check_string_dtype(content.labels.dtype) is None or len(content.labels.shape or ()) != 1:
            return []
        check_storage(content.labels)
        return _spread(Values(content.labels), most)
    return []


def _spread(values: Values, most: int) -> list[str]:
    if len(values) <= most:
        return labels_of(values.read(0, len(values)))
    # Not the head alone: two species measured together stand one after the other.
    size = max(1, most // SAMPLED_BLOCKS)
    starts = np.linspace(0, len(values) - size, most // size).astype(int).tolist()
    return [label for start in starts for label in labels_of(values.read(start, start + size))]
