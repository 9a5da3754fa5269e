"""What a dataset claims that cannot be true, or that leads out of the file."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from edviz.hdf5.datatypes import Datatype
from edviz.hdf5.messages import Layout
from edviz.hdf5.structure import StoredObject

OUTSIDE_LINK = "a link into another file, which is not followed"
OUTSIDE_STORAGE = "stored outside the file, which is not followed"
VIRTUAL = "a virtual dataset of other files, which are not followed"
MOST_VALUE_BYTES = 2**48
MOST_CHUNK_BYTES = 2**32
"""HDF5 before 2.0 has no larger chunks."""


def claims_of(dataset: StoredObject) -> Iterator[str]:
    """Yield why the values of a dataset are not to be read."""
    if dataset.is_outside:
        yield OUTSIDE_STORAGE
    if dataset.layout is None or dataset.datatype is None:
        return
    if dataset.layout.kind == "virtual":
        yield VIRTUAL
    if dataset.shape is not None:
        yield from _false_sizes(dataset.layout, dataset.datatype, dataset.shape)


def _false_sizes(layout: Layout, datatype: Datatype, shape: tuple[int, ...]) -> Iterator[str]:
    n_bytes = prod(shape) * datatype.size
    if n_bytes > MOST_VALUE_BYTES:
        yield f"declared to have {n_bytes:,} bytes of values"
    if layout.kind == "chunked":
        yield from _false_chunks(layout.chunk, datatype, shape)
    elif layout.size is not None and layout.address is not None and layout.size < n_bytes:
        yield f"declared to have {n_bytes:,} bytes of values, of which {layout.size:,} are stored"


def _false_chunks(chunk: tuple[int, ...], datatype: Datatype, shape: tuple[int, ...]) -> Iterator[str]:
    if len(chunk) != len(shape):
        yield f"chunks of {len(chunk)} dimensions for values of {len(shape)}"
    if prod(chunk) * datatype.size >= MOST_CHUNK_BYTES:
        yield f"chunks of {prod(chunk) * datatype.size:,} bytes"
    if 0 in chunk:
        yield "chunks of no size"
