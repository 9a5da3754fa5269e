"""Tables that are written beside the design."""

import csv
from pathlib import Path

from tests.scripts.running import run, run_json


def test_a_sample_sheet_has_a_row_for_each_unit(shipped: Path, tmp_path: Path) -> None:
    done = run("infer_design", shipped, "--sample-sheet", tmp_path / "samples.csv")
    assert (done.returncode, done.stderr) == (0, "")
    with (tmp_path / "samples.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 30
    assert sum(int(row["n_obs"]) for row in rows) == 200
    assert list(rows[0])[:3] == ["sample", "patient", "source"]
    run("infer_design", shipped, "--sample-sheet", tmp_path / "more.csv", "--with-constants")
    assert "has_ir" in (tmp_path / "more.csv").read_text().splitlines()[0]


def test_a_sample_sheet_follows_what_was_given(shipped: Path, tmp_path: Path) -> None:
    run("infer_design", shipped, "--unit", "patient", "--sample-sheet", tmp_path / "patients.csv")
    assert len((tmp_path / "patients.csv").read_text().splitlines()) == 15


def test_a_factor_table_has_a_row_for_each_candidate(shipped: Path, tmp_path: Path) -> None:
    report = run_json("infer_design", shipped, "--factor-table", tmp_path / "factors.md")
    lines = (tmp_path / "factors.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 + len(report["factors"])


def test_a_table_that_cannot_be_written_is_one_sentence(shipped: Path, no_such_folder: Path) -> None:
    done = run("infer_design", shipped, "--sample-sheet", no_such_folder / "samples.csv")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "cannot write in the folder" in done.stderr


def test_a_file_without_units_has_no_sheet(shared: Path, tmp_path: Path) -> None:
    done = run("infer_design", shared / "pbmc68k_reduced_compound_obs.h5ad", "--sample-sheet", tmp_path / "samples.csv")
    assert done.returncode in (0, 1)
    assert (done.returncode == 0) == (tmp_path / "samples.csv").exists()
    assert "Traceback" not in done.stderr
