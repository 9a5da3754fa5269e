"""What of a remote .h5ad file the reader will want, found in a few rounds of requests.

HDF5 reads a header piece by piece, and each piece would take a round trip. A walk that runs ahead asks for many at
once. It only hints: what it does not foresee, the reader fetches itself.
"""

from __future__ import annotations

from math import prod

from edviz.hdf5.pages import Pages
from edviz.hdf5.structure import StoredObject
from edviz.hdf5.texts import Sample, has_texts
from edviz.hdf5.walk import NOTHING, Batches, Need, Plan, Walk

LEVELS = Sample(blocks=1, rows=65_536)
IDENTIFIERS = Sample(blocks=8, rows=4096)
GENES = Sample(blocks=5, rows=1000)
"""Texts as the reader reads them: all level names, a spread of a column that may hold identifiers, and of genes."""
INDEXES = ("_index", "index")
RECORDED_IN_UNS = ("schema_version", "schema_reference", "organism", "organism_ontology_term_id")
LEVELS_IN_UNS = "_categories"
DISCRETE = ("integer", "enum", "bitfield")


def prefetch(file_size: int, *, codes: bool = False) -> Batches:
    """Walk to the columns of a file that is far away.

    Parameters
    ----------
    file_size
        Bytes of the file.
    codes
        Whether values are wanted as well: the codes of categorical columns, integers, booleans, and a spread of texts.

    Examples
    --------
    >>> walk = prefetch(10_000)
    >>> next(walk)
    Batch(structure=(Range(start=0, stop=10000),), values=())
    """

    def needs(path: str, dataset: StoredObject) -> Need:
        return _needs(path, dataset, codes=codes)

    return Walk(Pages(file_size), Plan(_visits, needs)).batches()


def _visits(path: str) -> bool:
    top, *below = path.removeprefix("/").split("/")
    if top == "uns":
        return not below or below[0] in RECORDED_IN_UNS or LEVELS_IN_UNS in below[0]
    if top == "raw":
        return below[:1] in ([], ["X"]) and len(below) <= 2
    return top in ("obs", "var") or (top in ("X", "raw.X") and len(below) <= 1)


def _needs(path: str, dataset: StoredObject, *, codes: bool) -> Need:
    top, *below = path.removeprefix("/").split("/")
    if top == "var" and below:
        return Need(texts=GENES) if below[0] in INDEXES else NOTHING
    if top == "uns" or any("categories" in name for name in below):
        return Need(texts=LEVELS, values=not has_texts(dataset) and prod(dataset.shape or ()) < LEVELS.rows)
    if top != "obs" or not codes or (below and below[0] in INDEXES):
        return NOTHING
    is_discrete = dataset.datatype is not None and dataset.datatype.kind in DISCRETE
    return Need(texts=IDENTIFIERS, values=is_discrete or not below)
