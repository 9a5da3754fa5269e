"""Several devices that train together: here two processes of the processor, which talk by gloo."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import anndata
import numpy as np
import pandas
import pytest

from edviz.plain import to_plain
from mcp_server.jobs.cancel import cancel_job
from mcp_server.jobs.process import processes_of_job
from mcp_server.jobs.start import start_job
from mcp_server.training.errors import TrainingError
from mcp_server.training.hardware import Hardware
from mcp_server.training.plan import plan_training
from mcp_server.training.ranks import Rank
from mcp_server.training.settings import TrainingRequest, settings_for
from tests.h5ad.files import REPOSITORY, shared_file
from tests.jobs.waiting import until
from tests.training.files import cells, needs_scvi, silent, written

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc")
PATIENCE = 240
"""Seconds that processes may take to import scvi-tools on a busy machine."""
N_CELLS, N_TRAINED, EPOCHS = 2_000, 1_800, 6
SHIPPED = REPOSITORY / "tests" / "data" / "wu2020_tcells_200.h5ad"
ASKED = {"accelerator": "cpu", "epochs": EPOCHS, "check": False, "checkpoint_seconds": 0.0}
TOGETHER = TrainingRequest(**ASKED, devices=2, batch_size=64)
LONG = TrainingRequest(**ASKED | {"epochs": 400}, devices=2, batch_size=64)
COLUMNS = ["epoch", "kl_weight", "elbo_train", "elbo_validation"]


def losses(folder: str | Path) -> pandas.DataFrame:
    return pandas.read_csv(Path(folder) / "losses.csv")


def ranks(pids: Iterable[int]) -> dict[str, int]:
    """Return the processes of devices by what Lightning knows them by."""
    found = {}
    for pid in pids:
        with suppress(OSError):  # one that ends right now
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            found |= {each.decode(): pid for each in variables if each.startswith(b"LOCAL_RANK=")}
    return found


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Take some of the cells of a real file."""
    path = tmp_path_factory.mktemp("real") / "kang.h5ad"
    data = anndata.read_h5ad(shared_file("kang_pbmc_stim_ctrl_14039.h5ad"))
    data[np.sort(np.random.default_rng(0).permutation(data.n_obs)[:N_CELLS])].write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def together(real, tmp_path_factory):
    """Train once on two devices."""
    from mcp_server.training.train import train

    return train(real, TOGETHER, tmp_path_factory.mktemp("together") / "scvi", silent)


@needs_scvi
def test_two_devices_train_as_one_with_their_minibatches_together(real, together, tmp_path):
    from mcp_server.training.train import train

    alone = train(real, TrainingRequest(**ASKED, batch_size=128, fast=False), tmp_path / "alone", silent)
    assert (together.devices, alone.devices) == (2, 1)
    # Steps are made of the same cells in the same order, and differ in noise and in what batch normalisation sees.
    # Minibatches of half or twice the size end 2 % and 3 % away in training, and other seeds 0.7 %.
    assert together.train_elbo == pytest.approx(alone.train_elbo, rel=0.01)
    assert together.held_out_elbo == pytest.approx(alone.held_out_elbo, rel=0.04)


@needs_scvi
def test_each_device_trains_on_its_half_of_the_cells(together):
    assert (
        f"2 devices trained together; their cells in an epoch: {N_TRAINED // 2}, {N_TRAINED // 2}" in together.notices
    )


@needs_scvi
def test_plain_scvi_tools_loads_the_model_and_finds_the_held_out_loss_of_all_processes(real, together):
    from scvi.model import SCVI

    model = SCVI.load(together.model, adata=anndata.read_h5ad(real))
    held_out = model.validation_indices
    assert (len(held_out), len(model.train_indices)) == (N_CELLS - N_TRAINED, N_TRAINED)
    assert not set(held_out) & set(model.train_indices)
    assert -float(model.get_elbo(indices=held_out)) == pytest.approx(together.held_out_elbo, rel=0.02)
    assert np.isfinite(model.get_latent_representation()).all()
    assert len(model.history["elbo_validation"]) == EPOCHS


@needs_scvi
def test_what_is_left_is_the_same_as_of_one_device(together):
    folder = Path(together.folder)
    assert sorted(place.name for place in folder.iterdir()) == [
        "latent.h5ad",
        "losses.csv",
        "losses.png",
        "model",
        "report.md",
        "training.json",
    ]
    assert [place.name for place in folder.parent.iterdir()] == ["scvi"]
    settings = json.loads((folder / "training.json").read_text())["plan"]["settings"]
    assert (settings["devices"], settings["batch_size"]) == (2, 64)
    report = (folder / "report.md").read_text()
    assert "a step takes 2 × 64 = 128 cells" in report
    assert "the fast path does not cover several devices" in report
    assert losses(folder)["epoch"].tolist() == list(range(EPOCHS))
    assert np.isfinite(losses(folder).to_numpy()).all()


@needs_scvi
@needs_proc
def test_a_process_that_is_killed_ends_all_and_the_training_goes_on_to_the_same_result(real, together, tmp_path):
    from mcp_server.training.train import resume, train

    def kill_the_second(fraction: float, message: str) -> None:
        if message.startswith(f"epoch 3 of {EPOCHS}"):
            os.kill(ranks(children())["LOCAL_RANK=1"], signal.SIGKILL)

    with pytest.raises(TrainingError, match=r"one of the 2 training processes ended .* \(it was killed"):
        train(real, TOGETHER, tmp_path / "scvi", kill_the_second)
    assert ranks(children()) == {}
    assert len(losses(tmp_path / "scvi.unfinished")) < EPOCHS
    resumed = resume(tmp_path / "scvi", silent)
    assert (losses(resumed.folder)[COLUMNS] == losses(together.folder)[COLUMNS]).all(axis=None)


@needs_scvi
@needs_proc
def test_a_training_that_is_cancelled_leaves_no_process(runs):
    job = start_job("train_scvi", {"path": str(SHIPPED), "settings": to_plain(LONG)}).id
    until(runs, job, "running", fraction=0.001, seconds=PATIENCE)
    assert set(ranks(processes_of_job(job))) == {"LOCAL_RANK=0", "LOCAL_RANK=1"}
    assert cancel_job(runs, job).state == "cancelled"
    assert processes_of_job(job) == []
    assert not (runs / job / "output").exists()


@needs_scvi
def test_what_a_process_refuses_is_the_error_of_the_whole(tmp_path):
    from mcp_server.training.devices import Devices, learn_together
    from mcp_server.training.record import Started, environment

    gone = Started(str(tmp_path / "gone.h5ad"), "", TOGETHER, plan_training(SHIPPED, TOGETHER), environment())
    with pytest.raises(TrainingError, match=r"gone\.h5ad"):
        learn_together(gone, Devices("cpu", 2), tmp_path, silent)
    assert ranks(children()) == {}


@needs_scvi
def test_a_process_ends_when_the_one_that_waits_was_killed(tmp_path):
    from mcp_server.training.devices import _environment, _free_port
    from mcp_server.training.record import Started, environment

    started = Started(str(SHIPPED), "", TOGETHER, plan_training(SHIPPED, TOGETHER), environment())
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_server.training.one_device"],
        cwd=REPOSITORY,
        env=_environment(Rank(0, 2), _free_port(), 1),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    request = {"started": to_plain(started), "folder": str(tmp_path), "device": "cpu"}
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    # Now it waits for the second one, in code that no signal of Python's reaches.
    assert "the first epoch" in process.stdout.readline()
    assert process.poll() is None
    process.stdin.close()
    process.wait(PATIENCE)


@pytest.mark.parametrize("n", [20, 31, 64, 65, 67, 180, 181])
@pytest.mark.parametrize("of", [2, 3, 4])
def test_every_cell_is_in_the_part_of_one_process_and_all_make_as_many_steps(n, of):
    pytest.importorskip("scvi")
    from mcp_server.training.splitting import EpochBatches, minibatches

    parts = [list(EpochBatches(n, 8, 0, Rank(number, of))) for number in range(of)]
    assert sorted(cell for part in parts for batch in part for cell in batch) == list(range(n))
    assert len({len(part) for part in parts}) == 1
    whole = minibatches(np.random.default_rng((0, 0)).permutation(n), 8 * of)
    for step, together in enumerate(zip(*parts, strict=True)):
        sizes = [len(batch) for batch in together]
        assert min(sizes) >= 2
        assert max(sizes) - min(sizes) <= 1
        if n % (8 * of) > 2 * of:
            assert {cell for batch in together for cell in batch} == set(whole[step].tolist())


def test_the_plan_says_what_several_devices_do(tmp_path):
    path = written(cells(), tmp_path)
    plan = plan_training(path, TrainingRequest(devices=2, batch_size=32, accelerator="cpu"))
    assert plan.can_train
    assert any("a step takes 2 × 32 = 64 cells" in notice for notice in plan.notices)
    one = plan_training(path, TrainingRequest(batch_size=64, accelerator="cpu"))
    # As many steps, so as many epochs.
    assert (plan.settings.epochs, plan.settings.cells_per_step) == (one.settings.epochs, 64)
    assert plan.estimate.memory_mb > one.estimate.memory_mb


def test_more_devices_than_the_cells_can_keep_busy_are_refused(tmp_path):
    plan = plan_training(written(cells(), tmp_path), TrainingRequest(devices=8, accelerator="cpu"))
    assert ("few_cells_per_device", "train on one device") in [(each.id, each.remedy) for each in plan.problems]


@needs_scvi
def test_devices_that_are_not_there_are_replaced_with_a_notice():
    import torch

    from mcp_server.training.devices import usable_devices

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    found = usable_devices("cuda", 4)
    assert (found.kind, found.n) == ("cpu", 1)
    assert found.notices == ("torch finds no cuda device here, so the processor trains",)
    assert usable_devices("cpu", 4).n == 4


@needs_scvi
def test_of_fewer_devices_than_asked_for_those_train_that_are_there(monkeypatch):
    import torch

    from mcp_server.training.devices import usable_devices

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert usable_devices("cuda", 4).n == 2
    assert usable_devices("cuda", 4).notices[0].startswith("torch finds 2 of 4 cuda devices here; only these train")
    assert usable_devices("cuda", 2).notices == ()


def test_a_plan_for_more_devices_than_can_be_seen_says_so(tmp_path, monkeypatch):
    import mcp_server.training.plan as planning

    monkeypatch.setattr(planning, "look_at_hardware", lambda: Hardware("cuda", 8, 0.0, 8, None, gpus=1))
    plan = plan_training(written(cells(), tmp_path), TrainingRequest(devices=4))
    assert plan.settings.devices == 1
    assert "1 of 4 cuda devices can be seen here; no more train" in plan.notices


def test_where_the_processor_has_to_do_instead_of_gpus_it_trains_alone():
    machine = Hardware("cpu", 8, 0.0, 8, None)
    assert settings_for(TrainingRequest(devices=4, accelerator="cuda"), 100_000, machine).devices == 1
    assert settings_for(TrainingRequest(devices=4), 100_000, machine).devices == 4


def test_each_device_takes_its_own_minibatch():
    machine = Hardware("cuda", 8, 0.0, 8, None, gpus=4)
    settings = settings_for(TrainingRequest(devices=4), 100_000, machine)
    assert (settings.batch_size, settings.cells_per_step) == (512, 2048)
