"""A design as plain data beside its text and diagram: what the rendering script and tool return."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edviz.checks import Remark, check_design
from edviz.counts import CountRange, count_observations, total_levels
from edviz.diagram import render
from edviz.grammar import dumps
from edviz.model import Design, Factor, Kind

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    try:
        # Before Python 3.12 the schemas of the tools can be made of this one only.
        from typing_extensions import TypedDict
    except ImportError:
        from typing import TypedDict

FORMAT = "edviz-design"
VERSION = 1
"""What `edviz/export/design.schema.json` describes."""

RelationType = Literal["nests", "crosses", "partial_crosses", "classifies", "batch_effect", "confounded"]
RelationRecord = TypedDict("RelationRecord", {"from": str, "type": RelationType, "to": str, "partial": bool})
"""One relation; `partial` is true only where two factors share some of their degrees of freedom."""


@dataclass(frozen=True)
class FactorDescription:
    """A factor as written.

    `n` is the written size: levels per parent, one number per parent level, or null when unknown.
    `approximate` says whether it is about that many, for each number where they differ in that.
    `total` counts the levels in all.
    """

    name: str
    n: int | tuple[int, ...] | None
    approximate: bool | tuple[bool, ...]
    total: CountRange
    kind: Kind | None
    levels: tuple[str, ...]
    column: str | None


@dataclass(frozen=True)
class DesignDescription:
    """A design in all its forms; `edviz.export.from_dict` makes the design of it again."""

    format: str
    version: int
    design: str
    diagram: str
    factors: tuple[FactorDescription, ...]
    relations: tuple[RelationRecord, ...]
    observations: CountRange
    remarks: tuple[Remark, ...]


def describe_design(
    design: Design,
    *,
    width: int = 80,
    ascii: bool = False,
    title: str = "Design Structure",
    totals: Mapping[str, int] | None = None,
) -> DesignDescription:
    """Say, draw, list and count a design.

    Parameters
    ----------
    design
        The design.
    width
        Most columns that the diagram may take.
    ascii
        Whether text and diagram keep to ASCII.
    title
        Title of the diagram.
    totals
        Levels in all that were counted in data, by factor; without them totals follow from the sizes.
    """
    return DesignDescription(
        format=FORMAT,
        version=VERSION,
        design=dumps(design, ascii=ascii),
        diagram=render(design, width=width, ascii=ascii, title=title, totals=totals),
        factors=describe_factors(design, totals),
        relations=relation_records(design),
        observations=count_observations(design),
        remarks=check_design(design),
    )


def describe_factors(design: Design, totals: Mapping[str, int] | None = None) -> tuple[FactorDescription, ...]:
    """Describe every factor, in the order of the design; `totals` were counted, others follow from the sizes."""
    return tuple(_factor(design, factor, (totals or {}).get(factor.name)) for factor in design.factors)


def _factor(design: Design, factor: Factor, counted: int | None) -> FactorDescription:
    n: int | tuple[int, ...] | None = None
    if factor.size is not None:
        numbers = tuple(count.number for count in factor.size)
        n = numbers[0] if len(numbers) == 1 else numbers
    return FactorDescription(
        name=factor.name,
        n=n,
        approximate=_approximate(factor),
        total=total_levels(design, factor.name) if counted is None else CountRange(counted, counted, approximate=False),
        kind=factor.kind,
        levels=factor.levels,
        column=factor.column,
    )


def _approximate(factor: Factor) -> bool | tuple[bool, ...]:
    each = tuple(count.approximate for count in factor.size or ())
    return each if len(set(each)) > 1 else any(each)


def relation_records(design: Design) -> tuple[RelationRecord, ...]:
    """List nestings, crossings, aliases, classifications and batch effects, each in the order of the factors.

    Of aliased factors the first is confounded with each of the others.
    """
    found = [_record(relation.outer, "nests", relation.inner) for relation in design.nestings]
    found += [_record(r.a, "partial_crosses" if r.partial else "crosses", r.b) for r in design.crossings]
    for aliasing in design.aliasings:
        first, *others = design.alias_group(aliasing.factors[0]) if not aliasing.partial else aliasing.factors
        found += [_record(first, "confounded", other, partial=aliasing.partial) for other in others]
    found += [_record(relation.label, "classifies", relation.unit) for relation in design.classifications]
    found += [_record(relation.batch, "batch_effect", relation.unit) for relation in design.batch_effects]
    return tuple(found)


def _record(start: str, kind: RelationType, end: str, *, partial: bool = False) -> RelationRecord:
    return {"from": start, "type": kind, "to": end, "partial": partial}
