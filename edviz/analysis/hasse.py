"""The lattice of the factors of a design, with degrees of freedom, and its Hasse diagram as text.

Factors are closed under combination (meet, ∧) and under what they have in common (join, ∨); the universe is
the coarsest. See Bailey (2008), Design of Comparative Experiments, chapter 10. In general a factor has as many
degrees of freedom as it adds to the rank of what comes before it; in an orthogonal design that is the number of
its levels less the degrees of freedom of all coarser elements (Tjur 1984).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from edviz.analysis.orthogonality import are_orthogonal
from edviz.analysis.partition import Ints, canonical, join, meet, n_classes, refines
from edviz.analysis.rank import best_echelon
from edviz.analysis.units import UnitTable
from edviz.errors import DesignError

UNIVERSE = "universe"
MOST_ELEMENTS = 64
"""More elements are no picture that helps; twelve crossed factors would have 4,096."""

MOST_ENTRIES = 2_000_000
"""Units times levels of all elements: their ranks take a second."""


@dataclass(frozen=True)
class Element:
    """A partition of the units.

    Attributes
    ----------
    name
        Of one factor, or of factors joined by ∧ or ∨.
    same_as
        Names of other factors, and combinations of factors, that are the same partition.
    n_levels
        Number of classes.
    df
        What it adds to the rank of all elements before it (coarser ones first).
    df_if_orthogonal
        Number of classes less the degrees of freedom of all coarser elements.
    under
        Names of the next coarser elements: the lines of the Hasse diagram.
    depth
        Number of lines of the longest way up to the universe.
    """

    name: str
    same_as: tuple[str, ...]
    n_levels: int
    df: int
    df_if_orthogonal: int
    under: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True)
class Lattice:
    """The elements of a lattice, coarser ones first.

    Attributes
    ----------
    n_units
        Units on which all factors are known.
    elements
        The universe first.
    orthogonal
        Whether every pair of elements is.
    closed
        Whether all combinations and joins are there; False where there were too many.
    notes
        Why the degrees of freedom by formula and by rank differ, and what was left out.
    """

    n_units: int
    elements: tuple[Element, ...]
    orthogonal: bool
    closed: bool
    notes: tuple[str, ...]

    def element(self, name: str) -> Element:
        """Return the element of that name, or that is the same partition as the factor of that name."""
        return next(each for each in self.elements if name == each.name or name in each.same_as)


def lattice(table: UnitTable, names: Sequence[str] | None = None, *, most: int = MOST_ELEMENTS) -> Lattice:
    """Close factors under meet and join.

    Parameters
    ----------
    table
        Units; those where a factor is missing are left out.
    names
        Factors, all by default.
    most
        Combinations and joins are made until there are so many elements, or fewer where they have very many levels.

    Raises
    ------
    DesignError
        If there is no such factor, or the factors have too many levels together.
    """
    known = table.complete(table.names if names is None else names)
    if _too_many_entries([known.of(name) for name in known.names] or [np.zeros(1, dtype=np.int64)]):
        raise DesignError(
            f"the {len(known.names)} factors have too many levels together for {known.n_units} units; "
            f"choose fewer factors"
        )
    partitions, same_as, closed = _closure(known, most)
    order = sorted(partitions, key=lambda name: n_classes(partitions[name]))
    above = {name: _coarser(name, order, partitions) for name in order}
    ranks = _sequential_ranks([partitions[name] for name in order])
    elements: dict[str, Element] = {}
    for name, df in zip(order, ranks, strict=True):
        formula = n_classes(partitions[name]) - sum(elements[other].df_if_orthogonal for other in above[name])
        element = Element(name, tuple(same_as[name]), n_classes(partitions[name]), df, formula)
        under = [other for other in above[name] if not any(other in above[between] for between in above[name])]
        depth = 1 + max((elements[other].depth for other in under), default=-1)
        elements[name] = replace(element, under=tuple(under), depth=depth)
    crossed = [(a, b) for a, b in combinations(order, 2) if not are_orthogonal(partitions[a], partitions[b])]
    notes = tuple(_notes(list(elements.values()), crossed, closed=closed))
    return Lattice(known.n_units, tuple(elements.values()), not crossed, closed, notes)


def hasse_text(found: Lattice) -> str:
    """Draw a Hasse diagram as text: one element a line, indented by its depth, with the elements that it is under.

    Examples
    --------
    >>> from edviz.analysis import unit_table
    >>> oats = {"block": [*"111111222222"], "variety": [*"AABBCCAABBCC"]}
    >>> print(hasse_text(lattice(unit_table(oats))))
                       levels  df  directly under
    universe                1   1
      block                 2   1  universe
      variety               3   2  universe
        block∧variety       6   2  block, variety
    """
    labels = ["  " * each.depth + " = ".join([each.name, *each.same_as]) for each in found.elements]
    both = any(each.df != each.df_if_orthogonal for each in found.elements)
    titles = ["levels", "df", *(["df by formula"] if both else [])]
    width = max(map(len, labels)) + 2
    lines = ["".ljust(width) + "  ".join(titles) + "  directly under"]
    for label, each in zip(labels, found.elements, strict=True):
        numbers = [each.n_levels, each.df, *([each.df_if_orthogonal] if both else [])]
        columns = "  ".join(str(number).rjust(len(title)) for number, title in zip(numbers, titles, strict=True))
        lines.append(f"{label.ljust(width)}{columns}  {', '.join(each.under)}".rstrip())
    return "\n".join([*lines, *found.notes])


def _closure(table: UnitTable, most: int) -> tuple[dict[str, Ints], dict[str, list[str]], bool]:
    """Make all meets and joins, in rounds, so that each partition gets the shortest of its names."""
    partitions: dict[str, Ints] = {}
    same_as: dict[str, list[str]] = {}
    named: dict[bytes, str] = {}

    def add(name: str, codes: Ints, *, given: bool) -> bool:
        key = canonical(codes).tobytes()
        if key in named:
            if given:
                same_as[named[key]].append(name)
            return False
        if not given and (len(partitions) >= most or _too_many_entries([*partitions.values(), codes])):
            return False
        named[key], partitions[name], same_as[name] = name, canonical(codes), []
        return True

    add(UNIVERSE, np.zeros(table.n_units, dtype=np.int64), given=True)
    for name in table.names:
        add(name, table.of(name), given=True)
    given = {name for name in table.names if name not in partitions}
    fresh = list(partitions)
    while fresh:
        latest: list[str] = []
        pairs = [(a, b) for a, b in combinations(partitions, 2) if a in fresh or b in fresh]
        for a, b in pairs:
            for name, codes in _made(a, b, partitions):
                if add(name, codes, given=False):
                    latest.append(name)
                elif canonical(codes).tobytes() not in named:
                    return partitions, same_as, False
        fresh = latest
    # A combination of two given factors that equals a third is worth telling: sample = donor ∧ condition.
    for a, b in combinations([name for name in table.names if name not in given], 2):
        found = named[meet(partitions[a], partitions[b]).tobytes()]
        if found in table.names and found not in (a, b):
            same_as[found].append(f"{a}∧{b}")
    return partitions, same_as, True


def _too_many_entries(partitions: Sequence[Ints]) -> bool:
    return len(partitions[0]) * sum(map(n_classes, partitions)) > MOST_ENTRIES


def _made(a: str, b: str, partitions: dict[str, Ints]) -> Iterator[tuple[str, Ints]]:
    one, other = partitions[a], partitions[b]
    yield _combined_name(a, b), meet(one, other)
    yield f"{_bracketed(a)}∨{_bracketed(b)}", join(one, other)


def _combined_name(a: str, b: str) -> str:
    parts = [part for name in (a, b) for part in (name.split("∧") if "∨" not in name else [f"({name})"])]
    return "∧".join(dict.fromkeys(parts))


def _bracketed(name: str) -> str:
    return f"({name})" if "∧" in name or "∨" in name else name


def _coarser(name: str, order: Sequence[str], partitions: dict[str, Ints]) -> list[str]:
    mine = partitions[name]
    return [
        other for other in order if n_classes(partitions[other]) < n_classes(mine) and refines(mine, partitions[other])
    ]


def _sequential_ranks(partitions: Sequence[Ints]) -> list[int]:
    """Return how much the indicators of each partition add to the rank of those before it."""
    distinct = np.unique(np.stack(partitions, axis=1), axis=0)
    blocks = [(codes[:, None] == np.arange(n_classes(codes))).astype(np.int64) for codes in distinct.T]
    pivots = best_echelon(np.hstack(blocks)).pivots
    ends = np.cumsum([block.shape[1] for block in blocks])
    return [int(added) for added in np.diff(np.searchsorted(pivots, ends), prepend=0)]


def _notes(elements: Sequence[Element], crossed: Sequence[tuple[str, str]], *, closed: bool) -> Iterator[str]:
    if not closed:
        yield (
            f"The lattice has more elements than these {len(elements)}: "
            f"degrees of freedom by formula do not hold; choose fewer factors."
        )
    differing = [each.name for each in elements if each.df != each.df_if_orthogonal]
    if differing and crossed:
        pair = " and ".join(crossed[0])
        yield f"The formula and the rank differ for {', '.join(differing)}: {pair} are not orthogonal; the rank holds."
    elif differing and closed:
        yield f"The formula and the rank differ for {', '.join(differing)}; the rank holds."
