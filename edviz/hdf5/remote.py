"""What of a remote .h5ad file the reader will want, found in a few rounds of requests.

HDF5 reads a header piece by piece, and each piece would take a round trip. A walk that runs ahead asks for many at
once. It only hints: what it does not foresee, the reader fetches itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Literal

from edviz.hdf5.pages import Pages
from edviz.hdf5.rows import Rows, Sample, Selection
from edviz.hdf5.structure import StoredObject
from edviz.hdf5.texts import has_texts
from edviz.hdf5.walk import NOTHING, Batches, Need, Plan, Walk

Purpose = Literal["factors", "summary"]
"""What the reader is about to find out."""

LEVELS = Sample(blocks=1, rows=65_536)
GENES = Sample(blocks=5, rows=1000)
"""Texts as the reader reads them: all level names, and a spread of genes."""
CODES = Rows(0, 2**20)
"""More codes than this are fetched as the reader goes on: all at once, they would push each other out of memory."""
SMALL_COLUMN = 32_768
FIRST_LOOK = Rows(0, 4096)
"""Other columns are mostly measurements and identifiers, which the reader sees at their first rows."""
INDEXES = ("_index", "index")
RECORDED = ("organism", "organism_ontology_term_id")
RECORDED_IN_UNS = ("schema_version", "schema_reference", *RECORDED)
LEVELS_IN_UNS = "_categories"
MATRICES = ("X", "raw.X", "layers", "raw")
OTHER_MATRICES = ("obsm", "varm", "obsp", "varp")
DEEPEST_MATRIX = 3
"""Steps to the values of a sparse one: `layers/counts/data`."""


def prefetch(file_size: int, *, purpose: Purpose = "summary") -> Batches:
    """Walk to what is needed of a file that is far away.

    Parameters
    ----------
    file_size
        Bytes of the file.
    purpose
        For `factors`: obs, with codes and the first look at other columns. For `summary`: the structure of everything,
        level names, a spread of genes and of the values of matrices.

    Examples
    --------
    >>> walk = prefetch(8_000)
    >>> next(walk)
    Batch(structure=(Range(start=0, stop=8000),), values=())
    """
    plan = Plan(_visits_for_factors, _needs_of_factors) if purpose == "factors" else Plan(_visits, _needs_of_summary)
    return Walk(Pages(file_size), plan).batches()


def prefetch_rows(file_size: int, wanted: Mapping[str, Selection]) -> Batches:
    """Walk to rows of some datasets.

    Parameters
    ----------
    wanted
        The rows, by the path of the dataset.
    """
    steps = {path[: end + 1] for path in wanted for end, char in enumerate(f"{path}/"[1:]) if char == "/"}

    def needs(path: str, _: StoredObject) -> Need:
        rows = wanted.get(path)
        return NOTHING if rows is None else Need(texts=rows, values=rows)

    return Walk(Pages(file_size), Plan(lambda path: path in steps, needs)).batches()


def _visits_for_factors(path: str) -> bool:
    top, *below = _steps(path)
    if top == "raw":
        return below in ([], ["X"])
    return top == "obs" or (top in ("X", "raw.X") and not below) or (top == "uns" and _is_of_use_in_uns(below))


def _visits(path: str) -> bool:
    top, *below = _steps(path)
    if top == "uns":
        return _is_of_use_in_uns(below)
    return top in ("obs", "var") or (top in (*MATRICES, *OTHER_MATRICES) and len(below) < DEEPEST_MATRIX)


def _is_of_use_in_uns(below: list[str]) -> bool:
    return not below or below[0] in RECORDED_IN_UNS or LEVELS_IN_UNS in below[0]


def _needs_of_factors(path: str, dataset: StoredObject) -> Need:
    top, *below = _steps(path)
    if top == "uns" or _is_level_table(below):
        return _level_names(dataset)
    if top != "obs" or (below and below[0] in INDEXES):
        return NOTHING
    if _are_codes(below, dataset):
        return Need(texts=FIRST_LOOK, values=CODES)
    rows = Rows(0, SMALL_COLUMN) if prod(dataset.shape or ()) <= SMALL_COLUMN else FIRST_LOOK
    return Need(texts=rows, values=rows)


def _needs_of_summary(path: str, dataset: StoredObject) -> Need:
    top, *below = _steps(path)
    if top in MATRICES:
        return Need(matrix=not below or below[-1] == "data" or (top, len(below)) in (("layers", 1), ("raw", 1)))
    if top == "var" and below:
        return Need(texts=GENES) if below[0] in INDEXES else NOTHING
    if top == "uns" or _is_level_table(below):
        return _level_names(dataset)
    return Need(values=CODES) if top == "obs" and below and below[0] in RECORDED else NOTHING


def _is_level_table(below: list[str]) -> bool:
    return any("categories" in name for name in below)


def _level_names(dataset: StoredObject) -> Need:
    small = not has_texts(dataset) and prod(dataset.shape or ()) < LEVELS.rows
    return Need(texts=LEVELS, values=LEVELS if small else None)


def _are_codes(below: list[str], dataset: StoredObject) -> bool:
    """Say whether the values of obs, or of one of its columns, are levels by their structure alone."""
    if not below:
        return True
    if dataset.datatype is None or below[-1] == "mask":
        return False
    if dataset.datatype.kind in ("enum", "bitfield"):
        return True
    return dataset.datatype.kind == "integer" and (
        below[-1] == "codes"
        or dataset.datatype.size == 1
        or any(attribute.name == "categories" for attribute in dataset.attributes)
    )


def _steps(path: str) -> list[str]:
    return path.removeprefix("/").split("/")
