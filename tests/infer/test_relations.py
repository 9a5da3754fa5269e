"""Exact relations of two columns, against pandas and networkx."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edviz.infer.relations import contingency, join_codes, relate
from tests.infer.planted import true_relation

TEXTBOOK = {
    # two columns, one character an observation -> relation, filled, possible, components
    ("AABB", "1122"): ("aliased", 2, 4, 2),
    ("AABB", "1234"): ("b_nested_in_a", 4, 8, 2),
    ("1234", "AABB"): ("a_nested_in_b", 4, 8, 2),
    ("AABB", "1212"): ("crossed", 4, 4, 1),
    ("AAB", "121"): ("partially_crossed", 3, 4, 1),
    ("AABBCC", "112233"): ("aliased", 3, 9, 3),
    ("AABBCCDD", "12123434"): ("partially_crossed", 8, 16, 2),
}


def codes_of(text):
    levels = sorted(set(text) - {"."})
    return np.array([levels.index(value) if value != "." else -1 for value in text])


def related(a, b):
    return relate(contingency(codes_of(a), codes_of(b)))


@pytest.mark.parametrize("columns", TEXTBOOK)
def test_relations_follow_their_definitions(columns):
    found = related(*columns)
    assert (found.relation, found.filled, found.possible, found.components) == TEXTBOOK[columns]


def test_factors_crossed_inside_the_levels_of_their_join_are_told_from_partly_crossed_ones():
    assert related("AABBCCDD", "12123434").crossed_within
    assert not related("AABBCCDD", "12113434").crossed_within
    assert not related("AABB", "1212").crossed_within


def test_missing_values_are_no_level():
    found = related("AABB..", "12121.")
    assert (found.relation, found.n_obs, found.possible) == ("crossed", 4, 4)


def test_columns_that_share_no_observation_have_no_combination():
    found = related("AB..", "..12")
    assert (found.filled, found.possible, found.n_obs) == (0, 0, 0)


def test_levels_of_the_join_are_numbered_for_each_level():
    table = contingency(codes_of("AABBCCDD"), codes_of("12123434"))
    assert join_codes(table, 4).tolist() == [0, 0, 1, 1]


columns = st.lists(st.tuples(st.integers(-1, 7), st.integers(-1, 7)), min_size=1, max_size=60)


@given(columns)
def test_relations_agree_with_a_pandas_crosstab(rows):
    a, b = (np.array(column) for column in zip(*rows, strict=True))
    found = relate(contingency(a, b))
    frame = pd.DataFrame({"a": a, "b": b}).query("a >= 0 and b >= 0")
    table = pd.crosstab(frame.a, frame.b)
    graph = nx.Graph([((0, x), (1, y)) for x, y in zip(frame.a, frame.b, strict=True)])
    assert found.n_obs == len(frame)
    assert found.filled == int((table.to_numpy() > 0).sum())
    assert found.possible == table.shape[0] * table.shape[1]
    assert found.components == nx.number_connected_components(graph)
    if len(frame):
        assert found.relation == true_relation(frame.a, frame.b)


@pytest.mark.parametrize("largest", [30, 3000, 2**40])
def test_combinations_are_counted_alike_by_position_and_by_sorting(largest):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, largest, 5000), rng.integers(0, largest, 5000)
    found = contingency(a, b)
    counted = pd.DataFrame({"a": a, "b": b}).value_counts(sort=False).sort_index()
    assert list(zip(found.a, found.b, strict=True)) == counted.index.tolist()
    assert found.n.tolist() == counted.tolist()
