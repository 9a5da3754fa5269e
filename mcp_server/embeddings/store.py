"""The file of an embedding: a small .h5ad beside the data, never in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edviz.output import replacing
from mcp_server.embeddings.errors import needs
from mcp_server.embeddings.reading import Codes, Coordinates
from mcp_server.embeddings.sources import ROW, SETTINGS


def write_embedding(
    target: Path, coordinates: Mapping[str, Coordinates], names: Sequence[str], rows: Codes, settings: Mapping[str, Any]
) -> None:
    """Write coordinates as .h5ad, whole or not at all.

    Parameters
    ----------
    coordinates
        Entries of obsm by name.
    names
        Of the cells, exactly as in the data.
    rows
        Places of the cells in the data.
    settings
        How they were made, as plain data.

    Raises
    ------
    EmbeddingError
        If anndata is missing.
    OutputError
        If the file cannot be written.
    """
    try:
        from anndata import AnnData
        from pandas import DataFrame, Index
    except ImportError as error:
        raise needs("anndata", "embedding") from error
    obs = DataFrame({ROW: rows}, index=Index(list(names), dtype=object))
    held = AnnData(obs=obs, obsm=dict(coordinates), uns={SETTINGS: json.dumps(settings, allow_nan=False)})
    with replacing(target) as part:
        held.write_h5ad(part)
