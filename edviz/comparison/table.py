"""Many designs: a table of their traits, and each pair compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import combinations

from edviz.comparison.comparing import Comparison, compare_designs
from edviz.comparison.subject import Subject
from edviz.comparison.traits import Traits, traits_of
from edviz.comparison.where import Condition
from edviz.errors import DesignError

MOST_COMPARED = 12
"""Of so many designs every pair is compared; of more there would be too many to read."""
SORTABLE = tuple(field.name for field in fields(Traits))


@dataclass(frozen=True)
class ComparisonTable:
    """Designs that fulfil a condition.

    Attributes
    ----------
    designs
        A row for each.
    left_out
        Names of those that do not fulfil the condition.
    comparisons
        Every pair of the designs, the first with all others first; none if there are more than 12 designs.
    """

    designs: tuple[Traits, ...]
    left_out: tuple[str, ...]
    comparisons: tuple[Comparison, ...]


def compare_all(
    subjects: Sequence[Subject],
    *,
    where: Condition | None = None,
    sort: str | None = None,
    descending: bool = False,
) -> ComparisonTable:
    """Compare designs with each other.

    Parameters
    ----------
    subjects
        The designs.
    where
        A condition that those have to fulfil which are compared.
    sort
        Trait by which to sort; by default they stay in the order given. What is not known comes last.
    descending
        Sort from high to low.

    Raises
    ------
    DesignError
        If the condition or the order names something that no design has.
    """
    if sort is not None and sort not in SORTABLE:
        raise DesignError(f"designs cannot be sorted by {sort!r}; they can by {', '.join(SORTABLE)}")
    if where is not None:
        where.require_known(subjects)
    rows = [(subject, traits_of(subject)) for subject in subjects]
    chosen = [where is None or where.holds(*row) for row in rows]
    kept = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
    if sort is not None:
        kept = _sorted(kept, sort, descending=descending)
    pairs = combinations([subject for subject, _ in kept], 2) if len(kept) <= MOST_COMPARED else ()
    return ComparisonTable(
        designs=tuple(traits for _, traits in kept),
        left_out=tuple(traits.name for (_, traits), is_chosen in zip(rows, chosen, strict=True) if not is_chosen),
        comparisons=tuple(compare_designs(a, b) for a, b in pairs),
    )


def _sorted(rows: list[tuple[Subject, Traits]], sort: str, *, descending: bool) -> list[tuple[Subject, Traits]]:
    known = [row for row in rows if getattr(row[1], sort) is not None]
    unknown = [row for row in rows if getattr(row[1], sort) is None]
    return [*sorted(known, key=lambda row: getattr(row[1], sort), reverse=descending), *unknown]
