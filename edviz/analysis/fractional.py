"""Regular fractions of two-level factorials: the defining words and the resolution.

A word is a set of factors whose product, with levels -1 and 1, is the same on all units, so that its factors'
interaction cannot be told from the mean (Box and Hunter 1961, Technometrics 3, 311-351).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from edviz.analysis.rank import echelon
from edviz.analysis.units import Term, UnitTable
from edviz.errors import DesignError

MOST_WORDS = 255


@dataclass(frozen=True)
class DefiningRelation:
    """The words of a fraction.

    Attributes
    ----------
    factors
        The two-level factors.
    words
        Sets of factors in the order of `factors`, short words first; empty for a full factorial.
    """

    factors: tuple[str, ...]
    words: tuple[Term, ...]

    @property
    def resolution(self) -> int | None:
        """Length of the shortest word, None for a full factorial."""
        return min(map(len, self.words), default=None)

    def aliases(self, effect: Collection[str]) -> tuple[Term, ...]:
        """Return the effects that cannot be told from one, short ones first; () is the mean."""
        found = [frozenset(word) ^ frozenset(effect) for word in self.words]
        return _ordered(found, self.factors)


def defining_relation(table: UnitTable, names: Sequence[str] | None = None) -> DefiningRelation:
    """Find the words of the design in two-level factors, all of those of the table by default.

    Raises
    ------
    DesignError
        If a factor has not two levels, or there are more than 255 words.
    """
    chosen = tuple(name for name in table.names if len(table.levels_of(name)) == 2) if names is None else tuple(names)
    known = table.complete(chosen)
    for name in chosen:
        if len(known.levels_of(name)) != 2:
            raise DesignError(f"words are made of factors of two levels, but {name!r} has {len(known.levels_of(name))}")
    # Modulo 2 the product of signs is a sum, and words are the sums that do not change from the first unit on.
    changes = (known.codes + known.codes[0]) % 2
    basis = echelon(changes, 2).null_space.T.astype(np.int64)
    if 2 ** len(basis) - 1 > MOST_WORDS:
        raise DesignError(
            f"the {len(chosen)} factors have more than {MOST_WORDS} defining words on {known.n_units} units; "
            f"choose fewer factors"
        )
    sums = [np.sum(part, axis=0) % 2 for size in range(1, len(basis) + 1) for part in combinations(basis, size)]
    words = [frozenset(name for name, inside in zip(chosen, word, strict=True) if inside) for word in sums]
    return DefiningRelation(chosen, _ordered(words, chosen))


def _ordered(words: Sequence[frozenset[str]], factors: Sequence[str]) -> tuple[Term, ...]:
    terms = [tuple(name for name in factors if name in word) for word in words]
    return tuple(sorted(terms, key=lambda term: (len(term), [factors.index(name) for name in term])))
