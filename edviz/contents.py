"""What an .h5ad file holds, as data: shape, species, where the counts are, and the parts of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edviz.table import ColumnKind

SpeciesName = Literal["human", "mouse", "zebrafish", "fly", "unknown"]


@dataclass(frozen=True)
class Species:
    """The species of a file.

    Attributes
    ----------
    name
        `unknown` also stands for every species but the four.
    evidence
        What was seen, in words.
    """

    name: SpeciesName
    evidence: str


@dataclass(frozen=True)
class CheckedMatrix:
    """What a sample of the values of one matrix says.

    Attributes
    ----------
    location
        `X`, `raw/X` or `layers/<name>`.
    n_values
        How many values were looked at; of a sparse matrix, stored ones.
    verdict
        `counts`, or in words what it is instead.
    largest
        The largest value among them, or None if there was none.
    """

    location: str
    n_values: int
    verdict: str
    largest: float | None = None


@dataclass(frozen=True)
class CountsLocation:
    """Where the raw counts are.

    Attributes
    ----------
    location
        The matrix to use, or None if no matrix holds counts.
    checked
        Every matrix of the file, in the order of the file.
    """

    location: str | None
    checked: tuple[CheckedMatrix, ...]


@dataclass(frozen=True)
class SchemaHint:
    """A sign that a file follows a convention.

    Attributes
    ----------
    name
        The convention.
    version
        As the file states it, or None.
    evidence
        What was seen, in words.
    """

    name: str
    version: str | None
    evidence: str


@dataclass(frozen=True)
class Encoding:
    """How the parts of a file are encoded.

    Attributes
    ----------
    root
        What the file says of itself, None before anndata 0.8 and from some other writers.
    writer
        The program that may have written it, a guess.
    """

    root: str | None
    obs: str
    var: str | None
    writer: str


@dataclass(frozen=True)
class ColumnSummary:
    """A column of obs, as far as its structure tells.

    Attributes
    ----------
    set_aside
        Why it is no candidate factor whatever its values are, or None if they decide.
    """

    name: str
    kind: ColumnKind
    set_aside: str | None = None


@dataclass(frozen=True)
class VarSummary:
    """The variables.

    Attributes
    ----------
    index
        Name of the index, or None if there is none.
    examples
        A few names from the index, or from another column where the index has none.
    """

    index: str | None
    columns: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True)
class MatrixSummary:
    """A matrix, without its values."""

    encoding: str
    dtype: str | None
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class NamedMatrix:
    """A matrix of `layers`, `obsm`, `varm`, `obsp` or `varp`, without its values."""

    name: str
    encoding: str
    dtype: str | None
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class RawSummary:
    """What `raw` holds."""

    n_vars: int | None
    x: MatrixSummary | None


@dataclass(frozen=True)
class H5adSummary:
    """What is in an .h5ad file.

    Attributes
    ----------
    path
        As it was given.
    file_size
        In bytes.
    n_vars
        None if neither var nor X says.
    uns
        Names only.
    notes
        What a person should know of the way in which the file was read.
    """

    path: str
    file_size: int
    n_obs: int
    n_vars: int | None
    species: Species
    counts: CountsLocation
    x: MatrixSummary | None
    raw: RawSummary | None
    layers: tuple[NamedMatrix, ...]
    obs: tuple[ColumnSummary, ...]
    var: VarSummary
    obsm: tuple[NamedMatrix, ...]
    varm: tuple[NamedMatrix, ...]
    obsp: tuple[NamedMatrix, ...]
    varp: tuple[NamedMatrix, ...]
    uns: tuple[str, ...]
    encoding: Encoding
    schema: tuple[SchemaHint, ...]
    notes: tuple[str, ...] = ()
