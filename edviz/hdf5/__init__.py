"""The structure of HDF5 files, read with the standard library alone: before HDF5 sees a file, or from far away."""

from edviz.hdf5.faults import Fault
from edviz.hdf5.local import preflight, read_structure
from edviz.hdf5.pages import Batch, Range
from edviz.hdf5.remote import prefetch
from edviz.hdf5.structure import StoredObject, Structure
from edviz.hdf5.walk import run

__all__ = ["Batch", "Fault", "Range", "StoredObject", "Structure", "prefetch", "preflight", "read_structure", "run"]
