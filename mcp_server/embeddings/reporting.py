"""How a method tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[float], None]
"""Is given the share of the work that is done."""


def part_of(tell: Tell, start: float, end: float) -> Tell:
    """Return what tells of a part of the work, which begins and ends at these shares of the whole."""
    return lambda share: tell(start + (end - start) * share)


def silent(_: float) -> None:
    """Tell nobody."""
