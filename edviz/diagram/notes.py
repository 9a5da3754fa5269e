"""The lines at the foot of a diagram: what it cannot draw, and what a drawing does not say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from edviz.counts import CountRange, count_observations, total_levels
from edviz.diagram.labels import is_shortened
from edviz.diagram.styles import Style
from edviz.model import (
    Aliasing,
    Classification,
    Crossing,
    Design,
    Kind,
    Nesting,
    Relation,
    default_kind,
    factors_of,
)


def note_lines(
    design: Design,
    names: Mapping[str, str],
    style: Style,
    shown: Collection[Relation],
    tags: Mapping[str, int],
    totals: Mapping[str, int],
) -> Iterator[str]:
    """Yield the notes on a design, one paragraph each.

    Parameters
    ----------
    names
        Each factor as the picture names it.
    shown
        The relations that the picture says.
    tags
        The numbers of the batch factors that are tied to their units by tags.
    totals
        Levels in all that were counted, by factor; those of other factors follow from the sizes.
    """
    relations: dict[str, list[Relation]] = {
        "Confounded": [alias for alias in design.aliasings if not alias.partial],
        "Partly confounded": [alias for alias in design.aliasings if alias.partial],
        "Partly crossed": [crossing for crossing in design.crossings if crossing.partial],
        "Also": [relation for relation in _undrawn(design, shown) if not getattr(relation, "partial", False)],
    }
    entries = {
        heading: [relation_text(design, relation, names, style) for relation in related]
        for heading, related in relations.items()
    }
    entries["Batch"] = list(_batch_texts(design, names, style, tags))
    for name, kind in _kinds(design).items():
        entries.setdefault(kind.capitalize(), []).append(names[name])
    entries["Totals"] = list(_totals(design, names, totals))
    yield from (f"{heading}: {', '.join(texts)}" for heading, texts in entries.items() if texts)


def _undrawn(design: Design, shown: Collection[Relation]) -> list[Relation]:
    """Return the relations that the picture does not say, in the order of the factors."""
    ordered: Iterable[Relation] = (*design.aliasings, *design.nestings, *design.crossings, *design.classifications)
    return [relation for relation in ordered if relation not in shown]


def relation_text(design: Design, relation: Relation, names: Mapping[str, str], style: Style) -> str:
    """Return a relation as in the language, symmetric ones in the order of the factors."""
    factors: Sequence[str] = factors_of(relation)
    if isinstance(relation, Crossing | Aliasing):
        factors = sorted(factors, key=design.names.index)
    return f" {style.between[_relation_name(relation)]} ".join(names[name] for name in factors)


def _relation_name(relation: Relation) -> str:
    match relation:
        case Nesting():
            return "nested"
        case Classification():
            return "classified"
        case Crossing(partial=partial):
            return "partly crossed" if partial else "crossed"
        case Aliasing(partial=partial):
            return "partly aliased" if partial else "aliased"
        case _:
            return "batch"


def _batch_texts(design: Design, names: Mapping[str, str], style: Style, tags: Mapping[str, int]) -> Iterator[str]:
    for effect in design.batch_effects:
        number = f"[{tags[effect.batch]}] " if effect.batch in tags else ""
        yield number + relation_text(design, effect, names, style)


def _kinds(design: Design) -> dict[str, Kind]:
    """Return the kinds that cannot be seen from the place of the factor in the picture."""
    return {
        factor.name: factor.kind
        for factor in design.factors
        if factor.kind is not None and factor.kind != default_kind(factor.name, design.relations)
    }


def _totals(design: Design, names: Mapping[str, str], counted: Mapping[str, int]) -> Iterator[str]:
    """Yield how many levels a factor has in all, where its size does not say so, and how many combinations."""
    totals = {name: total_levels(design, name) for name in design.names}
    totals |= {name: CountRange(total, total, approximate=False) for name, total in counted.items() if name in totals}
    told = [factor.name for factor in design.factors if design.parents(factor.name) or is_shortened(factor.size)]
    known = [(totals[name].high, name) for name in told if totals[name].high is not None]
    # By number, so that equal designs that were written in another order look the same.
    for _, name in sorted(known, key=lambda entry: (entry[0] or 0, entry[1])):
        yield f"{names[name]} {_range_text(totals[name])}"
    combinations = count_observations(design)
    if not counted and combinations.high is not None and combinations not in totals.values():
        yield f"{_range_text(combinations)} combinations"


def _range_text(total: CountRange) -> str:
    """Return a number, with ``~`` if it is approximate, or the most that it can be."""
    number = f"~{total.high}" if total.approximate else str(total.high)
    return number if total.low == total.high else f"up to {number}"
