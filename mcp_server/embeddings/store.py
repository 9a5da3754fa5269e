"""The file of an embedding: a small .h5ad beside the data, never in them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edviz.errors import OutputError
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


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a place beside the target to write to, and put what is there in the target's place at the end.

    Raises
    ------
    OutputError
        If it cannot be written; what was there before stays as it was.
    """
    target = target.absolute()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        os.close(handle)
    except OSError as error:
        raise OutputError(f"cannot write in the folder {target.parent}: {error.strerror}") from error
    part = Path(name)
    try:
        yield part
        part.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        part.replace(target)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
