"""Null vectors of a model in words: `condition C against A and B is the same as batch 2 − 1`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import gcd

import numpy as np

from edviz.analysis.indicators import ModelMatrix, model_matrix
from edviz.analysis.partition import cells_of
from edviz.analysis.rank import Ints, rank, whole_numbers
from edviz.analysis.units import Term, UnitTable, spoken

MOST_SENTENCES = 6
MOST_LEVELS = 4
MOST_TERMS = 4
"""An identity of more terms explains nothing."""
LARGEST_SEARCH = 1_000_000
"""Entries of a model matrix; of larger ones no identity is looked for, which takes an elimination a factor."""


def explained(table: UnitTable, target: Term, others: Sequence[Term], lost: int, *, saturated: bool) -> tuple[str, ...]:
    """Say what the lost comparisons of a factor are the same as.

    Parameters
    ----------
    table
        Units where nothing is missing.
    target
        The factor.
    others
        The other terms of the model.
    lost
        Degrees of freedom of the factor that cannot be told from the others.
    saturated
        Whether the model has as large a rank as there are different units, so that it tells all of them apart.
    """
    if not lost:
        return ()
    sentences = list(_sentences(table, target, others, lost))
    if sentences:
        return _shortened(sentences)
    how = "which with it tell all different units apart" if saturated else "in no simple way"
    return (f"{spoken(target)} is lost to {listed(map(spoken, others))} together, {how}",)


def comparison_words(table: UnitTable, target: Term, others: Sequence[Term], lost: int, one: str, other: str) -> str:
    """Say what the difference of two levels, which is not estimable, cannot be told from."""
    single = _single_culprit(table, target, others, lost)
    difference = f"{spoken(target)} {one} − {other}"
    if single is not None:
        mine, theirs = _by_component(table, target, single)
        a, b = (next(place for place, levels in enumerate(mine) if level in levels) for level in (one, other))
        return f"{difference} cannot be told from {spoken(single)} {_against(theirs[a], theirs[b])}"
    given = listed([spoken(term) for term in others])
    reasons = [
        _sentence(matrix, vector, target)
        for matrix, vector in _identities(table, target, others, lost)
        if _entry(matrix, vector, target, one) != _entry(matrix, vector, target, other)
    ]
    return f"{difference} is not estimable given {given}" + (f": {reasons[0]}" if reasons else "")


def listed(words: Iterable[str]) -> str:
    """Write words as a list, the middle of long ones left out.

    Examples
    --------
    >>> listed(["A", "B", "C"]), listed("ABCDEFG")
    ('A, B and C', 'A, B, C and 4 more')
    """
    words = list(words)
    if len(words) > MOST_LEVELS + 1:
        words = [*words[: MOST_LEVELS - 1], f"{len(words) - MOST_LEVELS + 1} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _sentences(table: UnitTable, target: Term, others: Sequence[Term], lost: int) -> Iterator[str]:
    single = _single_culprit(table, target, others, lost)
    if single is None:
        found = _identities(table, target, others, lost)
        yield from (_sentence(matrix, vector, target) for matrix, vector in found)
        return
    mine, theirs = _by_component(table, target, single)
    for levels, reached in zip(mine[1:], theirs[1:], strict=True):
        yield (
            f"{spoken(target)} {_against(levels, mine[0])} is the same as "
            f"{spoken(single)} {_against(reached, theirs[0])}"
        )


def _shortened(sentences: list[str]) -> tuple[str, ...]:
    if len(sentences) <= MOST_SENTENCES:
        return tuple(sentences)
    return (*sentences[: MOST_SENTENCES - 1], f"and {len(sentences) - MOST_SENTENCES + 1} more such comparisons")


def _single_culprit(table: UnitTable, target: Term, others: Sequence[Term], lost: int) -> Term | None:
    """Find the term, of fewest levels, whose join with the factor alone has all that is lost."""
    if target[0] in table.covariates:
        return None
    fitting: list[tuple[int, int, Term]] = []
    for term in others:
        if not set(term) & set(table.covariates):
            cells = cells_of(table.cells(target), table.cells(term))
            if cells.n_components - 1 == lost:
                fitting.append((len(np.unique(cells.b)), len(fitting), term))
    return min(fitting)[2] if fitting else None


def _entries(table: UnitTable, terms: Sequence[Term]) -> int:
    return table.n_units * sum(len(np.unique(table.cells(_factors(table, term)))) for term in terms)


def _factors(table: UnitTable, term: Term) -> Term:
    return tuple(name for name in term if name not in table.covariates)


def _by_component(table: UnitTable, target: Term, other: Term) -> tuple[list[list[str]], list[list[str]]]:
    """Return the levels of either term in each class of their join, that of the first level first."""
    matrix = model_matrix(table, [target, other])
    cells = cells_of(table.cells(target), table.cells(other))
    mine: list[list[str]] = [[] for _ in range(cells.n_components)]
    theirs: list[list[str]] = [[] for _ in range(cells.n_components)]
    # Cells are in the order of the codes of the target, and components are numbered as they come.
    place: dict[int, int] = {}
    for a, b, component in zip(cells.a.tolist(), cells.b.tolist(), cells.component.tolist(), strict=True):
        where = place.setdefault(component, len(place))
        for levels, label in (
            (mine[where], matrix.block(target).labels[a]),
            (theirs[where], matrix.block(other).labels[b]),
        ):
            if label not in levels:
                levels.append(label)
    return mine, theirs


def _identities(table: UnitTable, target: Term, others: Sequence[Term], lost: int) -> list[tuple[ModelMatrix, Ints]]:
    """Find null vectors of small whole numbers that change the factor, as many as are lost, simple ones first."""
    if _entries(table, [*others, target]) > LARGEST_SEARCH:
        return []
    # Columns are expressed by those before them, and are so by few levels if terms of few levels come first.
    ordered = sorted(others, key=lambda term: len(np.unique(table.cells(_factors(table, term)))))
    matrix = model_matrix(table, [*ordered, target])
    reduced = matrix.echelon()
    basis = reduced.null_space
    columns = matrix.block(target).columns
    places = [place for place, column in enumerate(reduced.others.tolist()) if columns.start <= column < columns.stop]
    vectors = [whole_numbers(basis[:, place], reduced.prime) for place in places]
    whole = [vector for vector in vectors if vector is not None and matrix.sends_to_zero(vector)]
    simple = [
        vector for vector in (_simplified(matrix, vector) for vector in whole) if _n_terms(matrix, vector) <= MOST_TERMS
    ]
    chosen: list[tuple[ModelMatrix, Ints]] = []
    functions: list[Ints] = []
    for vector in sorted(simple, key=lambda vector: int(np.count_nonzero(vector))):
        function = vector[columns]
        if np.unique(function).size > 1 or not _is_factor(matrix, target):
            candidate = np.array(
                [*functions, function, *([np.ones_like(function)] if _is_factor(matrix, target) else [])]
            )
            if rank(candidate) == len(candidate):
                functions.append(function)
                chosen.append((matrix, vector))
    return chosen[:lost]


def _n_terms(matrix: ModelMatrix, vector: Ints) -> int:
    return sum(bool(vector[block.columns].any()) for block in matrix.blocks[1:])


def _is_factor(matrix: ModelMatrix, term: Term) -> bool:
    return not set(term) & set(matrix.table.covariates)


def _simplified(matrix: ModelMatrix, vector: Ints) -> Ints:
    """Shift the entries of each factor so that the most frequent one is zero, and divide by what all have in common."""
    simple = vector.copy()
    for block in matrix.blocks[1:]:
        if _is_factor(matrix, block.term):
            values, counts = np.unique(simple[block.columns], return_counts=True)
            simple[block.columns] -= values[counts.argmax()]
    simple[0] = 0
    divisor = gcd(*simple.tolist())
    return simple // divisor if divisor > 1 else simple


def _entry(matrix: ModelMatrix, vector: Ints, target: Term, level: str) -> int:
    block = matrix.block(target)
    return int(vector[block.columns][block.labels.index(level)])


def _sentence(matrix: ModelMatrix, vector: Ints, target: Term) -> str:
    block = matrix.block(target)
    function = vector[block.columns]
    # The first level is the reference and so stands on the side that others are compared with.
    sign = -1 if function[0] > function.min() or (len(function) == 1 and function[0] < 0) else 1
    left = _part(matrix, target, sign * function)
    right = [
        _part(matrix, other.term, -sign * vector[other.columns])
        for other in matrix.blocks[1:]
        if other.term != target and (np.unique(vector[other.columns]).size > 1 or not _is_factor(matrix, other.term))
    ]
    return f"{left} is the same as {' plus '.join(part for part in right if part)}"


def _part(matrix: ModelMatrix, term: Term, function: Ints) -> str:
    """Say a function of the levels of a factor, or a multiple of a covariate, in words."""
    labels = matrix.block(term).labels
    if not _is_factor(matrix, term):
        return " plus ".join(
            f"{_multiple(int(value))}{label}" for value, label in zip(function, labels, strict=True) if value
        )
    values = np.unique(function)
    if len(values) > 2:
        scores = [str(int(value - values[0])) for value in function]
        return f"{spoken(term)} scored {listed(scores)} at {listed(labels)}"
    high = [label for value, label in zip(function, labels, strict=True) if value == values[-1]]
    low_levels = [label for value, label in zip(function, labels, strict=True) if value != values[-1]]
    return f"{_multiple(int(values[-1] - values[0]))}{spoken(term)} {_against(high, low_levels)}"


def _multiple(value: int) -> str:
    return "" if value == 1 else f"{value} times "


def _against(levels: Sequence[str], others: Sequence[str]) -> str:
    if len(levels) == len(others) == 1:
        return f"{levels[0]} − {others[0]}"
    return f"{listed(levels)} against {listed(others)}"
