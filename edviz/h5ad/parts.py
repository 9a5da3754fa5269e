"""Opening one part of an HDF5 file without leaving the file: links, attributes, storage.

Everything in the file is the word of whoever wrote it. A link may point into another file, a dataset may keep its
values there, and a shape or a chunk may be a lie that costs the memory of the machine.
"""

from __future__ import annotations

from collections import deque
from importlib.util import find_spec
from math import prod

import h5py
import numpy as np
from h5py import h5a, h5d, h5l, h5o, h5s, h5z

from edviz.errors import H5adError
from edviz.h5ad.strings import harmless

HDF5_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, MemoryError)
"""What h5py raises for files that are damaged, in no way that tells one damage from another."""

MOST_LINKS_FOLLOWED = 64
MOST_ATTRIBUTE_VALUES = 1_000_000
MOST_CHUNK_BYTES = 64 * 2**20
DEFLATE = 1
FILTER_NAMES = {
    4: "szip",
    307: "bzip2",
    32001: "Blosc",
    32004: "LZ4",
    32008: "bitshuffle",
    32013: "ZFP",
    32015: "zstd",
    32026: "Blosc2",
}
"""Filters that HDF5 does not bring along, by registered number; a file gives the name only if its writer did."""


class PartError(H5adError):
    """A part of a file that is not read; the text says why and follows the name of the part."""


def open_part(parent: h5py.Group, path: str) -> h5py.Group | h5py.Dataset:
    """Open a part below a group, one link at a time.

    Parameters
    ----------
    parent
        The group to start from; the path does not leave it, soft links on the way may (but not the file).
    path
        One name, or several with `/` between them.

    Raises
    ------
    PartError
        If it is not there, or only in another file.
    """
    here: h5py.Group | h5py.Dataset = parent
    pending = deque(_links_of(path))
    for _ in range(MOST_LINKS_FOLLOWED):
        if not pending:
            return here
        if not isinstance(here, h5py.Group):
            raise PartError("not in the file")
        name = pending.popleft()
        target = _soft_target(here, name)
        if target is None:
            here = _open_hard(here, name)
        else:
            here = parent.file["/"] if target.startswith(b"/") else here
            pending.extendleft(reversed([step for step in target.split(b"/") if step not in (b"", b".")]))
    raise PartError("a link that goes round in circles")


def find_part(parent: h5py.Group, path: str) -> h5py.Group | h5py.Dataset | None:
    """Open a part below a group, or return None where it cannot be opened."""
    try:
        return open_part(parent, path)
    except PartError:
        return None


def find_group(parent: h5py.Group, path: str) -> h5py.Group | None:
    """Open a group below a group, or return None where there is no such group."""
    part = find_part(parent, path)
    return part if isinstance(part, h5py.Group) else None


def find_dataset(parent: h5py.Group, path: str) -> h5py.Dataset | None:
    """Open a dataset below a group, or return None where there is no such dataset."""
    part = find_part(parent, path)
    return part if isinstance(part, h5py.Dataset) else None


def part_names(group: h5py.Group) -> list[str]:
    """List the links of a group; bytes that are not UTF-8 are kept as lone surrogates, so that they open again."""
    try:
        return [name.decode("utf-8", "surrogateescape") for name in group.id]
    except HDF5_ERRORS as error:
        raise unreadable(error) from error


def has_part(group: h5py.Group, name: str) -> bool:
    """Say whether a group has a link of this name, wherever it leads."""
    try:
        return bool(group.id.links.exists(_encoded(name)))
    except HDF5_ERRORS:
        return False


def attribute(part: h5py.Group | h5py.Dataset, name: str) -> object:
    """Return an attribute, or None if it is absent, empty, too large to be true or damaged.

    Attributes confirm what the structure already says, so a bad one is no reason to stop.
    """
    try:
        if not h5a.exists(part.id, name.encode()):
            return None
        stored = h5a.open(part.id, name.encode())
        if stored.get_space().get_simple_extent_type() == h5s.NULL or prod(stored.shape) > MOST_ATTRIBUTE_VALUES:
            return None
        value: object = part.attrs[name]
    except HDF5_ERRORS:
        return None
    return value


def text_attribute(part: h5py.Group | h5py.Dataset, name: str) -> str | None:
    """Return an attribute that is one text; R writes it as an array of one."""
    texts = texts_attribute(part, name)
    return texts[0] if texts is not None and len(texts) == 1 else None


def texts_attribute(part: h5py.Group | h5py.Dataset, name: str) -> list[str] | None:
    """Return an attribute that is a list of texts, or None if it is anything else."""
    value = attribute(part, name)
    listed = value.ravel().tolist() if isinstance(value, (np.ndarray, np.generic)) else [value]
    texts = [_text(one) for one in listed if isinstance(one, (str, bytes))]
    return texts if len(texts) == len(listed) else None


def check_storage(dataset: h5py.Dataset, *, most_chunk_bytes: int = MOST_CHUNK_BYTES) -> None:
    """Refuse a dataset whose values are outside the file or cost more than they hold.

    Raises
    ------
    PartError
        If it is stored in another file, too coarsely, or with a filter that is not available.
    """
    try:
        plan = dataset.id.get_create_plist()
        outside, layout = plan.get_external_count(), plan.get_layout()
        chunk = plan.get_chunk() if layout == h5d.CHUNKED else ()
        filters = _filters(dataset)
    except HDF5_ERRORS as error:
        raise unreadable(error) from error
    if outside > 0:
        raise PartError("stored outside the file, which is not followed")
    if layout == h5d.VIRTUAL:
        raise PartError("a virtual dataset of other files, which are not followed")
    if prod(chunk) * dataset.dtype.itemsize > most_chunk_bytes:
        raise PartError(
            f"stored in chunks of {prod(chunk) * dataset.dtype.itemsize:,} bytes, which is too much to unpack"
        )
    # Deflate twice is how a few kilobytes unpack to gigabytes; no writer does it.
    if sum(number == DEFLATE for number, _ in filters) > 1:
        raise PartError("compressed more than once")
    for number, name in filters:
        _check_filter(number, name)


def unreadable(error: BaseException, dataset: h5py.Dataset | None = None) -> PartError:
    """Put an error of h5py into a reason, which names the uncommon filters of the dataset that was read."""
    words = harmless(str(error.args[-1] if error.args else type(error).__name__))
    filters = (
        [] if dataset is None else [_filter_name(*found) for found in _filters(dataset) if found[0] in FILTER_NAMES]
    )
    return PartError(f"damaged or not readable{' with the filter ' if filters else ''}{', '.join(filters)}: {words}")


def _links_of(path: str) -> list[bytes]:
    names = path.split("/")
    if any(name in ("", ".", "..") for name in names):
        raise PartError("a name that leads out of its frame, which is not followed")
    return [_encoded(name) for name in names]


def _with_known_type(dataset: h5py.Dataset) -> h5py.Dataset:
    """Let h5py translate the data type once, so that a type it does not know is met here and nowhere else."""
    try:
        _ = dataset.dtype, dataset.shape
    except HDF5_ERRORS as error:
        raise unreadable(error) from error
    return dataset


def _text(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _soft_target(group: h5py.Group, name: bytes) -> bytes | None:
    try:
        kind = group.id.links.get_info(name).type
        if kind == h5l.TYPE_SOFT:
            return bytes(group.id.links.get_val(name))
    except HDF5_ERRORS as error:
        raise PartError("not in the file") from error
    if kind == h5l.TYPE_HARD:
        return None
    raise PartError(
        "a link into another file, which is not followed" if kind == h5l.TYPE_EXTERNAL else "a link of an unknown kind"
    )


def _open_hard(group: h5py.Group, name: bytes) -> h5py.Group | h5py.Dataset:
    try:
        opened = h5o.open(group.id, name)
    except HDF5_ERRORS as error:
        raise unreadable(error) from error
    if isinstance(opened, h5py.h5g.GroupID):
        return h5py.Group(opened)
    if isinstance(opened, h5d.DatasetID):
        return _with_known_type(h5py.Dataset(opened))
    raise PartError("a stored data type, not values")


def _filters(dataset: h5py.Dataset) -> list[tuple[int, bytes]]:
    plan = dataset.id.get_create_plist()
    found = [plan.get_filter(position) for position in range(plan.get_nfilters())]
    return [(number, name) for number, _, _, name in found]


def _check_filter(number: int, name: bytes) -> None:
    if h5z.filter_avail(number):
        return
    if find_spec("hdf5plugin") is None:
        raise PartError(f"the filter {_filter_name(number, name)} is not available: pip install hdf5plugin")
    # The import registers some twenty filters with HDF5, so it waits for a file that needs one.
    import hdf5plugin  # noqa: F401

    if not h5z.filter_avail(number):
        raise PartError(f"the filter {_filter_name(number, name)} is not available, nor does hdf5plugin have it")


def _filter_name(number: int, name: bytes) -> str:
    known = FILTER_NAMES.get(number) or harmless(name)
    return f"{known} ({number})" if known else str(number)
