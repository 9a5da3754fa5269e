"""Trainings on a Slurm of one machine: killed there and gone on with, and on two devices."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import anndata
import numpy as np
import pytest

from mcp_server.jobs.folder import JobFolder, read_share
from mcp_server.jobs.status import wait_for_job
from tests.jobs.slurm import cluster, reason_to_skip
from tests.jobs.waiting import until
from tests.scripts.running import run_json
from tests.training.files import cells, needs_scvi, written

pytestmark = [needs_scvi, pytest.mark.skipif(bool(reason_to_skip()), reason=reason_to_skip())]
PATIENCE = 240
"""Seconds that a training of some cells may take here, the import of scvi-tools included."""


@pytest.fixture(scope="module")
def configuration() -> Iterator[Path]:
    with cluster() as path:
        yield path


@pytest.fixture(autouse=True)
def slurm(configuration: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", str(configuration))
    monkeypatch.setenv("EDVIZ_JOBS_ENGINE", "slurm")
    monkeypatch.setenv("EDVIZ_JOBS_PARAMETERS", "slurm_partition=tests timeout_min=10")


def test_a_training_runs_on_a_cluster_and_goes_on_after_its_worker_was_killed(runs: Path, tmp_path: Path) -> None:
    path = written(cells(), tmp_path)
    asked = ["--batch-key", "batch", "--no-check", "--background"]
    job = run_json("train_scvi", path, "--epochs", "60", *asked)["id"]
    until(runs, job, "running", fraction=0.01, seconds=PATIENCE)
    os.kill(read_share(JobFolder(runs / job), 0).process.pid, signal.SIGKILL)
    assert until(runs, job, "lost").state == "lost"
    assert (runs / job / "output" / "scvi.unfinished" / "started.json").is_file()
    resumed = run_json("train_scvi", "--resume", job, "--background")["id"]
    done = wait_for_job(runs, resumed, seconds=PATIENCE)
    assert (done.state, done.engine) == ("done", "slurm"), done.error
    latent = anndata.read_h5ad(done.result["latent"]).obsm["X_scVI"]
    assert latent.shape == (200, 10)
    assert np.isfinite(latent).all()


def test_two_devices_train_together_in_one_job_of_a_cluster(runs: Path, tmp_path: Path) -> None:
    path = written(cells(), tmp_path)
    asked = ["--accelerator", "cpu", "--devices", "2", "--batch-size", "32", "--batch-key", "batch", "--epochs", "3"]
    job = run_json("train_scvi", path, *asked, "--no-check", "--background")["id"]
    done = wait_for_job(runs, job, seconds=PATIENCE)
    assert (done.state, done.engine) == ("done", "slurm"), done.error
    assert done.result["devices"] == 2
    assert "2 devices trained together; their cells in an epoch: 90, 90" in done.result["notices"]
    assert np.isfinite([done.result["train_elbo"], done.result["held_out_elbo"]]).all()
    from scvi.model import SCVI

    model = SCVI.load(done.result["model"], adata=anndata.read_h5ad(path))
    assert model.get_latent_representation().shape == (200, 10)
