"""Level names that are composites of several factors: ``KO_tumor_1``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from edviz.counting import Ints
from edviz.infer.relations import contingency, relate

SEPARATORS = re.compile(r"[_\-./|: ]+")
EDGES = re.compile(r"[_\-./|: ]+|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
LEAST_ALIGNED = 0.9


@dataclass(frozen=True)
class Part:
    """One position of composite level names.

    Attributes
    ----------
    levels
        The distinct texts at this position.
    of_level
        For each level of the column the position of its text in `levels`, shape (n_levels,).
    replicate_index
        Whether it counts 1, 2, ... anew within each combination of the other parts.
    """

    levels: tuple[str, ...]
    of_level: Ints
    replicate_index: bool = False


@dataclass(frozen=True)
class Composite:
    """How the level names of a column come apart.

    Attributes
    ----------
    parts
        Positions that vary, equal ones merged.
    aligned
        Share of the levels that have the usual number of positions; below 1 they cannot be split.
    mixed
        Whether a part holds words beside numbers with a unit, so that it may be two factors.
    """

    parts: tuple[Part, ...]
    aligned: float
    mixed: bool


def find_composite(levels: Sequence[str]) -> Composite | None:
    """Take level names apart if their parts make a design of their own.

    The combination of parts must name each level uniquely, have fewer texts than there are
    levels, and its parts must be crossed, nested, or connected.
    """
    if len(levels) < 4 or len(levels) > 2000:
        return None
    for split in (SEPARATORS.split, EDGES.split):
        composite = _taken_apart(levels, split)
        if composite is not None:
            return composite
    return None


def _taken_apart(levels: Sequence[str], split: Callable[[str], list[str]]) -> Composite | None:
    tokens = [[token for token in split(level.strip()) if token] for level in levels]
    lengths = [len(parts) for parts in tokens]
    usual = max(set(lengths), key=lambda length: (lengths.count(length), -length))
    aligned = lengths.count(usual) / len(levels)
    if usual < 2 or aligned < LEAST_ALIGNED:
        return None
    rows = [parts for parts in tokens if len(parts) == usual]
    parts = _distinct_parts(rows)
    if len(parts) < 2 or not _is_design(parts, len(rows)):
        return None
    parts[-1] = _marked_replicate_index(parts[-1], parts[:-1])
    mixed = any(_mixes_words_and_quantities(part.levels) for part in parts)
    return Composite(tuple(parts), aligned, mixed)


def _distinct_parts(rows: Sequence[Sequence[str]]) -> list[Part]:
    parts: list[Part] = []
    for column in zip(*rows, strict=True):
        levels = tuple(dict.fromkeys(column))
        part = Part(levels, np.array([levels.index(text) for text in column], dtype=np.int64))
        if len(levels) > 1 and not any(_relation(part, known) == "aliased" for known in parts):
            parts.append(part)
    return parts


def _is_design(parts: Sequence[Part], n_levels: int) -> bool:
    if len({tuple(row) for row in zip(*(part.of_level for part in parts), strict=True)}) < n_levels:
        return False
    if any(len(part.levels) == n_levels for part in parts) or sum(len(part.levels) for part in parts) >= n_levels:
        return False
    return all(_connected(a, b) for a, b in combinations(parts, 2))


def _connected(a: Part, b: Part) -> bool:
    found = relate(contingency(a.of_level, b.of_level))
    return found.relation != "partially_crossed" or found.components == 1


def _relation(a: Part, b: Part) -> str:
    return relate(contingency(a.of_level, b.of_level)).relation


def _marked_replicate_index(part: Part, others: Sequence[Part]) -> Part:
    """Mark a part whose numbers start again at 1 in every combination of the other parts."""
    if not all(level.isdigit() for level in part.levels):
        return part
    numbers: dict[tuple[int, ...], list[int]] = {}
    for row, code in enumerate(part.of_level):
        numbers.setdefault(tuple(int(other.of_level[row]) for other in others), []).append(int(part.levels[code]))
    restarts = all(sorted(group) == list(range(min(group), min(group) + len(group))) for group in numbers.values())
    starts = {min(group) for group in numbers.values()}
    if len(numbers) > 1 and restarts and starts <= {0, 1} and len(starts) == 1:
        return Part(part.levels, part.of_level, replicate_index=True)
    return part


def _mixes_words_and_quantities(levels: Sequence[str]) -> bool:
    quantities = [bool(re.fullmatch(r"\d+(\.\d+)?\s*[A-Za-z]+", level)) for level in levels]
    words = [bool(re.fullmatch(r"[A-Za-z]+", level)) for level in levels]
    return any(quantities) and any(words) and all(a or b for a, b in zip(quantities, words, strict=True))
