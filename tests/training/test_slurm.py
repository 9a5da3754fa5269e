"""A training on a Slurm of one machine, killed there and gone on with."""

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
