"""What can be wrong with the structure of a file, and what follows from it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

Consequence = Literal["refuse", "skip", "unknown"]
"""`refuse` the file before HDF5 sees it, `skip` the part, or leave it to HDF5 because it is `unknown` here."""

NOT_FOLLOWED = (struct.error, ArithmeticError, LookupError, ValueError)
"""What taking damaged bytes apart raises, in no way that tells one damage from another."""


@dataclass(frozen=True)
class Fault:
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
    """A structure that is not followed; the text is the reason of a fault."""

    def __init__(self, reason: str, consequence: Consequence = "skip") -> None:
        super().__init__(reason)
        self.consequence = consequence


class SpentError(Exception):
    """A walk that has read as much as it may."""
