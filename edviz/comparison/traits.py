"""What a table of designs shows of each, and what a condition may ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edviz.comparison.subject import Subject
from edviz.counts import count_observations
from edviz.grammar import dumps
from edviz.model import Design, Kind
from edviz.order import Node, Order, nodes_of, order_of

CONDITIONS: tuple[Kind, ...] = ("treatment", "observational")


@dataclass(frozen=True)
class Traits:
    """A design in a row of a table; null where something is not known.

    Numbers are those that were counted, or follow from the sizes; of a range the upper end.

    Attributes
    ----------
    name
        What the design is called.
    observations, units
        How many there are.
    unit
        What the experimental unit is.
    factors
        How many factors the design shows.
    treatments, conditions
        How many levels the treatments have, or the treatments and observational factors; of several that are
        crossed, how many combinations are possible.
    batches, classes
        How many levels the batch factors and classifications have; of several, the one with most.
    paired
        Whether a condition is crossed with a unit, fully or partly, so that it can be compared within units.
    crossed, partly_crossed, nested, aliased, batched, classified
        Whether some factors are.
    species
        As the file tells.
    counts
        Whether there are raw counts.
    design
        In the edviz language.
    """

    name: str
    observations: int | None
    units: int | None
    unit: str | None
    factors: int
    treatments: int | None
    conditions: int | None
    batches: int | None
    classes: int | None
    paired: bool
    crossed: bool
    partly_crossed: bool
    nested: bool
    aliased: bool
    batched: bool
    classified: bool
    species: str | None
    counts: bool | None
    design: str


def traits_of(subject: Subject) -> Traits:
    """Take from a design what a table shows of it.

    Parameters
    ----------
    subject
        The design.

    Examples
    --------
    >>> from edviz.comparison import subject_of
    >>> traits = traits_of(subject_of("donor(8){kind=unit} × stim(2){kind=treatment} > cell(~500)"))
    >>> traits.paired, traits.units, traits.treatments
    (True, 8, 2)
    """
    design = subject.design
    nodes = nodes_of(design)
    order = order_of(nodes, design.relations)
    unit, n_units = _unit(subject, nodes, order)
    crossed = [tuple(pair) for pair in (*order.full, *order.partial) if len(pair) == 2]
    apart = [(one, other) for one, other in crossed if order.incomparable(one, other)]

    def combined(*kinds: Kind) -> int | None:
        return _combinations(subject, [factor.name for factor in design.factors if factor.kind in kinds], nodes, order)

    def most_levels(kind: Kind) -> int | None:
        highs = [subject.total(factor.name).high for factor in design.factors if factor.kind == kind]
        known = [high for high in highs if high is not None]
        return max(known, default=None if highs else 0)

    return Traits(
        name=subject.name,
        observations=count_observations(design).high if subject.known.n_obs is None else subject.known.n_obs,
        units=n_units,
        unit=unit,
        factors=len(design.factors),
        treatments=combined("treatment"),
        conditions=combined(*CONDITIONS),
        batches=most_levels("batch"),
        classes=most_levels("classification"),
        paired=any(_is_paired(design, one, other) for one, other in apart),
        crossed=any(order.crossing(*pair) == "×" for pair in apart),
        partly_crossed=bool(order.partial),
        nested=any(order.above.values()),
        aliased=bool(design.aliasings),
        batched=any(factor.kind == "batch" for factor in design.factors),
        classified=bool(design.classifications),
        species=subject.known.species,
        counts=subject.known.has_counts,
        design=dumps(design),
    )


def _is_paired(design: Design, one: Node, other: Node) -> bool:
    """Whether one of two crossed nodes is a condition and the other a unit."""
    kinds, others = ({design.factor(name).kind for name in node} for node in (one, other))
    conditions = set(CONDITIONS)
    return bool((conditions & kinds and "unit" in others) or (conditions & others and "unit" in kinds))


def _combinations(subject: Subject, names: Sequence[str], nodes: Mapping[str, Node], order: Order) -> int | None:
    """Return how many combinations of levels some factors have; of aliased and of nested ones the finest counts."""
    product = 1 if names else 0
    for node in order.finest(list(dict.fromkeys(nodes[name] for name in names))):
        highs = [subject.total(name).high for name in node if name in names]
        known = [high for high in highs if high is not None]
        if not known:
            return None
        product *= max(known)
    return product


def _unit(subject: Subject, nodes: Mapping[str, Node], order: Order) -> tuple[str | None, int | None]:
    """Return the unit that the source tells, or else the finest unit that is not one of its observations."""
    known = subject.known
    if known.unit is not None:
        return " × ".join(known.unit) or "row", known.n_units
    # Of aliased units the first by the alphabet, so that the order of the factors does not matter.
    named = sorted((factor.name for factor in subject.design.factors if factor.kind == "unit"), reverse=True)
    units = {nodes[name]: name for name in named}
    finest = order.finest(list(units))
    above = order.finest([node for node in units if any(node in order.above[other] for other in finest)])
    chosen = above or finest
    if len(chosen) != 1:
        return None, None
    return units[chosen[0]], subject.total(units[chosen[0]]).high
