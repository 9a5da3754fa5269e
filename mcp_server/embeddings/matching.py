"""Which cells of the data those of an embedding or of a training are."""

from __future__ import annotations

import numpy as np

from edviz.h5ad.reader import H5adFile
from edviz.h5ad.strings import harmless
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.reading import Codes, Numbers, read_column, read_names
from mcp_server.embeddings.sources import ROW, settings_of


def rows_in(data: H5adFile, embedding: H5adFile) -> Codes:
    """Say which cell of the data each cell of an embedding is: by its place if the names agree there, else by name.

    Raises
    ------
    EmbeddingError
        If a cell is not in the data, or names do not tell.
    """
    names, wanted = read_names(data), read_names(embedding)
    rows = _recorded_rows(embedding)
    if rows is None and len(names) == len(wanted):
        rows = np.arange(len(names))
    fits = (
        rows is not None and len(rows) == len(wanted) and (not len(rows) or 0 <= rows.min() <= rows.max() < len(names))
    )
    if rows is not None and fits and all(names[row] == name for row, name in zip(rows.tolist(), wanted, strict=True)):
        return rows
    place = {name: row for row, name in enumerate(names)}
    if len(place) < len(names):
        raise EmbeddingError(f"cells of {data.path} share names, so those of {embedding.path} cannot be found in it")
    lost = [name for name in wanted if name not in place]
    if lost:
        raise EmbeddingError(
            f"{len(lost):,} of {len(wanted):,} cells of {embedding.path} are not in {data.path} "
            f"(the first is {harmless(lost[0])!r}); has the file changed?"
        )
    return np.array([place[name] for name in wanted], dtype=np.int64)


def _recorded_rows(embedding: H5adFile) -> Codes | None:
    if embedding.obs.column(ROW) is None or not settings_of(embedding):
        return None
    column = read_column(embedding, ROW)
    if isinstance(column, Numbers):
        return column.values.astype(np.int64) if np.isfinite(column.values).all() else None
    return np.array([int(name) for name in column.names], dtype=np.int64)[column.codes]
