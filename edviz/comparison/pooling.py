"""Whether the data of two designs could be analysed together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from edviz.comparison.matching import Match, is_bare_label
from edviz.comparison.subject import Subject

Verdict = Literal["possible", "with care", "nothing to compare", "not possible", "unknown"]
CONDITIONS = ("treatment", "observational")
MOST_NAMED = 5
MOST_UNITS = 20


@dataclass(frozen=True)
class SharedFactor:
    """A condition that both designs have, with the levels that both have; none where they are not known."""

    a: str
    b: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Pooling:
    """Whether the data could be pooled.

    Attributes
    ----------
    verdict
        `possible`; `with care`, see the reasons; `nothing to compare` across the pooled data; `not possible`;
        or `unknown`, where too little is known.
    factors
        Conditions that could be compared across the pooled data.
    common_units
        Names of units that occur in both, at most 20: maybe the same donors.
    reasons
        A sentence each.
    """

    verdict: Verdict
    factors: tuple[SharedFactor, ...]
    common_units: tuple[str, ...]
    reasons: tuple[str, ...]


def judge_pooling(a: Subject, b: Subject, matches: Sequence[Match]) -> Pooling:
    """Judge whether the data of two designs could be pooled.

    Species must not differ, both need raw counts, and a comparison across both needs a condition with at least two
    levels that both have. The data set is then a batch of its own, which is why conditions that only one has
    cannot be told apart from it.

    Parameters
    ----------
    a, b
        The designs.
    matches
        Which factor of one is which of the other.
    """
    against = list(_obstacles(a, b))
    shared = tuple(_shared_conditions(a, b, matches))
    usable = tuple(each for each in shared if len(each.levels) > 1)
    unclear = [each for each in shared if not _levels_known(a, b, each)]
    common = _common_units(a, b, matches)
    reasons = [*against, *_on_factors(shared, usable, unclear), *_on_units(common), *_unknowns(a, b)]
    if against:
        verdict: Verdict = "not possible"
    elif not usable:
        verdict = "unknown" if unclear else "nothing to compare"
    elif common or None in (a.known.has_counts, b.known.has_counts) or _unknown_species(a, b):
        verdict = "with care"
    else:
        verdict = "possible"
    return Pooling(verdict, shared, common[:MOST_UNITS], tuple(reasons))


def _obstacles(a: Subject, b: Subject) -> Iterator[str]:
    species = {a.known.species, b.known.species} - {None, "unknown"}
    if len(species) > 1:
        yield f"The species differ: {a.known.species} and {b.known.species}."
    for which, subject in (("first", a), ("second", b)):
        if subject.known.has_counts is False:
            yield f"The {which} data set holds no raw counts."


def _shared_conditions(a: Subject, b: Subject, matches: Sequence[Match]) -> Iterator[SharedFactor]:
    for match in matches:
        kinds = {a.design.factor(match.a).kind, b.design.factor(match.b).kind}
        if match.by != "place" and kinds <= set(CONDITIONS):
            others = set(b.levels(match.b))
            yield SharedFactor(match.a, match.b, tuple(level for level in a.levels(match.a) if level in others))


def _levels_known(a: Subject, b: Subject, shared: SharedFactor) -> bool:
    return bool(a.levels(shared.a) and b.levels(shared.b))


def _on_factors(
    shared: Sequence[SharedFactor], usable: Sequence[SharedFactor], unclear: Sequence[SharedFactor]
) -> Iterator[str]:
    for each in usable:
        levels = ", ".join(each.levels[:MOST_NAMED]) + (" …" if len(each.levels) > MOST_NAMED else "")
        yield f"{each.a} has {len(each.levels)} levels in both ({levels}); the data set is a batch to adjust for."
    for each in unclear:
        yield f"{each.a} is in both, but the names of its levels are not known for both."
    for each in shared:
        if each not in usable and each not in unclear:
            what = f"only {each.levels[0]}" if each.levels else "no level"
            yield f"The two share {what} of {each.a}, so its differences are those of the data sets."
    if not shared:
        yield "No condition is in both, so nothing can be compared across them."


def _common_units(a: Subject, b: Subject, matches: Sequence[Match]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for match in matches:
        if a.design.factor(match.a).kind == b.design.factor(match.b).kind == "unit":
            others = set(b.levels(match.b))
            found |= {level: None for level in a.levels(match.a) if level in others and not is_bare_label(level)}
    return tuple(found)


def _on_units(common: Sequence[str]) -> Iterator[str]:
    if common:
        named = ", ".join(common[:MOST_NAMED]) + (" …" if len(common) > MOST_NAMED else "")
        yield (
            f"{len(common)} names of units occur in both ({named}): maybe the same donors or samples, which must not "
            "count twice."
        )


def _unknowns(a: Subject, b: Subject) -> Iterator[str]:
    if _unknown_species(a, b):
        yield "The species is not known for both."
    if None in (a.known.has_counts, b.known.has_counts):
        yield "Whether there are raw counts is not known for both."


def _unknown_species(a: Subject, b: Subject) -> bool:
    return bool({a.known.species, b.known.species} & {None, "unknown"})
