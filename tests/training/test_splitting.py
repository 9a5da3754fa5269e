"""The order of the cells in an epoch."""

import numpy as np
import pytest

from tests.training.files import needs_scvi

pytestmark = needs_scvi


def order(epoch, seed=0, n=100):
    from mcp_server.training.splitting import EpochBatches

    batches = EpochBatches(n, 16, seed)
    batches.set_epoch(epoch)
    return list(batches)


def test_every_cell_comes_once_in_an_epoch():
    assert sorted(cell for batch in order(0) for cell in batch) == list(range(100))


def test_the_order_is_told_by_seed_and_epoch_alone():
    assert order(3) == order(3)
    assert order(3) != order(4)
    assert order(3) != order(3, seed=1)


def test_the_epoch_counts_that_is_said_after_the_iterator_was_made():
    from mcp_server.training.splitting import EpochBatches

    batches = EpochBatches(100, 16, 0)
    made = iter(batches)
    batches.set_epoch(5)
    assert list(made) == order(5)


@pytest.mark.parametrize("n", range(2, 70))
def test_no_minibatch_has_a_single_cell(n):
    from mcp_server.training.splitting import EpochBatches

    batches = EpochBatches(n, 16, 0)
    sizes = [len(batch) for batch in batches]
    assert min(sizes) >= 2
    assert sum(sizes) == n
    assert len(batches) == len(sizes)


def test_cells_held_out_are_none_that_are_trained_on():
    import scvi

    from mcp_server.training.splitting import splitter_for
    from tests.training.files import cells

    data = cells()
    scvi.model.SCVI.setup_anndata(data)
    splitter = splitter_for(4)(scvi.model.SCVI(data).adata_manager, train_size=0.9, batch_size=128)
    splitter.setup()
    assert len(splitter.val_idx) == 20
    assert np.array_equal(np.sort(np.concatenate([splitter.val_idx, splitter.train_idx])), np.arange(200))
