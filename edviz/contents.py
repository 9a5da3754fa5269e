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
    share_at_fault
        Of the values other than 0, the share that no count can be.
    """

    location: str
    n_values: int
    verdict: str
    largest: float | None = None
    share_at_fault: float = 0.0


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
class RowsAtFault:
    """Rows of a matrix that hold values which should not be there.

    Attributes
    ----------
    n_rows, n_values
        How many rows, and how many such values in them.
    names
        Of the first few.
    """

    n_rows: int
    n_values: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class FeatureKind:
    """A kind of what was measured, such as `Gene Expression`, and how many columns are of it."""

    name: str
    n: int


@dataclass(frozen=True)
class CountsScan:
    """What all values of a matrix say, and the names of its columns.

    Attributes
    ----------
    location
        `X`, `raw/X` or `layers/<name>`.
    n_stored
        Values other than 0.
    largest, total
        Of the values that are finite; the total is that of their sizes.
    fractional, negative, not_finite
        Rows with values that are no whole numbers, below 0, and missing or infinite.
    n_empty
        Rows without any count.
    n_duplicates, duplicates
        How many names stand for several columns, and the first few of them.
    features
        What was measured, where the file says it; the commonest first.
    n_namesakes
        Rows whose name another row has, too.
    """

    location: str
    encoding: str
    n_obs: int
    n_vars: int
    n_stored: int
    largest: float
    total: float
    fractional: RowsAtFault
    negative: RowsAtFault
    not_finite: RowsAtFault
    n_empty: int
    n_duplicates: int
    duplicates: tuple[str, ...]
    features: tuple[FeatureKind, ...]
    n_namesakes: int

    @property
    def n_at_fault(self) -> int:
        """How many rows hold values that no count can be, at most: a row may hold several kinds of them."""
        return self.fractional.n_rows + self.negative.n_rows + self.not_finite.n_rows

    @property
    def are_counts(self) -> bool:
        """Whether all values are whole numbers from 0 on, and there are some."""
        return not self.n_at_fault and self.n_stored > 0


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
