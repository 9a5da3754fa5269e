"""The tools about training, against what the scripts say of the same file."""

import json
from pathlib import Path

import pytest

from mcp_server.jobs.cancel import cancel_job
from tests.mcp_server.serving import answer, refusal, result_of
from tests.scripts.running import run, run_json

pytestmark = pytest.mark.anyio

MACHINE = ("estimate", "settings", "notices", "check")
"""Entries that depend on how busy the machine is."""


def stable(plan: dict) -> dict:
    return {name: value for name, value in plan.items() if name not in MACHINE}


@pytest.mark.parametrize("file", ["lung_lca_3donors_2methods", "kang_pbmc_stim_ctrl_14039"])
async def test_a_plan_is_that_of_the_script(file: str, shared: Path, tmp_path: Path) -> None:
    path = str((shared / f"{file}.h5ad").resolve())
    said = await answer(tmp_path, "plan_training", path=path)
    assert stable(result_of(said)) == stable(run_json("plan_training", path))
    assert "train_scvi" in said["next"][-1]


async def test_a_refused_plan_says_what_to_tell_and_the_script_ends_with_1(shared: Path, tmp_path: Path) -> None:
    path = str((shared / "pbmc68k_reduced_compound_obs.h5ad").resolve())
    said = await answer(tmp_path, "plan_training", path=path)
    assert said["can_train"] is False
    assert "remedies" in said["next"][0]
    done = run("plan_training", path, "--json")
    assert done.returncode == 1
    assert stable(json.loads(done.stdout)) == stable(result_of(said))


async def test_a_training_is_a_job_with_the_settings_that_were_given(shipped: Path, runs: Path, tmp_path: Path) -> None:
    started = await answer(tmp_path, "train_scvi", path=str(shipped.resolve()), epochs=2, n_latent=5, batch_key="none")
    record = json.loads((runs / started["id"] / "request.json").read_text())
    cancel_job(runs, started["id"])
    assert record["kind"]["name"] == "train_scvi"
    asked = record["request"]["settings"]
    assert (asked["epochs"], asked["n_latent"], asked["batch_key"]) == (2, 5, "none")


async def test_what_cannot_be_started_is_one_sentence(runs: Path, tmp_path: Path) -> None:
    assert "download the file first" in await refusal(tmp_path, "train_scvi", path="https://example.org/a.h5ad")
    for tool in ("plan_training", "train_scvi"):
        said = await refusal(tmp_path, tool, path="GSE123456/cells.h5ad")
        assert "download it first (download_geo, or scripts/download_geo.py GSE123456)" in said
    job = "20200101-000000-000-abcd"
    assert f"no job '{job}'" in await refusal(tmp_path, "train_scvi", path=job)
    assert "settings that it was begun with" in await refusal(tmp_path, "train_scvi", path=job, epochs=3)
    assert "n_latent is from 1" in await refusal(tmp_path, "train_scvi", path="a.h5ad", n_latent=0)
