"""Which combinations of factors determine another: interactions that have a column, Latin squares, hidden aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from edviz.counting import Ints
from edviz.infer.facts import Facts
from edviz.infer.pair_tables import combine
from edviz.infer.result import DeterminingSet

LARGEST_SET = 3
MOST_FACTORS = 14
"""All triples of more factors than this are too many to report."""


def determining_sets(facts: Facts, names: Sequence[str]) -> tuple[DeterminingSet, ...]:
    """Find for each factor the smallest sets of others, of two or three, whose combination determines it.

    Judged on the table of units. A set whose combinations are all different determines everything
    and says nothing, except of the unit itself; sets that hold a factor that alone determines the
    other are left out.
    """
    names = [name for name in names if facts.is_unit_level(name)][:MOST_FACTORS]
    codes = {name: facts.codes(name) for name in names}
    found: dict[str, list[tuple[str, ...]]] = {name: [] for name in names}
    for size in range(2, LARGEST_SET + 1):
        for chosen in combinations(names, size):
            targets = [
                name for name in names if name not in chosen and not _is_told_by_part(facts, found, name, chosen)
            ]
            if not targets:
                continue
            combined = combine([codes[name] for name in chosen])
            for target in targets:
                if _tells(combined, codes[target], unit=facts.is_unit(target)):
                    found[target].append(chosen)
    return tuple(DeterminingSet(target, chosen) for target in names for chosen in found[target])


def _is_told_by_part(
    facts: Facts, found: Mapping[str, Sequence[tuple[str, ...]]], target: str, chosen: tuple[str, ...]
) -> bool:
    """Whether one or two of the chosen factors determine the target already."""
    if any(set(known) <= set(chosen) for known in found[target]):
        return True
    return any(facts.relation(name, target).relation in ("aliased", "a_nested_in_b") for name in chosen)


def aliased_interactions(facts: Facts, names: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
    """Find interactions of two-level factors that another factor holds constant, as in a confounded factorial.

    The interaction of two-level factors splits the units in two halves by the parity of their
    levels; it is aliased with a factor whose levels each lie in one half.
    """
    names = [name for name in names if facts.is_unit_level(name)]
    halves = [name for name in names if facts.n_levels(name) == 2]
    found = []
    for size in (2, 3):
        for chosen in combinations(halves[:MOST_FACTORS], size):
            ranks = [np.unique(facts.codes(name), return_inverse=True)[1] for name in chosen]
            if any((facts.codes(name) < 0).any() for name in chosen):
                continue
            parity = np.sum(ranks, axis=0).astype(np.int64) % 2
            for other in names:
                fits = other not in chosen and all(facts.relation(other, name).relation == "crossed" for name in chosen)
                if fits and len(np.unique(parity)) == 2 and _tells(facts.codes(other), parity, unit=False):
                    found.append((chosen, other))
    return found


def latin_squares(facts: Facts, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Find three factors of n levels, fully crossed two by two, in n² units where any two determine the third."""
    found = []
    square = [name for name in names if facts.is_unit_level(name) and facts.n_levels(name) > 2]
    for three in combinations(square, 3):
        n_levels = {facts.n_levels(name) for name in three}
        crossed = all(facts.relation(a, b).relation == "crossed" for a, b in combinations(three, 2))
        if len(n_levels) == 1 and crossed:
            cells = combine([facts.codes(name) for name in three])
            if len(np.unique(cells[cells >= 0])) == n_levels.pop() ** 2:
                found.append(three)
    return found


def _tells(combined: Ints, target: Ints, *, unit: bool) -> bool:
    """Whether combinations determine the target, with fewer combinations than rows unless it is the unit."""
    present = (combined >= 0) & (target >= 0)
    combined, reached = combined[present], target[present]
    if not len(combined):
        return False
    told = np.zeros(int(combined.max()) + 1, dtype=np.int64)
    told[combined] = reached
    if not np.array_equal(told[combined], reached):
        return False
    return unit or 3 * len(np.unique(combined)) <= 2 * len(combined)
