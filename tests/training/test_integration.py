"""What integration does, in numbers that can be worked out by hand."""

import numpy as np
import pandas
import pytest

from mcp_server.training.integration import ConditionSignal, IntegrationScores, describe, score, signal_of
from tests.training.files import needs_scvi


def scores(mixing, *signals):
    return IntegrationScores(mixing, None, None, None, tuple(ConditionSignal("drug", *each) for each in signals))


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
    said = list(describe("batch", None, scores(0.8, inside), scores(0.2, outside)))
    assert said[0].startswith("batch mixes better with the key")
    assert said[1].startswith(words)


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
