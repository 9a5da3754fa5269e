"""What a design says, as single statements: the measure of how alike two designs are.

A design is taken apart into statements about factors and about pairs of factors, those that follow from others
included: what nests through others, what is crossed because finer factors are. Two designs are as alike as the
statements that they share are many among all that either makes, the Jaccard index.

In the *structure* a factor has no name: it is called by its kind, so that a statement can be made several times,
and renaming changes nothing. In the *content* it has its name, the one in the other design if the two were matched,
and its number of levels counts, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TypeAlias

from edviz.counts import CountRange
from edviz.model import Design, Kind
from edviz.order import nodes_of, order_of

Statement: TypeAlias = tuple[str, ...]
"""A word for what is said, and the names of the factors that it is said of."""
UNKNOWN_KIND = "factor"
SYMMETRIC = ("crossed", "partly crossed", "aliased", "partly aliased")


def implied_statements(design: Design) -> list[Statement]:
    """List what a design says of pairs of factors, what follows included.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> implied_statements(loads("Site(3) > Donor(2) > Cell(~100)"))
    [('nests', 'Site', 'Donor'), ('nests', 'Site', 'Cell'), ('nests', 'Donor', 'Cell')]
    """
    nodes = nodes_of(design)
    order = order_of(nodes, design.relations)
    said: list[Statement] = []
    for a, b in combinations(design.names, 2):
        one, other = nodes[a], nodes[b]
        if one == other:
            said.append(("aliased", *sorted((a, b))))
        elif one in order.above[other]:
            said.append(("nests", a, b))
        elif other in order.above[one]:
            said.append(("nests", b, a))
        elif crossing := order.crossing(one, other):
            said.append(("crossed" if crossing == "×" else "partly crossed", *sorted((a, b))))
    return list(dict.fromkeys([*said, *stated(design)]))


def stated(design: Design) -> list[Statement]:
    """List what a design says of pairs of factors without what follows from that.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> stated(loads("Site(3) > Donor(2) > Cell(~100)"))
    [('nests', 'Site', 'Donor'), ('nests', 'Donor', 'Cell')]
    """
    said: list[Statement] = [("nests", each.outer, each.inner) for each in design.nestings]
    said += [("partly crossed" if each.partial else "crossed", each.a, each.b) for each in design.crossings]
    for aliasing in design.aliasings:
        word = "partly aliased" if aliasing.partial else "aliased"
        said += [(word, *pair) for pair in combinations(aliasing.factors, 2)]
    said += [("classified by", each.unit, each.label) for each in design.classifications]
    return said + [("processed in", each.unit, each.batch) for each in design.batch_effects]


def structure(design: Design) -> Counter[Statement]:
    """Count the statements of a design with every factor called by its kind.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> for statement, times in structure(loads("Site(3) > Donor(2) > Cell(~100)")).items():
    ...     print(*statement, times)
    is unit 3
    nests unit unit 3
    """
    kinds = {factor.name: factor.kind or UNKNOWN_KIND for factor in design.factors}
    said = [("is", kind) for kind in kinds.values()]
    return Counter([*said, *(renamed(statement, kinds) for statement in implied_statements(design))])


def content(design: Design, names: Mapping[str, str], totals: Mapping[str, CountRange]) -> Counter[Statement]:
    """Count the statements of a design, each of which is made once.

    Parameters
    ----------
    design
        The design.
    names
        What to call each factor.
    totals
        Levels of each factor in all.
    """
    return Counter(dict.fromkeys(_content(design, names, totals), 1))


def similarity(one: Counter[Statement], other: Counter[Statement]) -> float:
    """Return the share of statements that two designs share: 1 if all are, 0 if none is.

    Examples
    --------
    Three donors with samples, and three mice without: a unit is shared, of three statements.

    >>> from edviz.grammar import loads
    >>> similarity(structure(loads("Donor(3) > Sample(2)")), structure(loads("Mouse(3){kind=unit}")))
    0.3333333333333333
    """
    either = (one | other).total()
    return (one & other).total() / either if either else 1.0


def _content(design: Design, names: Mapping[str, str], totals: Mapping[str, CountRange]) -> Iterator[Statement]:
    for factor in design.factors:
        name, total = names[factor.name], totals[factor.name]
        kind: Kind | str = factor.kind or UNKNOWN_KIND
        yield ("there is", name)
        yield ("is", name, kind)
        yield ("has levels", name, f"{total.low} {total.high} {total.approximate}")
    yield from (renamed(statement, names) for statement in implied_statements(design))


def renamed(statement: Statement, names: Mapping[str, str]) -> Statement:
    """Call the factors of a statement by other names; those of a symmetric one are put in order."""
    word, *factors = statement
    renamed = [names[name] for name in factors]
    return (word, *(sorted(renamed) if word in SYMMETRIC else renamed))
