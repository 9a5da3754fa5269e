"""Generated designs and texts, for laws that hold of all of them."""

from hypothesis import strategies as st

from edviz.errors import DesignError
from edviz.model import (
    KINDS,
    Aliasing,
    BatchEffect,
    Classification,
    Count,
    Crossing,
    Factor,
    Nesting,
    make_design,
)

plain_names = st.sampled_from(["A", "B", "C", "D", "E", "F", "G", "x", "Café", "细胞", "_1", "k5"])
odd_names = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
odd_fragments = st.sampled_from(
    ['"', "\\", "\n", "e\u0301", "\u202e", "\x1b[31m", "a b", "#", "≈≈", "😀", "\u0301", "n"]
)
names = st.one_of(plain_names, plain_names, odd_names, st.lists(odd_fragments, min_size=1, max_size=3).map("".join))
counts = st.builds(Count, st.integers(1, 12), st.booleans())
sizes = st.one_of(st.none(), st.tuples(counts), st.lists(counts, min_size=2, max_size=3).map(tuple))
kinds = st.one_of(st.none(), st.none(), st.sampled_from(KINDS))
levels = st.one_of(st.just(()), st.just(()), st.lists(names, max_size=3).map(tuple))
columns = st.one_of(st.none(), st.none(), names)


@st.composite
def designs(draw, most_factors=8, names=names):
    """Designs of any shape that `make_design` accepts: each relation is kept if it contradicts none before it."""
    chosen = draw(st.lists(names, min_size=1, max_size=most_factors, unique=True))
    factors = [Factor(name, draw(sizes), draw(kinds), draw(levels), draw(columns)) for name in chosen]
    relations = []
    for relation in draw(st.lists(_relations(chosen), max_size=2 * len(chosen))):
        try:
            make_design(factors, [*relations, relation])
        except DesignError:
            continue
        relations.append(relation)
    return make_design(factors, relations)


@st.composite
def _relations(draw, chosen):
    first, second = sorted(draw(st.tuples(*[st.integers(0, len(chosen) - 1)] * 2)))
    pair = chosen[first], chosen[second]
    what = draw(st.sampled_from([Nesting] * 5 + [Crossing] * 4 + [Aliasing] * 2 + [Classification, BatchEffect]))
    if what is Aliasing:
        return Aliasing(pair, draw(st.booleans()))
    if what is Crossing:
        return Crossing(*pair, draw(st.sampled_from([False, False, True])))
    return what(*pair)


def _texts_of(children):
    operators = st.sampled_from([">", ">", "×", "×", "◊"])
    joined = st.lists(st.tuples(children, operators), min_size=1, max_size=3).flatmap(
        lambda pairs: children.map(lambda last: "".join(f"{each} {symbol} " for each, symbol in pairs) + last)
    )
    return st.one_of(joined, joined.map("({})".format))


factor_texts = st.sampled_from("ABCDEFGHIJ")
braces_texts = st.lists(factor_texts, min_size=2, max_size=3, unique=True).map(
    lambda each: "{" + " ≈≈ ".join(each) + "}"
)
expression_texts = st.recursive(st.one_of(factor_texts, factor_texts, braces_texts), _texts_of, max_leaves=7)
small_statements = st.tuples(factor_texts, st.sampled_from([":", "==", "≈", "≈≈"]), factor_texts).map(" ".join)
statements = st.one_of(expression_texts, expression_texts, small_statements)
definitions = st.tuples(
    st.sampled_from(["(2)", "(3)", "(~4)", "[2|3]", "(?)"]),
    st.sampled_from(["", "", "", "{kind=unit}", "{kind=treatment}", "{kind=batch}"]),
).map("".join)
texts = st.tuples(
    st.lists(statements, min_size=1, max_size=4).map("\n".join), st.lists(definitions, min_size=10, max_size=10)
).map(lambda pair: "\n".join([pair[0], *(name + said for name, said in zip("ABCDEFGHIJ", pair[1], strict=True))]))
"""Texts that mostly parse; some contradict themselves."""
