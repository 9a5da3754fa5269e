"""Colours that people with any colour vision can tell apart, and which level gets which.

The first eight are those of Okabe and Ito (2008). The others were added one by one, each as far as can be from all
before it (Glasbey et al. 2007). The distance of two colours is the least that protan, deutan and tritan vision see
(Machado et al. 2009), or half of what normal vision sees, in Oklab; `python -m tests.embeddings.palette` finds them
again. No set of so many is safe by itself: plots with more than eight levels carry labels, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcp_server.embeddings.reading import Codes, Levels

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
PALETTE = (
    *OKABE_ITO,
    "#87005A",
    "#9600FF",
    "#5A4B00",
    "#3C0FC3",
    "#00E196",
    "#8778FF",
    "#C31E96",
    "#87695A",
    "#4B3C78",
    "#E13CE1",
    "#FFB4FF",
    "#87B469",
    "#A52D3C",
    "#5A4BD2",
    "#690096",
    "#FF78E1",
    "#FFB487",
    "#A5C3C3",
    "#874B78",
    "#78872D",
    "#FF1E78",
    "#B4D200",
    "#96F0A5",
    "#3CFF78",
    "#00693C",
    "#7878C3",
    "#961E96",
    "#3CC30F",
    "#A54B00",
    "#FF875A",
    "#D2A5A5",
    "#0FE1FF",
)
MOST_NAMED = 40
GREY, LIGHT_GREY = "#9A9A9A", "#DDDDDD"
OTHER, MISSING = "other", "missing"


@dataclass(frozen=True)
class Entry:
    """A line of a legend.

    Attributes
    ----------
    n
        How many cells there are of it.
    is_rest
        Whether it stands for all that has no name of its own.
    """

    name: str
    colour: str
    n: int
    is_rest: bool = False


@dataclass(frozen=True)
class Key:
    """Which colour each cell has, and what the colours mean.

    Attributes
    ----------
    entries
        In the order of the levels; what has no name of its own comes last.
    places
        For each cell the place of its entry.
    n_unnamed
        Levels that share the entry "other".
    """

    name: str
    entries: tuple[Entry, ...]
    places: Codes
    n_unnamed: int = 0

    @property
    def named(self) -> tuple[Entry, ...]:
        """The entries that stand for one level."""
        return tuple(entry for entry in self.entries if not entry.is_rest)


def key_of(levels: Levels) -> Key:
    """Give the levels that occur a colour each; of more than 40, the most frequent, and grey the rest."""
    counts = np.bincount(levels.codes[levels.codes >= 0], minlength=len(levels.names))
    present = np.flatnonzero(counts)
    named = present
    if len(present) > MOST_NAMED:
        named = np.sort(present[np.argsort(-counts[present], kind="stable")[:MOST_NAMED]])
    n_other = int(counts.sum() - counts[named].sum())
    n_missing = int(np.count_nonzero(levels.codes < 0))
    entries = [Entry(levels.names[code], PALETTE[place], int(counts[code])) for place, code in enumerate(named)]
    place_of_code = np.full(len(levels.names) + 1, len(entries))
    place_of_code[named] = np.arange(len(named))
    if n_other:
        n_levels = len(present) - len(named)
        entries.append(Entry(f"{OTHER}: {n_levels:,} rarer", GREY, n_other, is_rest=True))
    if n_missing:
        place_of_code[-1] = len(entries)
        entries.append(Entry(MISSING, LIGHT_GREY, n_missing, is_rest=True))
    return Key(levels.name, tuple(entries), place_of_code[levels.codes], len(present) - len(named))
