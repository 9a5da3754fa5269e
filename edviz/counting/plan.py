"""How to count many columns at once: which are functions of an anchor, and which are packed together.

The anchor is a column such as the sample, of which most others are functions. A function needs no
table: it is enough to check, observation by observation, that it has the level that its anchor's
level had before. Of the other columns, several with few levels are packed into one number, so that
one table holds what all of them have to do with the anchor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edviz.counting.rows import Ints

MOST_PACKED = 512
"""Codes that several columns may have when they are packed into one number."""
LARGEST_ANCHOR = 1 << 16
MOST_EXCEPTIONS = 0.1
"""A column with more exceptions than this share of the observations is no function of the anchor."""
LEAST_REPEATED = 0.25
"""What an anchor's level had before must be known for this share of a probe, or functions are chance."""


@dataclass(frozen=True)
class Plan:
    """How each column is counted.

    Attributes
    ----------
    anchor
        The column that the functions are functions of, or None if there is no such column.
    packs
        The other columns, in groups that are counted as one.
    """

    anchor: str | None
    functions: tuple[str, ...]
    packs: tuple[tuple[str, ...], ...]


def make_plan(
    probe: Mapping[str, NDArray[np.signedinteger]], sizes: Mapping[str, int], *, barred: Iterable[str] = ()
) -> Plan:
    """Choose an anchor from what a probe shows; counting itself finds out where the probe was wrong.

    Parameters
    ----------
    probe
        Codes of some observations of each column.
    sizes
        Numbers that the codes of each column stay below.
    barred
        Columns that are not to be taken as functions.
    """
    names, kept = list(sizes), set(barred)
    codes = {name: np.asarray(probe[name], dtype=np.int64) + 1 for name in names}
    n_seen = {name: int(np.count_nonzero(np.bincount(codes[name], minlength=1))) for name in names}
    # Nearly everything tells a column that is nearly constant: an anchor must tell its rare levels, too.
    rare = {name: len(codes[name]) - int(np.bincount(codes[name], minlength=1).max()) for name in names}
    found: dict[str, list[str]] = {}
    for name in names:
        if 1 < sizes[name] <= LARGEST_ANCHOR and name not in kept:
            repeated = len(codes[name]) - n_seen[name]
            # A function has no more levels than its anchor.
            others = [other for other in names if other != name and other not in kept and n_seen[other] <= n_seen[name]]
            if repeated >= LEAST_REPEATED * len(codes[name]):
                found[name] = [
                    other
                    for other in others
                    if _n_exceptions(codes, sizes, other, name) <= min(MOST_EXCEPTIONS * repeated, rare[other] / 2)
                ]
    anchor = max(found, key=lambda name: (len(found[name]), -sizes[name]), default=None)
    functions = tuple(found[anchor]) if anchor is not None else ()
    if not functions:
        anchor = None
    others = [name for name in names if name != anchor and name not in functions]
    return Plan(anchor, functions, tuple(_packed(others, sizes)))


def _n_exceptions(codes: Mapping[str, Ints], sizes: Mapping[str, int], name: str, anchor: str) -> int:
    """Count the rows in which a column differs from what the last row with the same level of the anchor has."""
    last = np.zeros(sizes[anchor] + 1, dtype=np.int64)
    last[codes[anchor]] = codes[name]
    return int(np.count_nonzero(last[codes[anchor]] != codes[name]))


def _packed(names: Sequence[str], sizes: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Group columns so that the combinations of each group are few; small columns first, in a stable order."""
    packs: list[list[str]] = []
    room: list[int] = []
    for name in sorted(names, key=lambda name: -sizes[name]):
        size = sizes[name] + 1
        place = next((place for place, left in enumerate(room) if size <= left), None)
        if place is None:
            packs.append([name])
            room.append(MOST_PACKED // size)
        else:
            packs[place].append(name)
            room[place] //= size
    return [tuple(pack) for pack in packs]
