"""Laws that hold for every table of units."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edviz.analysis import (
    UnitTable,
    anatomy,
    balance,
    effects,
    expected_mean_squares,
    lattice,
    model_rank,
    replication,
)
from edviz.analysis.mean_squares import _Model
from edviz.analysis.rank import PRIMES, echelon, rank

NAMES = ("a", "b", "c")


without_deadline = settings(deadline=None)


@st.composite
def tables(draw, *, missing=False):
    n_units = draw(st.integers(3, 14))
    sizes = [draw(st.integers(2, 4)) for _ in NAMES]
    lowest = -1 if missing else 0
    columns = [draw(st.lists(st.integers(lowest, size - 1), min_size=n_units, max_size=n_units)) for size in sizes]
    # One unit has everything: a table without such a unit is refused.
    columns = [[0, *column] for column in columns]
    levels = tuple(tuple(f"{name}{place}" for place in range(size)) for name, size in zip(NAMES, sizes, strict=True))
    return UnitTable(NAMES, np.array(columns, dtype=np.int64).T, levels)


def relabelled(table, seed):
    """The same units in another order with the levels of each factor in another order."""
    shuffle = np.random.default_rng(seed)
    codes, levels = table.codes[shuffle.permutation(table.n_units)].copy(), []
    for place, names in enumerate(table.levels):
        order = shuffle.permutation(len(names))
        new = np.empty(len(names), dtype=np.int64)
        new[order] = np.arange(len(names))
        present = codes[:, place] >= 0
        codes[present, place] = new[codes[present, place]]
        levels.append(tuple(names[old] for old in order))
    return UnitTable(table.names, codes, tuple(levels))


def groups(found):
    return {effect.factor: {frozenset(group) for group in effect.comparable} for effect in found}


@without_deadline
@given(tables(missing=True), st.integers(0, 99))
def test_estimability_does_not_depend_on_the_order_of_units_or_levels(table, seed):
    found, again = effects(table), effects(relabelled(table, seed))
    assert groups(found) == groups(again)
    assert [effect.lost for effect in found] == [effect.lost for effect in again]


@without_deadline
@given(tables(missing=True), st.integers(0, 99))
def test_rank_and_anatomy_do_not_depend_on_the_order_of_units_or_levels(table, seed):
    other = relabelled(table, seed)
    assert model_rank(table, "a*b + c") == model_rank(other, "a*b + c")
    found, again = anatomy(table, "a/b", "c"), anatomy(other, "a/b", "c")
    assert [(one.name, one.df, one.residual_df) for one in found.strata] == [
        (one.name, one.df, one.residual_df) for one in again.strata
    ]
    for one, two in zip(found.strata, again.strata, strict=True):
        for source in one.sources:
            assert two.source(source.term).efficiencies == pytest.approx(source.efficiencies, abs=1e-9)


@without_deadline
@given(tables(missing=True))
def test_degrees_of_freedom_of_strata_add_up_to_one_less_than_the_units(table):
    found = anatomy(table, "a/b", "c")
    assert sum(stratum.df for stratum in found.strata) == found.n_units - 1
    assert all(stratum.residual_df >= 0 for stratum in found.strata)


@without_deadline
@given(tables())
def test_treatments_fitted_in_one_stratum_take_the_degrees_of_freedom_that_their_rank_adds(table):
    fitted = sum(source.df for source in anatomy(table, "a", "b*c").stratum("within").sources) if within(table) else 0
    assert fitted == model_rank(table, "a + b*c").rank - model_rank(table, "a").rank


def within(table):
    return any(stratum.name == "within" for stratum in anatomy(table, "a").strata)


@without_deadline
@given(tables())
def test_efficiencies_lie_between_0_and_1_and_information_is_shared_out_among_strata(table):
    found = anatomy(table, "a/b", "c")
    shares = [stratum.source("c") for stratum in found.strata if stratum.source("c")]
    assert all(0 < value <= 1 for share in shares for value in share.efficiencies)
    # The traces of Q_c Q_stratum add up to the trace of Q_c.
    total = sum(value for share in shares for value in share.efficiencies)
    assert total == pytest.approx(len(set(table.of("c").tolist())) - 1)


@without_deadline
@given(tables())
def test_what_is_lost_is_what_the_rank_lacks(table):
    for effect in effects(table):
        others = [name for name in NAMES if name != effect.factor]
        gained = model_rank(table, [*others, effect.factor]).rank - model_rank(table, others).rank
        assert effect.df - effect.lost == gained
        # Groups of comparable levels leave at least one lost degree of freedom between any two of them.
        assert (len(effect.comparable) == 1) == (effect.lost == 0)
        assert bool(effect.explanations) == bool(effect.lost)


@without_deadline
@given(tables())
def test_lost_levels_are_those_that_a_least_squares_fit_cannot_compare(table):
    known = table.complete(NAMES)
    blocks = [(known.of(name)[:, None] == np.arange(len(known.levels_of(name)))).astype(float) for name in NAMES]
    matrix = np.hstack([np.ones((known.n_units, 1)), *blocks])
    projector = np.linalg.pinv(matrix) @ matrix
    start = 1
    for name, effect in zip(NAMES, effects(table), strict=True):
        levels = known.levels_of(name)
        for i in range(len(levels)):
            for j in range(i):
                contrast = np.zeros(matrix.shape[1])
                contrast[start + i], contrast[start + j] = 1, -1
                assert effect.can_compare(levels[i], levels[j]) == np.allclose(
                    contrast @ projector, contrast, atol=1e-8
                )
        start += len(levels)


@without_deadline
@given(tables())
def test_degrees_of_freedom_of_a_lattice_add_up_to_the_rank_of_its_finest_element(table):
    found = lattice(table)
    assert found.closed
    assert sum(element.df for element in found.elements) == max(element.n_levels for element in found.elements)
    assert found.elements[0].name == "universe"
    if found.orthogonal:
        assert all(element.df == element.df_if_orthogonal for element in found.elements)


@without_deadline
@given(tables())
def test_lines_of_a_hasse_diagram_are_a_transitive_reduction(table):
    import networkx as nx

    found = lattice(table)
    graph = nx.DiGraph([(coarse, element.name) for element in found.elements for coarse in element.under])
    graph.add_nodes_from(element.name for element in found.elements)
    assert set(nx.transitive_reduction(graph).edges) == set(graph.edges)
    assert [node for node in graph if not list(graph.predecessors(node))] == ["universe"]


@without_deadline
@given(tables())
def test_orthogonal_pairs_are_those_whose_projectors_commute(table):
    known = table.complete(NAMES)

    def projector(name):
        indicators = (known.of(name)[:, None] == np.arange(len(known.levels_of(name)))).astype(float)
        return indicators @ np.linalg.pinv(indicators)

    for pair in balance(known).pairs:
        one, other = projector(pair.a[0]), projector(pair.b[0])
        assert pair.orthogonal == np.allclose(one @ other, other @ one)
        assert bool(pair.because) != pair.orthogonal


@without_deadline
@given(st.integers(2, 3), st.integers(2, 3), st.integers(2, 3), st.integers(1, 2), st.sets(st.sampled_from(NAMES)))
def test_rules_for_mean_squares_are_what_synthesis_gives_in_balanced_designs(a, b, c, n, random):
    codes = np.array(list(np.ndindex(a, b, c, n)), dtype=np.int64)[:, :3]
    table = UnitTable(NAMES, codes, tuple(tuple(map(str, range(size))) for size in (a, b, c)))
    assert expected_mean_squares(table, "a*b + c", random).method == "rules"
    for formula in ("a*b*c", "a/b/c", "(a/b)*c"):
        model = _Model.of(table, formula, random)
        for term in model.terms:
            by_rules, by_synthesis = model._components(term, "rules"), model._components(term, "synthesis")
            assert by_rules == pytest.approx(by_synthesis, abs=1e-9)


@without_deadline
@given(tables())
def test_units_of_a_replication_are_counted_once(table):
    found = replication(table, "c", "a/b")
    assert sum(found.per_level.values()) == found.n_units <= table.n_units
    for blocking in found.blockings:
        assert {level for levels in blocking.holds.values() for level in levels} == set(found.per_level)
        assert (blocking.kind == "disconnected") <= (len(blocking.linked) > 1)


@pytest.mark.parametrize(("n_rows", "n_columns", "inner"), [(300, 200, 150), (200, 400, 170), (150, 150, 150)])
def test_ranks_of_matrices_of_several_panels_are_exact(n_rows, n_columns, inner):
    numbers = np.random.default_rng(0)
    matrix = numbers.integers(0, 2, (n_rows, inner)) @ numbers.integers(0, 2, (inner, n_columns))
    reduced = echelon(matrix, PRIMES[0])
    assert reduced.rank == rank(matrix) == inner
    assert reduced.null_space.shape == (n_columns, n_columns - inner)
    assert not ((matrix @ reduced.null_space) % PRIMES[0]).any()
    assert (reduced.rows[:, reduced.pivots] == np.eye(inner)).all()


@without_deadline
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 10**6))
def test_ranks_of_whole_numbers_are_exact(n_rows, n_columns, inner, seed):
    numbers = np.random.default_rng(seed)
    matrix = numbers.integers(-3, 4, (n_rows, inner)) @ numbers.integers(-3, 4, (inner, n_columns))
    assert rank(matrix) == np.linalg.matrix_rank(matrix)
    reduced = echelon(matrix, PRIMES[0])
    assert not ((matrix @ reduced.null_space) % PRIMES[0]).any()
