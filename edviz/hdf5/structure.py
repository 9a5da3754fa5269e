"""What a walk finds: the objects of a file and their links, without their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from edviz.hdf5.datatypes import Datatype
from edviz.hdf5.faults import Fault
from edviz.hdf5.messages import Attribute, Filter, Layout, Link
from edviz.hdf5.superblock import Superblock

ObjectKind = Literal["group", "dataset", "data type", "unknown"]


class StoredObject(NamedTuple):
    """A group, a dataset or a committed data type.

    Attributes
    ----------
    links
        Of a group; None if they were not looked at or cannot be followed.
    shape
        Of a dataset; None for a null dataspace.
    is_outside
        Whether the values are in another file.
    """

    address: int
    kind: ObjectKind
    attributes: tuple[Attribute, ...] = ()
    links: tuple[Link, ...] | None = None
    datatype: Datatype | None = None
    shape: tuple[int, ...] | None = None
    layout: Layout | None = None
    filters: tuple[Filter, ...] = ()
    is_outside: bool = False


class Structure(NamedTuple):
    """The objects that a walk has met.

    Attributes
    ----------
    superblock
        None if there is none that can be read.
    objects
        By address: an object with two names is there once.
    faults
        In the order in which they were met.
    """

    superblock: Superblock | None
    objects: Mapping[int, StoredObject]
    faults: tuple[Fault, ...]

    def find(self, path: str) -> StoredObject | None:
        """Return the object that hard links lead to, or None if the walk did not meet it.

        Parameters
        ----------
        path
            From the root, with `/` between names.
        """
        found = None if self.superblock is None else self.objects.get(self.superblock.root)
        for name in filter(None, path.split("/")):
            links = () if found is None or found.links is None else found.links
            address = next((link.address for link in links if link.name == name), None)
            found = None if address is None else self.objects.get(address)
        return found
