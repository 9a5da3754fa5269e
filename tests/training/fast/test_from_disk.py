"""Training on counts that are read from the file."""

import subprocess
import sys
from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest

pytest.importorskip("scvi")

from scipy import sparse
from scvi import settings
from scvi.model import SCVI

from edviz.errors import H5adError
from mcp_server.training.fast.from_disk import Pools, cells_on_disk, counts_on_disk, looked_through
from mcp_server.training.fast.speed_up import speed_up
from tests.h5ad.files import REPOSITORY
from tests.training.fast.data import cells, counts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cells.h5ad"
    cells(counts(n_cells=1000, n_genes=60)).write_h5ad(path)
    return path


def rows_of(batch: dict) -> np.ndarray:
    return batch["X"].dense(batch["X"].values).numpy()


def test_each_meant_cell_comes_once_an_epoch_with_its_counts_in_an_order_of_its_own(file: Path) -> None:
    import torch

    expected = anndata.read_h5ad(file).X.toarray()
    meant = np.random.default_rng(0).permutation(1000)[:701]
    number = {"number": torch.arange(1000)}
    pools = Pools(counts_on_disk(file), number, meant, batch_size=64, seed=3, rows_in_block=32, blocks_in_pool=4)

    epochs = [list(pools) for _ in range(2)]

    for batches in epochs:
        assert [len(batch["X"]) for batch in batches] == [64] * 10 + [61]
        found = np.concatenate([batch["number"] for batch in batches])
        np.testing.assert_array_equal(np.sort(found), np.sort(meant))
        np.testing.assert_array_equal(np.concatenate([rows_of(batch) for batch in batches]), expected[found])
    first, second = (np.concatenate([batch["number"] for batch in batches]) for batches in epochs)
    assert (first != second).mean() > 0.9
    # No more than a pool and what was left of the one before is mixed, but far more than neighbours.
    assert np.abs(np.diff(first)).mean() > 100


def test_without_a_seed_cells_come_in_the_order_of_the_file(file: Path) -> None:
    import torch

    pools = Pools(
        counts_on_disk(file), {"number": torch.arange(1000)}, np.arange(10, 500), batch_size=100, rows_in_block=64
    )

    np.testing.assert_array_equal(np.concatenate([batch["number"] for batch in pools]), np.arange(10, 500))


def test_a_file_sorted_by_batch_is_learned_as_well_as_when_shuffled_in_memory(tmp_path: Path) -> None:
    data = cells(counts(n_cells=3000, n_genes=200))
    data = data[np.argsort(data.obs["donor"].cat.codes.to_numpy(), kind="stable")].copy()
    path = tmp_path / "sorted.h5ad"
    data.write_h5ad(path)
    losses = []
    for on_disk in (None, counts_on_disk(path)):
        settings.seed = 0
        these = data if on_disk is None else cells_on_disk(on_disk, data.obs, data.var)
        SCVI.setup_anndata(these, batch_key="donor")
        model = SCVI(these, gene_likelihood="nb", n_hidden=32)
        assert speed_up(model, on_disk=on_disk).fast
        model.train(
            8,
            accelerator="cpu",
            early_stopping=True,
            batch_size=64,
            enable_progress_bar=False,
            plan_kwargs={"lr": 4e-3},
        )
        losses.append(float(model.history["reconstruction_loss_validation"].iloc[-1, 0]))

    assert losses[1] == pytest.approx(losses[0], rel=0.01)


def test_a_file_larger_than_the_memory_of_the_process_is_trained_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "large.h5ad"
    random = np.random.default_rng(0)
    n_cells, n_genes, n_each = 120_000, 1000, 200
    genes = np.sort(np.stack([random.permutation(n_genes)[:n_each] for _ in range(500)]), axis=1)[
        random.integers(500, size=n_cells)
    ]
    matrix = sparse.csr_matrix(
        (random.geometric(0.5, genes.size).astype("f4"), genes.ravel(), np.arange(n_cells + 1) * n_each),
        shape=(n_cells, n_genes),
    )
    anndata.AnnData(matrix).write_h5ad(path)
    assert path.stat().st_size > 190_000_000
    program = """
import resource, sys, warnings
import h5py, torch
from scvi.model import SCVI
from tests.training.fast.data import cells, train
from mcp_server.training.fast.from_disk import cells_on_disk, counts_on_disk
from mcp_server.training.fast.speed_up import speed_up
torch.set_num_threads(1)
train(cells(n_cells=200, density=0.07), {}, {}, fast=True, epochs=1)
counts = counts_on_disk(sys.argv[1])
data = cells_on_disk(counts, None, None)
SCVI.setup_anndata(data)
model = SCVI(data)
assert speed_up(model, on_disk=counts).fast
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100_000_000, used + 100_000_000))
model.train(1, accelerator="cpu", enable_progress_bar=False)
assert model.history["train_loss"].iloc[-1, 0] > 0
try:
    with h5py.File(sys.argv[1]) as file:
        everything = file["X/data"][:], file["X/indices"][:]
except MemoryError:
    print("trained to the end")
"""

    done = subprocess.run(
        [sys.executable, "-c", program, path], check=True, cwd=REPOSITORY, capture_output=True, text=True
    )

    assert done.stdout.splitlines()[-1] == "trained to the end"


def test_cells_without_counts_and_features_that_are_not_meant_are_passed_over(tmp_path: Path) -> None:
    import torch

    data = cells(counts(n_cells=500, n_genes=30))
    dense = data.X.toarray()
    empty = np.r_[0:3, 250:260, 499]
    dense[empty] = 0
    stored = sparse.csr_matrix(dense)
    stored[7, 5] = 0  # a zero that is stored
    path = tmp_path / "cells.h5ad"
    anndata.AnnData(stored).write_h5ad(path)
    dense[7, 5] = 0
    full = np.flatnonzero(dense.sum(1))
    genes = np.arange(0, 30, 3)

    on_disk = looked_through(counts_on_disk(path), genes)
    pools = Pools(on_disk, {"number": torch.arange(len(full))}, np.arange(len(full)), batch_size=40, rows_in_block=64)

    np.testing.assert_array_equal(on_disk.cells, full)
    batches = list(pools)
    np.testing.assert_array_equal(np.concatenate([rows_of(batch) for batch in batches]), dense[full][:, genes])
    np.testing.assert_array_equal(np.concatenate([batch["number"] for batch in batches]), np.arange(len(full)))


@pytest.mark.parametrize(
    ("n", "sizes"), [(129, [64, 65]), (130, [64, 64, 2]), (128, [64, 64]), (65, [65]), (3, [3]), (1, [1])]
)
def test_no_minibatch_is_a_single_cell_unless_there_is_only_one(file: Path, n: int, sizes: list[int]) -> None:
    for seed in (None, 1):
        pools = Pools(
            counts_on_disk(file), {}, np.arange(n), batch_size=64, seed=seed, rows_in_block=16, blocks_in_pool=2
        )

        assert [len(batch["X"]) for batch in pools] == sizes
        assert len(pools) == len(sizes)


def test_values_that_are_not_counts_are_refused_with_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "logs.h5ad"
    data = cells(counts(n_cells=300, n_genes=20))
    data.X[270, 0] = 0.5
    data.write_h5ad(path)

    with pytest.raises(H5adError, match="rows 256 to 299"):
        list(Pools(counts_on_disk(path), {}, np.arange(300), batch_size=50))


def test_a_column_that_is_none_of_the_file_is_refused(file: Path) -> None:
    with h5py.File(file, "r+") as h5ad:
        h5ad["X/indices"][17] = 60

    with pytest.raises(H5adError, match=r"rows 0 to 255 of columns that it does not have: the file is damaged"):
        list(Pools(counts_on_disk(file), {}, np.arange(1000), batch_size=50))


@pytest.mark.parametrize("how", ["replaced", "cut off", "gone"])
def test_a_file_that_changes_while_it_is_trained_on_is_refused(how: str, file: Path, tmp_path: Path) -> None:
    pools = Pools(counts_on_disk(file), {}, np.arange(1000), batch_size=50)
    list(pools)
    if how == "replaced":
        other = tmp_path / "other.h5ad"
        other.write_bytes(file.read_bytes())
        other.replace(file)
    elif how == "cut off":
        file.write_bytes(file.read_bytes()[:5000])
    else:
        file.unlink()
    words = (
        "cannot be read any more" if how == "gone" else "was changed or replaced while it was trained on; train anew"
    )
    with pytest.raises(H5adError, match=words):
        list(pools)


def test_counts_that_do_not_lie_by_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "columns.h5ad"
    anndata.AnnData(counts(n_cells=30, n_genes=20).tocsc(), layers={"dense": np.ones((30, 20))}).write_h5ad(path)

    for location, word in {"X": "csc_matrix", "layers/dense": "dense", "layers/none": "not there"}.items():
        with pytest.raises(H5adError, match=word):
            counts_on_disk(path, location)
