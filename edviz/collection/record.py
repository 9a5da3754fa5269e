"""What became of one file of many: a result, or the sentence that says why there is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from edviz.errors import EdvizError
from edviz.h5ad.strings import harmless

Result = TypeVar("Result")


@dataclass(frozen=True)
class Record(Generic[Result]):
    """The result of one file.

    Attributes
    ----------
    path
        The file as it was named or found; of an address, without passwords and tokens.
    error
        Why there is no result, in one sentence, or None.
    result
        What the work returned, or None.
    """

    path: str
    error: str | None
    result: Result | None

    @property
    def reason(self) -> str | None:
        """The error without the name of the file."""
        if self.error is None:
            return None
        # Errors name a file as pathlib writes it.
        named = self.path if "://" in self.path else os.fspath(Path(self.path))
        return self.error.removeprefix(f"{harmless(named, longest=1000)} ")


def record_of(location: str, work: Callable[[str], Result]) -> Record[Result]:
    """Work on one file, whatever becomes of it: the step that a run over many files repeats.

    Parameters
    ----------
    location
        A path, or the address of a file on a server.
    work
        What to do with it, for instance a function of `edviz.collection.work`.

    Examples
    --------
    >>> from edviz.collection.work import summary_of_file
    >>> print(record_of("none.h5ad", summary_of_file).error)
    none.h5ad does not exist; give the path of an .h5ad file.
    """
    try:
        return Record(shown_path(location), None, work(location))
    except EdvizError as error:
        return Record(shown_path(location), _one_line(str(error)), None)
    except OSError as error:
        return Record(shown_path(location), f"{shown_path(location)} cannot be read: {error.strerror or error}.", None)
    except MemoryError:
        return Record(shown_path(location), f"{shown_path(location)} needs more memory than there is.", None)


def shown_path(location: str | os.PathLike[str]) -> str:
    """Return a path as it is, and an address without passwords and tokens."""
    text = os.fspath(location)
    if "://" not in text:
        return text
    from edviz.remote import location_of

    try:
        found = location_of(text)
    except EdvizError:
        return text.partition("://")[0] + "://…"
    return text if found is None else found.shown


def _one_line(text: str) -> str:
    return " ".join(text.split("\n"))
