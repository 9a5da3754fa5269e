"""Questions about a design whose answers a person should see: one small function each.

A check yields remarks; nothing stops because of one. To add a check, write a function with `@_check`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edviz.counts import parent_levels, total_levels
from edviz.model import Design, Factor, factors_of

Severity: TypeAlias = Literal["note", "warning", "error"]


@dataclass(frozen=True)
class Remark:
    """Something to know about a design.

    Attributes
    ----------
    id
        Name of the check, such as ``one-child-nesting``.
    severity
        ``note``: true and worth knowing; ``warning``: probably not what was meant; ``error``: cannot be.
    text
        One sentence.
    factors
        Names of the factors that it is about.
    """

    id: str
    severity: Severity
    text: str
    factors: tuple[str, ...]


Check: TypeAlias = Callable[[Design], Iterator[Remark]]
_CHECKS: list[Check] = []


def check_design(design: Design) -> tuple[Remark, ...]:
    """Ask all questions about a design.

    Parameters
    ----------
    design
        The design.

    Returns
    -------
    Errors first, then warnings, then notes.
    """
    remarks = [remark for check in _CHECKS for remark in check(design)]
    worst_first: list[Severity] = ["error", "warning", "note"]
    return tuple(sorted(remarks, key=lambda remark: worst_first.index(remark.severity)))


def _check(function: Check) -> Check:
    _CHECKS.append(function)
    return function


@_check
def _list_has_one_entry_per_parent_level(design: Design) -> Iterator[Remark]:
    for factor in design.factors:
        if not (_is_list(factor) and design.parents(factor.name)):
            continue
        entries, parents = len(factor.size or ()), parent_levels(design, factor.name)
        fits = (parents.low or 0) <= entries and (parents.high is None or entries <= parents.high)
        if not fits and not parents.approximate:
            expected = str(parents.high) if parents.exact else f"{parents.low} to {parents.high}"
            yield Remark(
                "list-length",
                "error",
                f"the size list of {factor.name!r} has {entries} entries, but there are {expected} levels of "
                f"{_and(design.parents(factor.name))} above it; write one entry for each",
                (*design.parents(factor.name), factor.name),
            )


@_check
def _one_child_nesting_is_an_equivalence(design: Design) -> Iterator[Remark]:
    for factor in design.factors:
        parents = design.parents(factor.name)
        # Several parents that are not aliased are a combination of factors, which a factor may well name.
        if parents and set(parents) == set(design.alias_group(parents[0])) and _is_always_one(factor):
            yield Remark(
                "one-child-nesting",
                "warning",
                f"each level of {_and(parents)} has one level of {factor.name!r}, so they are equivalent "
                f"rather than nested",
                (*parents, factor.name),
            )


@_check
def _root_list_is_summed(design: Design) -> Iterator[Remark]:
    for factor in design.factors:
        children = design.children(factor.name)
        if _is_list(factor) and children and not design.parents(factor.name):
            numbers = [count.number for count in factor.size or ()]
            yield Remark(
                "root-list",
                "warning",
                f"{factor.name!r} is at the top, so its size list is counted as {sum(numbers)} levels; for "
                f"{len(numbers)} levels with different numbers of {_and(children)} write the list there",
                (factor.name, *children),
            )


@_check
def _treatment_is_confounded_with_batch(design: Design) -> Iterator[Remark]:
    for group in _alias_groups(design):
        batches = [name for name in group if design.factor(name).kind == "batch"]
        treatments = [name for name in group if design.factor(name).kind in ("treatment", "observational", None)]
        if batches and treatments:
            yield Remark(
                "treatment-batch",
                "warning",
                f"{_and(treatments)} cannot be told apart from the batches of {_and(batches)}, so no analysis "
                f"can separate their effects",
                (*treatments, *batches),
            )


@_check
def _aliased_factors_have_unequal_sizes(design: Design) -> Iterator[Remark]:
    for group in _alias_groups(design):
        totals = {name: total_levels(design, name) for name in group}
        numbers = {name: total.high for name, total in totals.items() if total.exact and total.high is not None}
        if len(set(numbers.values())) > 1:
            finest = max(numbers, key=numbers.__getitem__)
            coarser = [name for name in numbers if numbers[name] < numbers[finest]]
            yield Remark(
                "unequal-alias",
                "note",
                f"{_and(coarser)} {'has' if len(coarser) == 1 else 'have'} fewer levels than {finest!r}, so each "
                f"level of {finest!r} goes with one level of {_and(coarser)}, but not the other way round",
                (finest, *coarser),
            )


@_check
def _shared_or_nested_is_not_stated(design: Design) -> Iterator[Remark]:
    for factor in design.factors:
        if factor.kind is not None or design.parents(factor.name):
            continue
        partners = [
            name
            for crossing in design.crossings
            if factor.name in factors_of(crossing)
            for name in factors_of(crossing)
            if name != factor.name and design.parents(name)
        ]
        if partners:
            parents = tuple(dict.fromkeys(parent for name in partners for parent in design.parents(name)))
            yield Remark(
                "shared-or-nested",
                "note",
                f"{factor.name!r} is taken to be the same in every level of {_and(parents)}; state its kind, "
                f"or kind=unit if each level has its own",
                (factor.name, *partners),
            )


def _alias_groups(design: Design) -> list[tuple[str, ...]]:
    return [design.alias_group(each.factors[0]) for each in design.aliasings if not each.partial]


def _is_list(factor: Factor) -> bool:
    return factor.size is not None and len(factor.size) > 1


def _is_always_one(factor: Factor) -> bool:
    return factor.size is not None and all(count.number == 1 and not count.approximate for count in factor.size)


def _and(names: tuple[str, ...] | list[str]) -> str:
    *others, last = [repr(name) for name in names]
    return f"{', '.join(others)} and {last}" if others else last
