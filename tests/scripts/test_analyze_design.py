"""The script that says what a design allows."""

from pathlib import Path

import pytest

from tests.scripts.running import run, run_json


def test_a_contrast_is_judged_given_what_is_asked(shared: Path) -> None:
    file = shared / "pancreas_4datasets_obs_only.h5ad"
    levels = ("tissue", "pancreas", "islet of Langerhans")
    found = run_json("analyze_design", file, "--contrast", *levels, "--given", "Dataset")
    (asked,) = found["asked"]
    assert asked["estimable"] is False
    assert asked["adjusted_for"] == ["Dataset"]
    assert "cannot be told from Dataset" in asked["because"]


def test_power_is_said_only_when_asked_for(shared: Path) -> None:
    file = shared / "airway_bulk_8.h5ad"
    assert run_json("analyze_design", file)["power"] is None
    power = run_json("analyze_design", file, "--power", "0.8")["power"]
    (row,) = power["differences"]
    # R: power.t.test(n = 4, power = 0.8, type = "paired")$delta is 2.127922 standard deviations of differences, and a
    # difference of two units has sqrt(2) times the standard deviation of one.
    assert row["df"] == 3
    assert row["in_units"] == pytest.approx(2.127922 * 2**0.5, abs=1e-3)


def test_models_are_printed_to_be_pasted(shared: Path) -> None:
    page = run("analyze_design", shared / "airway_bulk_8.h5ad").stdout
    assert "design = ~ cell + dex" in page


def test_a_design_without_conditions_says_why(shared: Path) -> None:
    page = run("analyze_design", shared / "kang_pbmc_stim_ctrl_14039.h5ad").stdout
    assert "described, not tested" in " ".join(page.split())


def test_an_unknown_factor_is_one_sentence(shared: Path) -> None:
    done = run("analyze_design", shared / "airway_bulk_8.h5ad", "--contrast", "dexx", "trt", "untrt")
    assert done.returncode == 1
    assert done.stderr.strip() == "no factor 'dexx' among the candidates; did you mean 'dex'?"
