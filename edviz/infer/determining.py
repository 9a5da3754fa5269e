"""Which combinations of factors determine another: interactions that have a column, Latin squares, hidden aliases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

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
    alone = {
        (name, target)
        for name, target in permutations(names, 2)
        if facts.relation(name, target).relation in ("aliased", "a_nested_in_b")
    }
    for size in range(2, LARGEST_SET + 1):
        for chosen in combinations(names, size):
            combined = combine([codes[name] for name in chosen])
            few = 3 * (int(combined.max(initial=-1)) + 1) <= 2 * len(combined)
            for target in names:
                if target in chosen or not (few or facts.is_unit(target)):
                    continue
                if any((name, target) in alone for name in chosen):
                    continue
                if any(set(known) <= set(chosen) for known in found[target]):
                    continue
                if _tells(combined, codes[target]):
                    found[target].append(chosen)
    return tuple(DeterminingSet(target, chosen) for target in names for chosen in found[target])


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
                halved = fits and len(np.unique(parity)) == 2
                if halved and _tells_half(facts.codes(other), parity):
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


def _tells_half(codes: Ints, half: Ints) -> bool:
    """Whether a factor with clearly fewer levels than there are rows determines which half they are in."""
    few = 3 * len(np.unique(codes[codes >= 0])) <= 2 * int((codes >= 0).sum())
    return few and _tells(codes, half)


def _tells(combined: Ints, target: Ints) -> bool:
    """Whether combinations determine the target."""
    present = (combined >= 0) & (target >= 0)
    combined, reached = combined[present], target[present]
    if not len(combined):
        return False
    told = np.zeros(int(combined.max()) + 1, dtype=np.int64)
    told[combined] = reached
    return bool((told[combined] == reached).all())
