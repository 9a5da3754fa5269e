"""Which combinations of factors determine another: interactions that have a column, Latin squares, hidden aliases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np

from edviz.counting import Ints
from edviz.counting.rows import n_distinct, numbered
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
            open_targets = [
                target
                for target in names
                if target not in chosen
                and not any((name, target) in alone for name in chosen)
                and not any(set(known) <= set(chosen) for known in found[target])
            ]
            if not open_targets:
                continue
            combined = combine([codes[name] for name in chosen])
            few = 3 * (int(combined.max(initial=-1)) + 1) <= 2 * len(combined)
            judged = [target for target in open_targets if few or facts.is_unit(target)]
            for target, told in zip(judged, _tells_each(combined, [codes[target] for target in judged]), strict=True):
                if told:
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
            ranks = [numbered(facts.codes(name) + 1)[1] for name in chosen]
            if any((facts.codes(name) < 0).any() for name in chosen):
                continue
            parity = np.sum(ranks, axis=0).astype(np.int64) % 2
            for other in names:
                fits = other not in chosen and all(facts.relation(other, name).relation == "crossed" for name in chosen)
                halved = fits and n_distinct(parity) == 2
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
            if n_distinct(cells) == n_levels.pop() ** 2:
                found.append(three)
    return found


def _tells_half(codes: Ints, half: Ints) -> bool:
    """Whether a factor with clearly fewer levels than there are rows determines which half they are in."""
    few = 3 * n_distinct(codes) <= 2 * int((codes >= 0).sum())
    return few and _tells_each(codes, [half])[0]


def _tells_each(combined: Ints, targets: Sequence[Ints]) -> list[bool]:
    """Whether combinations determine each of some targets, where neither is missing."""
    order = np.argsort(combined, kind="stable")[np.count_nonzero(combined < 0) :]
    if not len(order) or not targets:
        return [False] * len(targets)
    in_order = combined[order]
    starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))
    reached = np.stack(targets)[:, order]
    told = np.repeat(np.maximum.reduceat(reached, starts, axis=1), np.diff(starts, append=len(order)), axis=1)
    as_told = ((reached < 0) | (reached == told)).all(axis=1) & (reached >= 0).any(axis=1)
    return [bool(told) for told in as_told]
