"""The frames obs and var, in the encodings of every writer since anndata 0.4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import h5py
from h5py import h5o, h5r

from edviz.h5ad.columns import (
    Content,
    Labelled,
    LeftOut,
    Plain,
    StoredColumn,
    content_of,
    is_column_group,
    is_ordered,
    labelled_content,
    length_of,
    plain_content,
)
from edviz.h5ad.parts import (
    HDF5_ERRORS,
    PartError,
    attribute,
    find_dataset,
    find_group,
    find_part,
    has_part,
    open_part,
    part_names,
    text_attribute,
    texts_attribute,
)
from edviz.h5ad.strings import harmless, unlike
from edviz.h5ad.values import FieldsTogether, kind_of

LEVEL_TABLES = "__categories"
USUAL_INDEXES = ("_index", "index")
MOST_ROWS = 2**31
HEAD_ROWS = 4096


@dataclass(frozen=True)
class Frame:
    """A table of observations or variables, none of its values read yet.

    Attributes
    ----------
    n
        Number of rows.
    encoding
        How it is stored, in words.
    index
        The row names, which are no column, or None if there are none.
    notes
        What a person should know of the way in which it was read.
    """

    n: int
    encoding: str
    index: StoredColumn | None
    columns: tuple[StoredColumn, ...]
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> StoredColumn | None:
        """Return the column called `name`, or None."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class _Found:
    """A column or an index by the name that the file gives it."""

    name: str
    content: Content
    note: str | None = None


def read_frame(part: h5py.Group | h5py.Dataset, *, uns: h5py.Group | None, n_elsewhere: Sequence[int]) -> Frame:
    """Read the structure of a frame.

    Parameters
    ----------
    part
        A group, or before anndata 0.7 a compound dataset.
    uns
        Where anndata before 0.7 kept the level names.
    n_elsewhere
        What other parts of the file say of the number of rows.

    Raises
    ------
    PartError
        If it is no frame.
    """
    if isinstance(part, h5py.Group):
        return _group_frame(part, n_elsewhere)
    if not part.dtype.names or part.shape is None or len(part.shape) != 1:
        raise PartError("neither a group nor a table")
    return _compound_frame(part, uns)


def _group_frame(group: h5py.Group, n_elsewhere: Sequence[int]) -> Frame:
    index, notes = _index_of(group)
    columns = [_column(group, name) for name in _listed(group, index)]
    columns += [_note_unlisted(group, _column(group, name)) for name in _unlisted(group, index)]
    if index is None and not notes:
        index = _only_unique_texts(columns)
        columns = [column for column in columns if column is not index]
    n = _most_agreed(index, columns, n_elsewhere)
    if index is not None and length_of(index.content) not in (None, n):
        notes += (f"the index has {length_of(index.content):,} values for {n:,} rows and is not used",)
    return Frame(n, _encoding(group), _shown(index), _all_shown(columns), notes)


def _index_of(group: h5py.Group) -> tuple[_Found | None, tuple[str, ...]]:
    named = text_attribute(group, "_index")
    notes: tuple[str, ...] = ()
    for name in filter(None, (named, *USUAL_INDEXES)):
        if name != named and not has_part(group, name):
            continue
        try:
            return _Found(name, content_of(open_part(group, name))), notes
        except PartError as error:
            notes += (f"the index {harmless(name)} is not used: {error}",)
    return None, notes


def _listed(group: h5py.Group, index: _Found | None) -> list[str]:
    names = dict.fromkeys(texts_attribute(group, "column-order") or [])
    return [name for name in names if index is None or name != index.name]


def _unlisted(group: h5py.Group, index: _Found | None) -> list[str]:
    listed = _listed(group, index)
    # A column with `/` in its name makes groups that are no columns themselves.
    known = {LEVEL_TABLES, *listed, *(name.split("/")[0] for name in listed)}
    if index is not None:
        known.add(index.name)
    return [name for name in part_names(group) if name not in known]


def _note_unlisted(group: h5py.Group, column: _Found) -> _Found:
    if not texts_attribute(group, "column-order"):
        return column
    return replace(column, note="; ".join(filter(None, ["not named in column-order", column.note])))


def _column(group: h5py.Group, name: str) -> _Found:
    try:
        part = open_part(group, name)
        if _leads_through_a_column(group, name):
            raise PartError("a part of another column")
    except PartError as error:
        return _Found(name, LeftOut(str(error)))
    if isinstance(part, h5py.Dataset) and kind_of(part.dtype) == "integer":
        return _labelled_by_table(group, name, part)
    return _Found(name, content_of(part))


def _leads_through_a_column(group: h5py.Group, name: str) -> bool:
    steps = name.split("/")
    ways = (find_group(group, "/".join(steps[:n])) for n in range(1, len(steps)))
    return any(way is not None and is_column_group(way) for way in ways)


def _labelled_by_table(group: h5py.Group, name: str, codes: h5py.Dataset) -> _Found:
    """Find the level names of codes as anndata 0.7 (by reference) and SeuratDisk (by name alone) store them."""
    reference = attribute(codes, "categories")
    tables = find_group(group, LEVEL_TABLES)
    labels = find_dataset(tables, name) if tables is not None else None
    if labels is not None:
        note = None if reference is not None else f"level names taken from {LEVEL_TABLES} by name"
        return _Found(name, labelled_content(codes, labels, ordered=is_ordered(labels)), note)
    if reference is None:
        return _Found(name, content_of(codes))
    labels = _referenced_labels(codes, reference, [part for part in (tables, group) if part is not None])
    if labels is None:
        return _Found(name, content_of(codes), "its reference to level names does not lead to any in this frame")
    return _Found(name, labelled_content(codes, labels, ordered=is_ordered(labels)))


def _referenced_labels(codes: h5py.Dataset, reference: object, places: Sequence[h5py.Group]) -> h5py.Dataset | None:
    if not isinstance(reference, h5py.Reference):
        return None
    try:
        address = h5o.get_info(h5r.dereference(reference, codes.id)).addr
    except HDF5_ERRORS:
        return None
    # A reference can lead anywhere, to the matrix for one; it counts only if it leads to a list of this frame.
    for place in places:
        for dataset in _datasets_in(place):
            if len(dataset.shape or ()) == 1 and h5o.get_info(dataset.id).addr == address:
                return dataset
    return None


def _datasets_in(group: h5py.Group) -> Iterator[h5py.Dataset]:
    for name in part_names(group):
        part = find_part(group, name)
        if isinstance(part, h5py.Dataset):
            yield part


def _only_unique_texts(columns: Sequence[_Found]) -> _Found | None:
    """Return the column of row names in a frame that does not say which it is."""
    unique = [column for column in columns if isinstance(column.content, Plain) and _is_unique_text(column.content)]
    return unique[0] if len(unique) == 1 else None


def _is_unique_text(content: Plain) -> bool:
    if content.kind != "string" or not len(content.values):
        return False
    try:
        head = content.values.read(0, min(HEAD_ROWS, len(content.values))).tolist()
    except PartError:
        return False
    return len(set(head)) == len(head)


def _most_agreed(index: _Found | None, columns: Sequence[_Found], n_elsewhere: Sequence[int]) -> int:
    """Take the number of rows that most parts agree on, the index being asked first."""
    contents = [found.content for found in (index, *columns) if found is not None]
    lengths = [length for length in map(length_of, contents) if length is not None]
    votes = Counter([*lengths, *n_elsewhere])
    if not votes:
        raise PartError("without an index or a column that could be read")
    n = votes.most_common(1)[0][0]
    if n > MOST_ROWS:
        raise PartError(f"declared to have {n:,} rows, more than the {MOST_ROWS:,} that can be true")
    return n


def _encoding(group: h5py.Group) -> str:
    kind, version = text_attribute(group, "encoding-type"), text_attribute(group, "encoding-version")
    if kind is None:
        return "group without encoding attributes"
    return harmless(f"{kind} {version}" if version else kind)


def _compound_frame(dataset: h5py.Dataset, uns: h5py.Group | None) -> Frame:
    fields = list(dataset.dtype.names)
    index = "index" if "index" in fields else fields[0]
    columns = _read_together(
        dataset, [_Found(name, _field_content(dataset, name, uns)) for name in fields if name != index]
    )
    n = int(dataset.shape[0])
    if n > MOST_ROWS:
        raise PartError(f"declared to have {n:,} rows, more than the {MOST_ROWS:,} that can be true")
    found = _Found(index, plain_content(dataset, index))
    return Frame(n, "compound (anndata 0.4-0.6)", _shown(found), _all_shown(columns))


def _field_content(dataset: h5py.Dataset, field: str, uns: h5py.Group | None) -> Content:
    # A text column may have the name of a level table by chance; only codes are integers.
    if uns is not None and kind_of(dataset.dtype[field]) == "integer":
        labels = find_dataset(uns, f"{field}_categories")
        if labels is not None:
            return labelled_content(dataset, labels, field=field)
    return plain_content(dataset, field)


def _read_together(dataset: h5py.Dataset, columns: Sequence[_Found]) -> list[_Found]:
    """Let the codes of a compound frame be read in one pass: a pass for one field costs as much as one for all."""
    codes = {found.name: found.content for found in columns if isinstance(found.content, Labelled)}
    together = FieldsTogether(dataset, tuple(codes))
    return [
        replace(found, content=replace(codes[found.name], codes=replace(codes[found.name].codes, together=together)))
        if found.name in codes
        else found
        for found in columns
    ]


def _shown(index: _Found | None) -> StoredColumn | None:
    return None if index is None else StoredColumn(harmless(index.name), index.content, index.note)


def _all_shown(columns: Sequence[_Found]) -> tuple[StoredColumn, ...]:
    names = unlike(harmless(column.name) or "(no name)" for column in columns)
    return tuple(StoredColumn(name, found.content, found.note) for name, found in zip(names, columns, strict=True))
