"""The table of units that a design promises, before there are any data.

A design says how many levels each factor has and which of them occur together. Where it says enough, there is
one table of experimental units, a row each, and all that is known to do with a table can be done with a design.

- The levels of a nested factor are new in every combination of levels above it; a list of sizes has one entry for
  each combination, in order.
- Crossed factors occur in all combinations, within the levels that both are nested in.
- Of aliased factors the coarser is a function of the finer, as even as it can be.
- The units that a batch processed are consecutive, and batches differ by one unit at most. A text does not say
  which unit went where, so the table must not be asked whether a batch is confounded with anything but its units.
- An approximate size counts as its number.

Rows are units, not observations. The last factor of the chain is left out as the observations if

- its name ends in a word such as cell, nucleus or spot; or
- it has hundreds of levels for each level above it, and these are approximate, classified or named observations.

``Sample(4) : CellType(6)`` classifies the cells of samples, so few levels with a label below stay units. Labels are
left out too, and so are batches that processed what was left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import combinations, pairwise

import numpy as np

from edviz.counting import Ints
from edviz.counting.rows import numbered
from edviz.counts import counted_nodes, total_levels
from edviz.errors import DesignError
from edviz.grammar.spelling import spell
from edviz.model import Aliasing, Crossing, Design, Factor, Kind, factors_of
from edviz.order import Node, Order, nodes_of, order_of, reachable
from edviz.table import Column, FactorListing, FactorTable, table_of_codes

OBSERVATION_WORDS = frozenset(
    "cell cells nucleus nuclei spot spots bead beads barcode barcodes droplet droplets".split()
)
"""What a name ends in whose levels are observations, however few they are."""
GENERAL_OBSERVATION_WORDS = frozenset("observation observations obs".split())
"""Names of rows: those of a table of samples are few and are units."""
LEAST_OBSERVATIONS = 500
"""An approximate or classified factor with so many levels for each level above it holds observations, not units."""
MOST_ENTRIES = 2_000_000
"""Rows times factors of a table: far above any plan, and a bound for what a line of text can cost."""


@dataclass(frozen=True)
class _Plan:
    """The nodes of a design by what becomes of them.

    Attributes
    ----------
    units
        What makes the rows, outer ones first, as far as possible in the order of the text.
    batches
        Batches of what is in the table, after what they processed.
    left_out
        Why each other factor has no column.
    """

    order: Order
    units: tuple[Node, ...]
    batches: tuple[Node, ...]
    left_out: Mapping[str, str]


def nominal_table(design: Design, *, most_rows: int = 100_000) -> FactorTable:
    """Make the table of experimental units that a design promises, one row each.

    Factors without a column (observations, their labels and their batches) are listed as set aside, with the reason.

    Parameters
    ----------
    design
        A design that says how all its factors occur together, and all sizes.
    most_rows
        A design with more units is refused; with more than twenty factors, a design with fewer is.

    Raises
    ------
    DesignError
        If the design does not say enough for a table, contradicts itself, or has too many units.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> table = nominal_table(loads("Genotype(2) > Mouse[3|2] > Cell(~5000) : CellType(9)"))
    >>> table.n_obs
    5
    >>> [level.level for level in table.listing.column("Mouse").levels]
    ['mouse1', 'mouse2', 'mouse3', 'mouse4', 'mouse5']
    >>> table.codes("Genotype").tolist()
    [0, 0, 0, 1, 1]
    >>> table.listing.column("CellType").set_aside
    'it labels observations, and a row is a unit'
    """
    plan = _plan(design)
    _require_enough(design, plan)
    codes = _codes_of_units(design, plan, min(most_rows, MOST_ENTRIES // len(design.factors)))
    for node in plan.batches:
        codes |= _codes_of_batches(design, node, codes)
    _require_one_batch_a_unit(design, codes)
    shown = {name: codes[name] for name in design.names if name in codes}
    levels = {name: _level_names(design.factor(name), int(shown[name].max()) + 1) for name in shown}
    table = table_of_codes(shown, levels, len(next(iter(shown.values()))))
    noted = [replace(column, note=_note(design, plan, column.name)) for column in table.listing.columns]
    aside = [Column(name, "categorical", set_aside=reason) for name, reason in plan.left_out.items()]
    return FactorTable(FactorListing(table.n_obs, (*noted, *aside)), table.counts)


def kinds_of(design: Design) -> dict[str, Kind]:
    """Return the kind of each factor with several levels in the nominal table, where the text states or implies it.

    Raises
    ------
    DesignError
        If the design has no unit above its observations, or batches that process each other.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> kinds_of(loads("(Donor(4) × Stim(2){kind=treatment}) > Sample(1) > Cell(~500)"))
    {'Stim': 'treatment', 'Sample': 'unit'}
    """
    left_out = _plan(design).left_out
    kinds: dict[str, Kind] = {}
    for factor in design.factors:
        if factor.kind and factor.name not in left_out and total_levels(design, factor.name).high != 1:
            kinds[factor.name] = factor.kind
    return kinds


def unit_columns(design: Design) -> tuple[str, ...]:
    """Return the factors whose combinations of levels are the rows of the nominal table.

    Raises
    ------
    DesignError
        If the design has no unit above its observations, or batches that process each other.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> unit_columns(loads("Donor(4) > Sample(2) × Time(3)"))
    ('Sample', 'Time')
    """
    plan = _plan(design)
    finest = plan.order.finest(plan.units)
    members = [max(node, key=lambda name: total_levels(design, name).high or 0) for node in finest]
    return tuple(name for name in design.names if name in members)


def _plan(design: Design) -> _Plan:
    nodes = nodes_of(design)
    order = order_of(nodes, design.relations)
    counted = counted_nodes(design, nodes)
    row = _row(design, order, counted)
    in_order = [node for node in dict.fromkeys(nodes.values()) if node in counted - {row}]
    units = _outer_first(in_order, order)
    if not units:
        raise DesignError(
            "the design has no unit above its observations; write what they were taken from, "
            "such as Donor(8) > Sample(2) > Cell(~5000)"
        )
    batches = _batches(design, nodes, units)
    kept = {name for node in (*units, *batches) for name in node}
    left_out = {name: _why_left_out(design, name, row) for name in design.names if name not in kept}
    return _Plan(order, units, batches, left_out)


def _row(design: Design, order: Order, counted: set[Node]) -> Node | None:
    """Return the last node of the chain if its levels are observations."""
    finest = order.finest(counted)
    if len(finest) == 1 and any(_holds_observations(design, name) for name in finest[0]):
        return finest[0]
    return None


def _holds_observations(design: Design, name: str) -> bool:
    factor = design.factor(name)
    sizes = factor.size or ()
    last_word = (re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name) or [""])[-1].lower()
    if factor.kind not in ("unit", None):
        return False
    if last_word in OBSERVATION_WORDS:
        return True
    if not design.parents(name) or sum(count.number for count in sizes) < LEAST_OBSERVATIONS * max(1, len(sizes)):
        return False
    is_classified = any(each.unit == name for each in design.classifications)
    is_approximate = any(count.approximate for count in sizes)
    return is_classified or is_approximate or last_word in GENERAL_OBSERVATION_WORDS


def _outer_first(nodes: Iterable[Node], order: Order) -> tuple[Node, ...]:
    """Put what is above a node before it, and otherwise keep the order."""
    placed: dict[Node, None] = {}
    for node in nodes:
        above = sorted(order.above[node], key=lambda outer: (len(order.above[outer]), outer))
        placed.update(dict.fromkeys([*above, node]))
    return tuple(placed)


def _batches(design: Design, nodes: Mapping[str, Node], units: Collection[Node]) -> tuple[Node, ...]:
    """Return the batches that processed something in the table, after what they processed."""
    batches: dict[Node, list[Node]] = {}
    units_of: dict[Node, list[Node]] = {}
    for effect in design.batch_effects:
        batches.setdefault(nodes[effect.unit], []).append(nodes[effect.batch])
        units_of.setdefault(nodes[effect.batch], []).append(nodes[effect.unit])
    kept = reachable(units, lambda node: batches.get(node, []))
    sorter = TopologicalSorter(
        {node: [unit for unit in units_of[node] if unit in kept] for node in units_of if node in kept - set(units)}
    )
    try:
        return tuple(node for node in sorter.static_order() if node not in units)
    except CycleError as error:
        around = " == ".join(spell(node[0]) for node in error.args[1])
        raise DesignError(f"batches cannot process each other, as in {around}; leave one of them out") from None


def _why_left_out(design: Design, name: str, row: Node | None) -> str:
    if row is not None and name in row:
        return "its levels are observations, and a row is a unit"
    if any(each.batch == name for each in design.batch_effects):
        return "it processed observations, and a row is a unit"
    return "it labels observations, and a row is a unit"


def _note(design: Design, plan: _Plan, name: str) -> str | None:
    """Say what the table shows that the text does not say exactly."""
    notes = []
    if any(count.approximate for count in design.factor(name).size or ()):
        notes.append("its size is approximate")
    if any(name in node for node in plan.batches):
        notes.append("the text does not say which units it processed together, so they were taken in order")
    return "; ".join(notes) or None


def _require_enough(design: Design, plan: _Plan) -> None:
    """Refuse a design that leaves open which levels there are or occur together."""
    vague: list[Crossing | Aliasing] = [*design.crossings, *design.aliasings]
    for relation in vague:
        if relation.partial and not plan.left_out.keys() & set(factors_of(relation)):
            raise _partly_related(relation)
    for node in (*plan.units, *plan.batches):
        for name in node:
            if design.factor(name).size is None:
                raise DesignError(
                    f"the size of {name!r} is not known, and a table needs it; write a number, as in {spell(name)}(3)"
                )
    for one, other in combinations(plan.units, 2):
        if plan.order.incomparable(one, other) and plan.order.crossing(one, other) is None:
            raise DesignError(
                f"the design does not say how {one[0]!r} and {other[0]!r} occur together; cross them, "
                f"as in {spell(one[0])} × {spell(other[0])}, nest one in the other or alias them"
            )


def _partly_related(relation: Crossing | Aliasing) -> DesignError:
    first, second = factors_of(relation)
    said, instead = ("crossed", "×") if isinstance(relation, Crossing) else ("aliased", "≈≈")
    return DesignError(
        f"{first!r} and {second!r} are partly {said}, and the design does not say which combinations occur; "
        f"say more, as in {spell(first)} {instead} {spell(second)}, or make a table of the units"
    )


def _codes_of_units(design: Design, plan: _Plan, most_rows: int) -> dict[str, Ints]:
    """Return the code of each unit in each factor of the rows, shape (n_units,)."""
    codes: dict[str, Ints] = {}
    n_rows = 1
    for node in plan.units:
        # Of aliased factors the finest, which alone tells the levels of the others.
        above = [max(outer, key=lambda name: codes[name].max()) for outer in _parents(plan, node)]
        parents, n_parents = _combinations([codes[name] for name in above], n_rows)
        sizes = {name: _sizes(design.factor(name), n_parents if above else None, most_rows) for name in node}
        finest = max(node, key=lambda name: sizes[name].sum())
        repeats = sizes[finest][parents]
        n_rows = int(repeats.sum())
        if n_rows > most_rows:
            raise DesignError(
                f"the design has more than {most_rows:,} units, too many for a table of "
                f"{len(design.factors)} factors; where the levels of {finest!r} are observations, name it so, "
                f"as in Cell(5000), and else plan fewer"
            )
        codes = {name: np.repeat(each, repeats) for name, each in codes.items()}
        within = np.arange(n_rows) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        codes |= _codes_of_node(sizes, np.repeat(parents, repeats), within)
    return codes


def _parents(plan: _Plan, node: Node) -> list[Node]:
    """Return the nodes that directly nest a node, in the order of the table."""
    finest = plan.order.finest(plan.order.above[node])
    return [unit for unit in plan.units if unit in finest]


def _combinations(columns: Sequence[Ints], n_rows: int) -> tuple[Ints, int]:
    """Number the combinations of levels that occur, in the order of the levels, and say how many there are."""
    combined = np.zeros(n_rows, dtype=np.int64)
    for codes in columns:
        _, combined = numbered(combined * (int(codes.max()) + 1) + codes)
    return combined, int(combined.max()) + 1


def _sizes(factor: Factor, parents: int | None, most: int) -> Ints:
    """Return the number of levels in each combination of levels above, of which a factor at the top has none.

    Any number above `most` is too many, so it may as well be the next one, which arrays hold.
    """
    numbers = [count.number for count in factor.size or ()]
    if parents is None:
        numbers = [sum(numbers)]
    elif len(numbers) == 1:
        numbers *= parents
    elif len(numbers) != parents:
        raise DesignError(
            f"the size list of {factor.name!r} has {len(numbers)} entries, but there are {parents} levels above it; "
            f"write one entry for each"
        )
    return np.array([min(number, most + 1) for number in numbers], dtype=np.int64)


def _codes_of_node(sizes: Mapping[str, Ints], parents: Ints, within: Ints) -> dict[str, Ints]:
    """Number the levels of aliased factors, given the place of each row among the finest levels of its parent.

    Each coarser factor is a function of the next finer one, and so of all that are finer.
    """
    finest_first = sorted(sizes, key=lambda name: -sizes[name].sum())
    codes = {}
    place = within
    for finer, name in pairwise([finest_first[0], *finest_first]):
        if (sizes[name] > sizes[finer]).any():
            raise DesignError(
                f"{finer!r} and {name!r} are aliased, but which has more levels differs between the levels above "
                f"them, so neither is a function of the other; give one of them at least as many everywhere"
            )
        place = place * sizes[name][parents] // sizes[finer][parents]
        codes[name] = (np.cumsum(sizes[name]) - sizes[name])[parents] + place
    return codes


def _codes_of_batches(design: Design, node: Node, codes: Mapping[str, Ints]) -> dict[str, Ints]:
    """Distribute what batches processed over them: in order, and as evenly as can be."""
    units = [each.unit for each in design.batch_effects if each.batch in node and each.unit in codes]
    together, n_together = _joined([codes[unit] for unit in units])
    one_parent = np.zeros_like(together)
    sizes = {name: _sizes(design.factor(name), None, n_together) for name in node}
    most = max(node, key=lambda name: int(sizes[name][0]))
    n_batches = int(sizes[most][0])
    if n_batches > n_together:
        raise DesignError(
            f"{most!r} has {n_together} levels at most, because each level of {' and '.join(map(repr, units))} "
            f"was processed in one of them; write {spell(most)}({n_together}) or less"
        )
    return _codes_of_node(sizes, one_parent, together * n_batches // n_together)


def _joined(columns: Sequence[Ints]) -> tuple[Ints, int]:
    """Number the parts of the rows that share no level of any column, in order, and say how many there are."""
    parts = columns[0]
    while True:
        before = parts
        for codes in columns:
            least = np.full(int(codes.max()) + 1, len(parts), dtype=np.int64)
            np.minimum.at(least, codes, parts)
            parts = least[codes]
        if (parts == before).all():
            return _combinations([parts], len(parts))


def _require_one_batch_a_unit(design: Design, codes: Mapping[str, Ints]) -> None:
    """Refuse batches that stand elsewhere in the design such that a unit lies in several of them."""
    for effect in design.batch_effects:
        if effect.batch in codes and effect.unit in codes:
            pairs = _combinations([codes[effect.unit], codes[effect.batch]], len(codes[effect.unit]))[1]
            if pairs > int(codes[effect.unit].max()) + 1:
                raise DesignError(
                    f"levels of {effect.unit!r} lie in several levels of {effect.batch!r}, which is said to have "
                    f"processed each in one; leave out {spell(effect.batch)} == {spell(effect.unit)}"
                )


def _level_names(factor: Factor, n_levels: int) -> tuple[str, ...]:
    """Return the stated names if they are as many as the levels, else numbers after the name of the factor."""
    if len(set(factor.levels)) == len(factor.levels) == n_levels:
        return factor.levels
    stem = factor.name.lower()
    if stem[-1:].isdigit():
        stem += "_"
    return tuple(f"{stem}{number}" for number in range(1, n_levels + 1))
