"""A sample has the wanted size, loses no group, and is the same again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.embeddings.reading import Levels
from mcp_server.embeddings.sampling import LEAST_OF_A_STRATUM, choose_cells


def _levels(name: str, codes: np.ndarray) -> Levels:
    return Levels(name, codes, tuple(f"{name}{code}" for code in range(int(codes.max(initial=-1)) + 1)))


def test_few_cells_are_all_taken() -> None:
    sample = choose_cells(10, 10, [], seed=0)
    assert sample.rows.tolist() == list(range(10))
    assert sample.is_whole


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=30), st.integers(100, 2000), st.integers(0, 5))
def test_every_group_is_there_and_the_size_is_the_wanted_one(sizes: list[int], most: int, seed: int) -> None:
    codes = np.repeat(np.arange(len(sizes)), sizes)
    sample = choose_cells(len(codes), most, [_levels("group", codes)], seed=seed)
    assert len(sample.rows) == min(most, len(codes))
    assert len(np.unique(sample.rows)) == len(sample.rows)
    least = min(LEAST_OF_A_STRATUM, most // len(sizes))
    found = np.bincount(codes[sample.rows], minlength=len(sizes))
    assert (found >= np.minimum(sizes, least)).all()


def test_groups_keep_their_shares() -> None:
    codes = np.repeat([0, 1, 2], [60_000, 30_000, 10_000])
    sample = choose_cells(100_000, 10_000, [_levels("group", codes)], seed=0)
    assert np.bincount(codes[sample.rows]) == pytest.approx([6000, 3000, 1000], abs=20)
    assert sample.strata == ("group",)


def test_combinations_of_columns_are_represented_while_they_are_not_too_many() -> None:
    a, b, c = np.arange(5000) % 3, np.arange(5000) // 7 % 4, np.arange(5000)
    sample = choose_cells(5000, 500, [_levels("a", a), _levels("b", b), _levels("c", c)], seed=1)
    assert sample.strata == ("a", "b")
    assert len(np.unique(a[sample.rows] * 4 + b[sample.rows])) == 12


def test_missing_labels_are_a_group_of_their_own() -> None:
    codes = np.where(np.arange(5000) < 30, -1, 0)
    sample = choose_cells(5000, 100, [_levels("a", codes)], seed=0)
    assert np.count_nonzero(codes[sample.rows] < 0) == LEAST_OF_A_STRATUM


def test_the_seed_decides() -> None:
    once, again, other = (choose_cells(10_000, 50, [], seed=seed).rows.tolist() for seed in (4, 4, 5))
    assert once == again
    assert once != other
