"""What a stored column consists of, told from its structure first and from its attributes second."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from edviz.h5ad.parts import PartError, attribute, has_part, open_part, text_attribute
from edviz.h5ad.strings import harmless
from edviz.h5ad.values import Values, kind_of, values_of
from edviz.table import ColumnKind


@dataclass(frozen=True)
class Labelled:
    """Codes that point into a list of level names.

    Attributes
    ----------
    labels
        The names as a dataset, or themselves where they are part of the data type.
    numbers
        The stored number of each name; None where numbers are positions, which is usual.
    """

    codes: Values
    labels: h5py.Dataset | tuple[str, ...]
    ordered: bool = False
    numbers: tuple[int, ...] | None = None
    kind: ColumnKind = "categorical"


@dataclass(frozen=True)
class Plain:
    """Values that stand for themselves; where `mask` is true the value is missing."""

    values: Values
    kind: ColumnKind
    mask: Values | None = None


@dataclass(frozen=True)
class LeftOut:
    """A column that is not read, and why."""

    reason: str
    kind: ColumnKind = "other"


Content = Labelled | Plain | LeftOut


@dataclass(frozen=True)
class StoredColumn:
    """A column as it is stored.

    Attributes
    ----------
    name
        Made harmless and unlike the other names of the frame.
    note
        What a person should know of the place where it was found, or None.
    """

    name: str
    content: Content
    note: str | None = None


def content_of(part: h5py.Group | h5py.Dataset) -> Content:
    """Recognise the content of a column by its structure."""
    try:
        return _content_of_group(part) if isinstance(part, h5py.Group) else plain_content(part)
    except PartError as error:
        return LeftOut(str(error))


def length_of(content: Content) -> int | None:
    """Count the values of a column, or return None for one that is left out."""
    if isinstance(content, LeftOut):
        return None
    return len(content.codes if isinstance(content, Labelled) else content.values)


def plain_content(dataset: h5py.Dataset, field: str | None = None) -> Content:
    """Take a dataset, or a field of it, as values that stand for themselves."""
    dtype = dataset.dtype if field is None else dataset.dtype[field]
    kind = kind_of(dtype)
    try:
        values = values_of(dataset, field)
        if kind == "other":
            return LeftOut(f"values of the type {harmless(str(dtype))}, neither text nor numbers")
        members = h5py.check_enum_dtype(dtype)
        return Plain(values, kind) if members is None else _enumerated(values, members)
    except PartError as error:
        return LeftOut(str(error), kind)


def labelled_content(
    codes: h5py.Group | h5py.Dataset,
    labels: h5py.Group | h5py.Dataset,
    *,
    field: str | None = None,
    ordered: bool = False,
) -> Content:
    """Take a dataset, or a field of it, as codes of level names."""
    try:
        values = values_of(_dataset(codes, "codes"), field)
        if values.dtype.kind not in "iufb":
            raise PartError("its codes are not numbers")
        return Labelled(values, _label_dataset(labels), ordered)
    except PartError as error:
        return LeftOut(str(error), "categorical")


def is_ordered(part: h5py.Group | h5py.Dataset) -> bool:
    """Read the attribute `ordered`: a boolean, a number, or in R an enumeration with 2 for NA."""
    value = np.asarray(attribute(part, "ordered")).ravel()
    return value.dtype.kind in "iub" and value.tolist() == [1]


def is_column_group(group: h5py.Group) -> bool:
    """Say whether a group is a column, rather than a step on the way to one with `/` in its name."""
    return any(has_part(group, name) for name in ("codes", "values")) or attribute(group, "encoding-type") is not None


def _content_of_group(group: h5py.Group) -> Content:
    if has_part(group, "codes") and has_part(group, "categories"):
        return _categorical(group)
    if has_part(group, "values") and has_part(group, "mask"):
        return _nullable(group)
    encoding = text_attribute(group, "encoding-type")
    what = f"a group of type {harmless(encoding)}" if encoding else "a group of unknown type"
    return LeftOut(f"not one value per observation: {what}")


def _categorical(group: h5py.Group) -> Content:
    try:
        codes, labels = open_part(group, "codes"), open_part(group, "categories")
    except PartError as error:
        return LeftOut(str(error), "categorical")
    return labelled_content(codes, labels, ordered=is_ordered(group))


def _nullable(group: h5py.Group) -> Content:
    content = plain_content(_dataset(open_part(group, "values"), "values"))
    if not isinstance(content, Plain):
        return content
    try:
        mask = values_of(_dataset(open_part(group, "mask"), "mask"))
    except PartError as error:
        return LeftOut(str(error), content.kind)
    if len(mask) != len(content.values) or mask.dtype.kind not in "biu":
        return LeftOut("its mask does not fit its values", content.kind)
    return Plain(content.values, content.kind, mask)


def _enumerated(values: Values, members: dict[str, int]) -> Labelled:
    names = sorted(members, key=lambda name: members[name])
    numbers = tuple(int(members[name]) for name in names)
    return Labelled(values, tuple(map(harmless, names)), numbers=numbers)


def _label_dataset(labels: h5py.Group | h5py.Dataset) -> h5py.Dataset:
    # anndata 0.13 writes level names as a nullable array; a level is never missing, so its mask says nothing.
    if isinstance(labels, h5py.Group):
        labels = open_part(labels, "values")
    return _dataset(labels, "level names")


def _dataset(part: h5py.Group | h5py.Dataset, what: str) -> h5py.Dataset:
    if not isinstance(part, h5py.Dataset):
        raise PartError(f"its {what} are no list")
    return part
