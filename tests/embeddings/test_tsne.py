"""Our t-SNE against openTSNE as it is, and against scikit-learn's measure of trust."""

import numpy as np
import pytest

from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.neighbours import preservation
from mcp_server.embeddings.reporting import silent
from mcp_server.embeddings.tsne import FEWEST_FOR_INTERPOLATION, TsneSettings, open_tsne
from tests.embeddings.files import blobs, needs_sklearn, needs_tsne

pytestmark = needs_tsne


@needs_sklearn
def test_neighbours_can_be_trusted_and_groups_stay_apart() -> None:
    from sklearn.manifold import trustworthiness
    from sklearn.metrics import silhouette_score

    points, groups = blobs(600, 6)
    found = open_tsne(points, TsneSettings(), silent)
    assert found.shape == (600, 2)
    assert trustworthiness(points, found, n_neighbors=15) > 0.97
    assert silhouette_score(found, groups) > 0.6


def test_as_many_neighbours_are_kept_as_by_opentsne_with_its_defaults() -> None:
    from openTSNE import TSNE

    points = blobs(FEWEST_FOR_INTERPOLATION + 100, 10, seed=2)[0]
    ours = preservation(points, open_tsne(points, TsneSettings(), silent))
    theirs = preservation(points, np.asarray(TSNE(random_state=0).fit(points), dtype=np.float32))
    assert ours > 0.95 * theirs


def test_the_same_seed_gives_the_same_embedding() -> None:
    points = blobs(300, 3)[0]
    once, again = (open_tsne(points, TsneSettings(seed=7), silent) for _ in range(2))
    assert np.array_equal(once, again)


@pytest.mark.parametrize("n", [4, 5, 12])
def test_few_cells_are_embedded_with_a_perplexity_that_fits(n: int) -> None:
    found = open_tsne(blobs(n, 2)[0], TsneSettings(), silent)
    assert found.shape == (n, 2)
    assert np.isfinite(found).all()
    assert np.ptp(found) < 1000


@pytest.mark.parametrize("n_dimensions", [1, 5])
def test_equal_cells_and_one_dimension_are_no_trouble(n_dimensions: int) -> None:
    points = np.ones((40, n_dimensions), np.float32)
    assert np.isfinite(open_tsne(points, TsneSettings(), silent)).all()


def test_three_cells_are_too_few() -> None:
    with pytest.raises(EmbeddingError, match="at least 4 cells, and there are 3"):
        open_tsne(blobs(3, 1)[0], TsneSettings(), silent)


def test_progress_grows_to_the_end() -> None:
    told: list[float] = []
    open_tsne(blobs(50, 2)[0], TsneSettings(), told.append)
    assert told == sorted(told)
    assert told[0] > 0
    assert told[-1] == 1
