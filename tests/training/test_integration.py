"""What integration does, in numbers that can be worked out by hand."""

import numpy as np
import pandas
import pytest

from mcp_server.training.integration import (
    ConditionSignal,
    IntegrationScores,
    OwnBatch,
    describe,
    own_batch_of,
    score,
    signal_of,
)
from tests.training.files import needs_scvi


def scores(own, *signals):
    conditions = tuple(ConditionSignal("drug", *each) for each in signals)
    return IntegrationScores(0.5, OwnBatch(own, 0.38), None, None, None, conditions)


def test_neighbours_of_the_same_level_are_counted():
    obs = pandas.DataFrame({"drug": ["a", "a", "b", "b"]})
    # Each cell first, then its neighbours: 1 of 2, 1 of 2, 2 of 2 and 0 of 2 have its level.
    indices = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 3], [3, 0, 1]])
    found = signal_of("drug", obs, indices)
    assert found.share == pytest.approx(0.5)
    # Of the three other cells, one is of the same level.
    assert found.chance == pytest.approx(1 / 3, abs=1e-4)
    assert ConditionSignal("drug", 0.75, 0.5).signal == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("inside", "outside", "words"),
    [
        ((0.9, 0.5), (0.92, 0.5), "The signal of drug survived: 90% of the nearest"),
        ((0.7, 0.5), (0.8, 0.5), "The signal of drug is weaker with the key"),
        ((0.52, 0.5), (0.9, 0.5), "The signal of drug is mostly removed by the key"),
        ((0.51, 0.5), (0.505, 0.5), "drug hardly shows in either"),
    ],
)
def test_what_became_of_a_condition_is_said(inside, outside, words):
    said = list(describe("batch", None, scores(0.41, inside), scores(0.93, outside)))
    assert said[0] == (
        "batch mixes better with the key: 41% of the 30 nearest neighbours of a cell are of its own batch with it, 93% "
        "without and 38% by chance."
    )
    assert said[2].startswith(words)


def test_batches_that_are_as_far_apart_as_before_do_not_mix_better():
    said = list(describe("batch", None, scores(0.93), scores(0.93)))
    assert said[0].startswith("batch does not mix better")
    assert said[1].startswith("The levels of batch lie apart even with the key")


def test_neighbours_of_the_own_batch_are_counted():
    # 2 of 2, 1 of 2, 0 of 2 and 1 of 2; the shares of the batches are 3/4 and 1/4.
    batch = np.array([0, 0, 0, 5])
    found = own_batch_of(batch, np.array([[0, 1, 2], [1, 0, 3], [2, 3, 3], [3, 0, 3]]))
    assert (found.share, found.chance) == (pytest.approx(0.5), pytest.approx(0.625))


@needs_scvi
def test_batches_apart_score_low_and_batches_mixed_score_high():
    random = np.random.default_rng(0)
    n = 400
    obs = pandas.DataFrame({"batch": np.arange(n) % 2, "kind": np.arange(n) // 2 % 2})
    kinds = random.normal(size=(n, 5)).astype(np.float32) + 20 * obs[["kind"]].to_numpy(dtype=np.float32)
    mixed = score(kinds, obs, "batch", "kind", ())
    apart = score(kinds + 100 * obs[["batch"]].to_numpy(dtype=np.float32), obs, "batch", "kind", ())
    assert mixed.batch_mixing > 0.8 > 0.1 > apart.batch_mixing
    assert mixed.label_conservation > 0.9
    assert mixed.batch_silhouette > apart.batch_silhouette
    assert mixed.own_batch.share == pytest.approx(0.5, abs=0.03)
    assert (apart.own_batch.share, apart.own_batch.chance) == (1, 0.5)


@needs_scvi
def test_a_small_batch_apart_is_seen_where_the_median_of_the_index_sees_nothing():
    random = np.random.default_rng(0)
    obs = pandas.DataFrame({"batch": ["large"] * 580 + ["small"] * 20})
    space = random.normal(size=(600, 5)).astype(np.float32)
    mixed = score(space, obs, "batch", None, ())
    apart = score(space + 100 * (obs[["batch"]] == "small").to_numpy(dtype=np.float32), obs, "batch", None, ())
    assert abs(mixed.batch_mixing - apart.batch_mixing) < 0.1
    by_chance = (580 / 600) ** 2 + (20 / 600) ** 2
    assert mixed.own_batch.chance == apart.own_batch.chance == pytest.approx(by_chance, abs=1e-4)
    assert mixed.own_batch.share == pytest.approx(by_chance, abs=0.01)
    # Of a batch of 20 cells 19 of the 30 nearest neighbours can be of it.
    assert apart.own_batch.share == pytest.approx((580 + 20 * 19 / 30) / 600, abs=1e-4)
