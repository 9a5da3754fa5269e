"""The structure of HDF5 files, read with the standard library alone: before HDF5 sees a file, or from far away."""

from edviz.hdf5.faults import Fault
from edviz.hdf5.local import preflight, read_structure
from edviz.hdf5.pages import Batch, Range
from edviz.hdf5.remote import Purpose, prefetch, prefetch_rows
from edviz.hdf5.rows import Rows, Sample, Selection
from edviz.hdf5.structure import StoredObject, Structure
from edviz.hdf5.walk import run

__all__ = [
    "Batch",
    "Fault",
    "Purpose",
    "Range",
    "Rows",
    "Sample",
    "Selection",
    "StoredObject",
    "Structure",
    "prefetch",
    "prefetch_rows",
    "preflight",
    "read_structure",
    "run",
]
