"""Whatever the table and whatever is said about it: a design that parses, or one sentence."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edviz.diagram import render
from edviz.errors import DesignError
from edviz.grammar import loads
from edviz.infer import Overrides, infer_design
from edviz.model import KINDS
from edviz.table import table_of

NAMES = ["sample", "donor", "batch", "condition", "cell_type", "x", "cell", "dose µM", "a|b", "sex", "rep", "guide"]


@st.composite
def tables(draw):
    n_rows = draw(st.integers(0, 40))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=0, max_size=6, unique=True))
    columns = {}
    for name in names:
        if columns and draw(st.booleans()):
            # a function of an earlier column, so that nesting and aliases are common
            source = columns[draw(st.sampled_from(sorted(columns)))]
            mapping = {value: draw(st.integers(0, 3)) for value in sorted(set(source) - {None})}
            columns[name] = [None if value is None else mapping[value] for value in source]
        else:
            value = st.none() | st.integers(0, draw(st.integers(0, 8)))
            columns[name] = draw(st.lists(value, min_size=n_rows, max_size=n_rows))
    return columns


@st.composite
def overrides(draw):
    name = st.sampled_from(NAMES)
    return Overrides(
        unit=tuple(draw(st.lists(name, max_size=2, unique=True))),
        kinds=draw(st.dictionaries(name, st.sampled_from(KINDS), max_size=3)),
        ignore=tuple(draw(st.lists(name, max_size=1))),
    )


@settings(max_examples=150, deadline=None)
@given(tables(), st.none() | overrides())
def test_every_table_has_a_design_that_parses_and_draws(columns, said):
    try:
        inference = infer_design(table_of(columns), said)
    except DesignError as error:
        assert said is not None
        assert "\n" not in str(error)
        return
    assert loads(inference.report.design) == inference.design
    assert render(inference.design, text=inference.report.design)
    assert len({factor.name for factor in inference.report.factors}) == len(inference.report.factors)
