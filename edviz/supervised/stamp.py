"""Whether a local file is still the one whose reading began: what is read of a file that changes is of no file."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from edviz.errors import H5adError
from edviz.h5ad.strings import harmless

State = tuple[int, int, int, int]


class Stamp:
    """Identity, size and time of change of a file at the beginning of a reading; nothing for an address."""

    def __init__(self, location: str | PathLike[str]) -> None:
        self._path = fspath(location)
        self._state = _state_of(self._path)

    def check(self) -> None:
        """Check that the file is the same.

        Raises
        ------
        H5adError
            If it was written to, replaced or removed.
        """
        if self._state is not None and _state_of(self._path) != self._state:
            raise H5adError(f"{harmless(self._path)} was changed while it was read; read it again when it is complete")


def _state_of(path: str) -> State | None:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
