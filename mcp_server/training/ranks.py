"""Which of the processes that train a model together a process is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rank:
    """One of the processes that train a model together.

    Attributes
    ----------
    number
        From 0; the first one writes.
    of
        How many there are.
    """

    number: int
    of: int


ALONE = Rank(0, 1)
