"""What is embedded or plotted: a file, the folder of a training run, or an embedding; and where its columns are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from edviz.h5ad.parts import HDF5_ERRORS, check_storage, find_dataset
from edviz.h5ad.reader import H5adFile
from edviz.h5ad.strings import harmless
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.requests import ADDRESSES

BEGUN, UNFINISHED = "started.json", ".unfinished"
"""What a training that was not ended has, in a folder whose name ends so."""
LATENT, TRAINING = "latent.h5ad", "training.json"
SETTINGS = "embedding"
"""Entry of uns in which an embedding says how it was made."""
ROW = "row"
"""Column of obs of an embedding with the place of each cell in the data."""
MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class Source:
    """Where the coordinates of cells are, and where their columns.

    Attributes
    ----------
    coordinates
        Path or address of an .h5ad file with obsm.
    columns
        That of one with obs; the same, if a file holds both.
    strata
        Columns that a sample should represent first, such as the batch of a training.
    folder
        Where results about it belong.
    """

    coordinates: str
    columns: str
    strata: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def name(self) -> str:
        """What to call it: the name of the data file without its ending."""
        last = self.columns.rstrip("/").replace("\\", "/").rsplit("/", 1)[-1]
        return harmless(last.removesuffix(".gz").removesuffix(".h5ad")) or "cells"


def find_source(place: str, roots: Sequence[str] | None = None) -> Source:
    """Say where coordinates and columns are.

    Parameters
    ----------
    place
        An .h5ad file, or a folder: of a training run (latent.h5ad and training.json), or with one embedding.
    roots
        Folders in which a file that a run names must lie; None allows any.

    Raises
    ------
    EmbeddingError
        If it is neither.
    """
    if "://" in place:
        return Source(place, place)
    path = Path(place)
    if (path / BEGUN).is_file() or (not path.exists() and Path(f"{path}{UNFINISHED}").is_dir()):
        raise EmbeddingError(f"the training of {path} was begun and not ended; go on with it (train_scvi.py --resume)")
    if not path.is_dir():
        return Source(place, place, folder=path.parent)
    runs = [folder for folder in (path, *_folders_in(path)) if (folder / LATENT).is_file()]
    if len(runs) == 1:
        return _training_run(runs[0], roots)
    held = sorted(path.glob("*.h5ad"))
    if len(held) == 1:
        return Source(str(held[0]), str(held[0]), folder=path)
    raise EmbeddingError(
        f"{path} is neither a training run ({LATENT} and {TRAINING}) nor a folder with one .h5ad file; "
        f"it has {len(held)}"
    )


def source_of_embedding(source: Source, h5ad: H5adFile, roots: Sequence[str] | None = None) -> Source:
    """Return where the columns of an embedding of ours are; any other file has its own.

    Raises
    ------
    EmbeddingError
        If the file that it names may not be read.
    """
    settings = settings_of(h5ad)
    if source.coordinates != source.columns or "source" not in settings:
        return source
    columns = str(settings["source"])
    return Source(source.coordinates, _allowed(columns, roots), folder=source.folder)


def settings_of(h5ad: H5adFile) -> dict[str, Any]:
    """Return how an embedding was made, as it says itself; of other files nothing."""
    dataset = find_dataset(h5ad.root, f"uns/{SETTINGS}")
    # A text in a file is cut where it is to be shown; this one is to be understood.
    if dataset is None or dataset.shape != () or h5py.check_string_dtype(dataset.dtype) is None:
        return {}
    try:
        check_storage(dataset)
        return _parsed(str(dataset.asstr(errors="replace")[()]))
    except HDF5_ERRORS:
        return {}


def _folders_in(path: Path) -> list[Path]:
    """List the folders in a folder: a job of training leaves its run in one."""
    return sorted(folder for folder in path.iterdir() if folder.is_dir())


def _training_run(folder: Path, roots: Sequence[str] | None) -> Source:
    try:
        written = (folder / TRAINING).read_bytes()[:MOST_BYTES]
    except OSError as error:
        raise EmbeddingError(
            f"{folder} has {LATENT} but no {TRAINING}, which names the file that was trained on"
        ) from error
    training = _parsed(written.decode("utf-8", "replace"))
    path = training.get("path")
    if not isinstance(path, str):
        raise EmbeddingError(f"{folder / TRAINING} names no file that was trained on")
    result = training.get("result")
    batch_key = result.get("batch_key") if isinstance(result, dict) else None
    strata = (batch_key,) if isinstance(batch_key, str) else ()
    return Source(str(folder / LATENT), _allowed(path, roots), strata, folder)


def _parsed(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _allowed(path: str, roots: Sequence[str] | None) -> str:
    if roots is None or ("://" in path and ADDRESSES in roots):
        return path
    place = Path(path).resolve()
    if any(place.is_relative_to(root) for root in roots):
        return path
    raise EmbeddingError(f"the data of this are in {harmless(path, longest=500)}, where nothing may be read")
