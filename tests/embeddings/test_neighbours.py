"""Neighbours are those that comparing all distances finds."""

import numpy as np
import pytest

from mcp_server.embeddings import neighbours
from mcp_server.embeddings.neighbours import nearest, preservation, same_label_share
from tests.embeddings.files import blobs, needs_sklearn

pytest.importorskip("scipy", reason="scipy is not installed (extra embedding)")


def _by_all_distances(points: np.ndarray, k: int) -> np.ndarray:
    distances = np.linalg.norm(points[:, None].astype(float) - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return np.sort(distances, axis=1)[:, :k]


@needs_sklearn
@pytest.mark.parametrize("n_dimensions", [2, 10, 40])
@pytest.mark.parametrize("has_faiss", [False, True])
def test_neighbours_are_exact(n_dimensions: int, has_faiss: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if has_faiss:
        pytest.importorskip("faiss", reason="faiss is not installed")
    else:
        monkeypatch.setattr(neighbours, "find_spec", lambda name: None)
    points = blobs(300, 4, n_dimensions=n_dimensions)[0]
    found, distances = nearest(points, 12)
    assert np.allclose(distances, _by_all_distances(points, 12), atol=2e-3)
    assert not (found == np.arange(300)[:, None]).any()
    assert np.allclose(np.linalg.norm(points[found[:, 3]] - points, axis=1), distances[:, 3], atol=2e-3)


@needs_sklearn
def test_a_cell_among_equal_cells_is_not_its_own_neighbour() -> None:
    points = np.zeros((50, 3), np.float32)
    found, distances = nearest(points, 5)
    assert found.shape == (50, 5)
    assert not (found == np.arange(50)[:, None]).any()
    assert (distances == 0).all()


def test_a_picture_equal_to_the_data_keeps_all_neighbours_and_a_shuffled_one_those_of_chance() -> None:
    points = blobs(2000, 1, n_dimensions=2)[0]
    assert preservation(points, points) == 1
    shuffled = points[np.random.default_rng(1).permutation(2000)]
    # 30 of 1,999 others by chance.
    assert preservation(points, shuffled) == pytest.approx(30 / 1999, abs=0.006)


def test_few_cells_have_no_share_of_neighbours() -> None:
    points = blobs(31, 2)[0]
    assert preservation(points, points) is None
    assert same_label_share(points, np.zeros(31, int)) is None


def test_labels_of_separate_groups_are_shared_and_random_labels_by_chance() -> None:
    points, groups = blobs(3000, 3, n_dimensions=2, seed=3)
    share, chance = same_label_share(points, groups)
    assert share > 0.99
    assert chance == pytest.approx(1 / 3, abs=1e-6)
    random = np.random.default_rng(0).choice(2, 3000, p=[0.8, 0.2])
    share, chance = same_label_share(points, random)
    assert chance == pytest.approx(0.8**2 + 0.2**2, abs=0.02)
    assert share == pytest.approx(chance, abs=0.02)


def test_cells_without_a_label_are_left_out_of_the_share() -> None:
    points, groups = blobs(400, 2, n_dimensions=2, seed=3)
    points[:, 0] += 100 * groups
    share, chance = same_label_share(points, np.where(np.arange(400) < 200, groups, -1))
    assert (share, chance) == (1.0, 0.5)
