"""An .h5ad file, opened for reading by its structure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import h5py

from edviz.errors import H5adError
from edviz.h5ad.ahead import Ahead
from edviz.h5ad.frame import Frame, read_frame
from edviz.h5ad.matrices import Matrix, matrix_of
from edviz.h5ad.opening import open_hdf5
from edviz.h5ad.parts import PartError, find_group, find_part, open_part, part_names
from edviz.h5ad.sources import Source

if TYPE_CHECKING:
    from edviz.hdf5 import Purpose

OLD_RAW = "raw.X"
"""Where anndata before 0.7 kept the matrix of `raw`."""


@dataclass(frozen=True)
class H5adFile:
    """An open file, of which only the structure of obs has been read.

    Attributes
    ----------
    path
        Where it is, made harmless.
    size
        In bytes.
    root
        The file itself, for parts that have no name here.
    obs
        The observations.
    ahead
        Is told what will be read.
    """

    path: str
    size: int
    root: h5py.File
    obs: Frame
    ahead: Ahead

    def frame(self, path: str, *, n_columns: int | None = None) -> Frame | None:
        """Read the structure of another frame, such as `var`; None if there is no readable one.

        Parameters
        ----------
        path
            Where it is.
        n_columns
            The number of rows that its matrix says it has.
        """
        try:
            votes = () if n_columns is None else (n_columns,)
            return read_frame(open_part(self.root, path), uns=find_group(self.root, "uns"), n_elsewhere=votes)
        except PartError:
            return None

    def matrix(self, location: str) -> Matrix | None:
        """Describe the matrix at `X`, `raw/X` or `layers/<name>`; None if there is none."""
        part = find_part(self.root, location)
        if part is None and location == "raw/X":
            part = find_part(self.root, OLD_RAW)
        return None if part is None else matrix_of(part)

    def names(self, path: str) -> list[str]:
        """List the parts of a group such as `layers`, as the file names them; empty if there is no such group."""
        group = find_group(self.root, path)
        return [] if group is None else part_names(group)


@contextmanager
def open_h5ad(location: str | PathLike[str] | Source, *, purpose: Purpose = "factors") -> Iterator[H5adFile]:
    """Open an .h5ad file for reading only, and close it again.

    Parameters
    ----------
    location
        A path, the address of a file on a server (http, https, s3 or gs), or a source that is ready.
    purpose
        What will be found out first: from a server, what that takes is fetched in advance.

    Examples
    --------
    >>> with open_h5ad("pbmc.h5ad") as h5ad:  # doctest: +SKIP
    ...     print(h5ad.obs.n)

    Raises
    ------
    H5adError
        If it is no .h5ad file; the text says what it is and what would be right.
    """
    with open_hdf5(location, purpose=purpose) as file:
        root = file.root
        try:
            part = open_part(root, "obs")
            obs = read_frame(part, uns=find_group(root, "uns"), n_elsewhere=_rows_of_matrices(root))
        except PartError as error:
            raise H5adError(f"{file.shown} cannot be read: its obs is {error}.") from error
        yield H5adFile(file.shown, file.size, root, obs, file.ahead)


def _rows_of_matrices(file: h5py.File) -> list[int]:
    found = (find_part(file, location) for location in ("X", "raw/X", OLD_RAW))
    shapes = (matrix_of(part).shape for part in found if part is not None)
    return [shape[0] for shape in shapes if shape]
