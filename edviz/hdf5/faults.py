"""What can be wrong with the structure of a file, and what follows from it."""

from __future__ import annotations

import struct
from types import TracebackType
from typing import Literal, NamedTuple

Consequence = Literal["refuse", "skip", "unknown"]
"""`refuse` the file before HDF5 sees it, `skip` the part, or leave it to HDF5 because it is `unknown` here."""

MOST_FAULTS = 1000
NOT_FOLLOWED = (struct.error, ArithmeticError, LookupError, MemoryError, ValueError)
"""What taking damaged bytes apart raises, in no way that tells one damage from another."""


class Fault(NamedTuple):
    """Something that is wrong or unknown at one place of a file.

    Attributes
    ----------
    path
        The object, as the file names it: bytes that are not UTF-8 are lone surrogates, and nothing is made harmless.
        An attribute follows its object after `@`.
    reason
        Words that follow the name of the part.
    """

    path: str
    consequence: Consequence
    reason: str


class StructureError(Exception):
    """A structure that is not followed; the text is the reason of a fault.

    Attributes
    ----------
    consequence
        None if it depends on the place.
    """

    def __init__(self, reason: str, consequence: Consequence | None = None) -> None:
        super().__init__(reason)
        self.consequence = consequence


class SpentError(Exception):
    """A walk that has read as much as it may."""


class Notes:
    """Takes down what goes wrong at one place of a file, so that the walk goes on with the next.

    Parameters
    ----------
    path
        The place.
    faults
        Where to add faults.
    consequence
        What follows from a structure that cannot be followed here.

    Examples
    --------
    >>> faults: list[Fault] = []
    >>> with Notes("/obs", faults):
    ...     raise StructureError("outside the file")
    >>> faults
    [Fault(path='/obs', consequence='skip', reason='outside the file')]
    """

    __slots__ = ("_consequence", "_faults", "path")

    def __init__(self, path: str, faults: list[Fault], consequence: Consequence = "skip") -> None:
        self.path = path
        self._faults = faults
        self._consequence = consequence

    def below(self, name: str) -> Notes:
        """Return notes for a part of this place."""
        return Notes(self.path + name, self._faults, self._consequence)

    def add(self, reason: str, consequence: Consequence | None = None) -> None:
        """Note a fault.

        Raises
        ------
        SpentError
            If there are so many that no one will read on.
        """
        if len(self._faults) >= MOST_FAULTS:
            raise SpentError
        self._faults.append(Fault(self.path, consequence or self._consequence, reason))

    def __enter__(self) -> None:
        """Begin something that may go wrong."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Note what went wrong, if it is the fault of the file."""
        if isinstance(error, StructureError):
            self.add(str(error), error.consequence)
            return True
        if isinstance(error, NOT_FOLLOWED):
            self.add("damaged in a way that cannot be followed")
            return True
        return False
