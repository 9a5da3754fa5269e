"""How often combinations occur, whatever the plan by which they are counted, against pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edviz.counting import ArraySource, Coding, OutgrownError, count, with_codings
from edviz.counting.blocks import BLOCK_ROWS


def counted(columns):
    codes = {name: np.asarray(values) for name, values in columns.items()}
    n_obs = len(next(iter(codes.values())))
    return count(
        ArraySource(codes, {name: int(c.max(initial=-1)) + 1 for name, c in codes.items()}, n_obs), tuple(codes)
    )


def assert_as_pandas_counts(counts, columns, names):
    expected = pd.DataFrame({name: columns[name] for name in names}).value_counts(sort=False).sort_index()
    rows = counts.rows(*names)
    assert [tuple(row) for row in zip(*(rows.codes[name] for name in names), strict=True)] == expected.index.tolist()
    assert rows.n.tolist() == expected.tolist()


def experiment(n, strays, seed=0):
    rng = np.random.default_rng(seed)
    sample = rng.integers(0, 30, n)
    columns = {"sample": sample, "donor": sample // 3, "condition": sample % 2, "batch": sample // 10}
    for name in ("donor", "condition"):
        columns[name] = np.where(rng.random(n) < strays, rng.integers(-1, 3, n), columns[name])
    columns |= {name: rng.integers(-1, levels, n) for name, levels in (("leiden", 20), ("phase", 3), ("qc", 2))}
    return columns | {"clone": rng.integers(0, 3000, n)}


@pytest.mark.parametrize("strays", [0, 0.01, 0.3])
@pytest.mark.parametrize("order", ["shuffled", "sorted"])
def test_all_pairs_and_triples_agree_with_pandas(strays, order):
    columns = experiment(BLOCK_ROWS + 5000, strays)
    if order == "sorted":
        by_sample = np.argsort(columns["sample"], kind="stable")
        columns = {name: values[by_sample] for name, values in columns.items()}
    counts = counted(columns)
    names = list(columns)
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            assert_as_pandas_counts(counts, columns, (a, b))
    assert_as_pandas_counts(counts, columns, ("sample", "leiden", "phase"))
    assert_as_pandas_counts(counts, columns, ("leiden", "qc", "donor", "batch"))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(*[st.integers(-1, 3)] * 4), min_size=1, max_size=80))
def test_any_small_table_is_counted_exactly(rows):
    columns = {name: np.array(column) for name, column in zip("abcd", zip(*rows, strict=True), strict=True)}
    counts = counted(columns)
    for names in ("a", "ab", "ba", "bcd", "abcd"):
        assert_as_pandas_counts(counts, columns, tuple(names))


def test_a_source_whose_columns_grow_is_counted_again():
    class Growing(ArraySource):
        grown = False

        def size(self, name):
            return 5 if self.grown else 2

        def blocks(self, names):
            if not self.grown:
                self.grown = True
                raise OutgrownError
            yield from super().blocks(names)

    codes = np.array([0, 1, 2, 3, 4] * 4)
    assert count(Growing({"a": codes}, {}, 20), ("a",)).rows("a").n.tolist() == [4] * 5


def test_columns_that_are_functions_of_others_are_counted_through_them():
    columns = {"donor": np.array([0, 1, 2, -1, 2, 1]), "stim": np.array([0, 1, 0, 1, 0, 1])}
    counts = counted(columns)
    codings = {
        "half": Coding.of_levels("donor", np.array([0, 0, 1])),
        "sample": Coding.of_combinations(counts.rows("donor", "stim"), ("donor", "stim")),
    }
    coded = with_codings(counts, codings)
    assert coded.codes("half").codes["half"].tolist() == [0, 0, 1, -1, 1, 0]
    assert coded.rows("sample").codes["sample"].tolist() == [-1, 0, 1, 2]
    assert coded.rows("half", "stim").n.sum() == 6
