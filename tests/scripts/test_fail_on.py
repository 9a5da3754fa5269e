"""Exit statuses of `--fail-on`, whose output is as always."""

import json
from pathlib import Path

import pytest

from tests.scripts.running import run

KANG, CHICKEN, LUNG = "kang_pbmc_stim_ctrl_14039", "chicken_embryo_raw", "lung_lca_3donors_2methods"
"""Their gravest findings: an error, a warning, a note."""
MERFISH = "merfish_retina_113k"
"""Nothing was found in it."""
CASES = [
    (KANG, ["error"], 3),
    (KANG, ["warning"], 3),
    (KANG, ["no_replication"], 3),
    (KANG, ["confounded"], 0),
    (KANG, ["confounded", "combination"], 3),
    (CHICKEN, ["error"], 0),
    (CHICKEN, ["warning"], 3),
    (CHICKEN, ["error", "note"], 3),
    (LUNG, ["warning"], 0),
    (LUNG, ["note"], 3),
    (LUNG, ["reused_labels"], 3),
    (MERFISH, ["note"], 0),
]
WAYS = [[], ["--json"], ["--table"], ["--table", "--json"], ["--csv", "-"]]


def words(limits: list[str]) -> list[str]:
    return [word for limit in limits for word in ("--fail-on", limit)]


@pytest.mark.parametrize(("file", "limits", "status"), CASES)
def test_the_status_says_whether_it_was_found(file: str, limits: list[str], status: int, shared: Path) -> None:
    assert run("infer_design", shared / f"{file}.h5ad", *words(limits)).returncode == status


@pytest.mark.parametrize("way", WAYS)
def test_the_output_is_as_always(way: list[str], shipped: Path) -> None:
    usual = run("infer_design", shipped, *way)
    found = run("infer_design", shipped, *way, "--fail-on", "paired")
    passed = run("infer_design", shipped, *way, "--fail-on", "warning")
    assert (usual.returncode, found.returncode, passed.returncode) == (0, 3, 0)
    assert (usual.stdout, usual.stderr) == (found.stdout, found.stderr) == (passed.stdout, passed.stderr)


@pytest.mark.parametrize("way", [[], ["--json"], ["-o", "-"]])
def test_a_card_is_written_whatever_is_found(way: list[str], shipped: Path, tmp_path: Path) -> None:
    done = run("write_card", shipped, *way, "--fail-on", "note", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout
    assert bool(list(tmp_path.iterdir())) == ("-o" not in way)
    assert run("write_card", shipped, *way, "--fail-on", "error", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("way", [[], ["--json"], ["--table"], ["--csv", "designs.csv"]])
def test_one_of_many_files_is_enough(way: list[str], shared: Path, shipped: Path, tmp_path: Path) -> None:
    files = [shipped, shared / f"{KANG}.h5ad", shared / f"{MERFISH}.h5ad"]
    assert run("infer_design", *files, *way, "--fail-on", "error", cwd=tmp_path).returncode == 3
    assert run("infer_design", *files, *way, "--fail-on", "confounded", cwd=tmp_path).returncode == 0
    assert run("infer_design", *files, *way, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("way", [[], ["--json"]])
def test_one_of_many_cards_is_enough(way: list[str], shared: Path, shipped: Path, tmp_path: Path) -> None:
    files = [shipped, shared / f"{KANG}.h5ad"]
    assert run("write_card", *files, *way, "--fail-on", "no_replication", cwd=tmp_path).returncode == 3
    assert len(list(tmp_path.glob("*.design-card.md"))) == 2
    assert run("write_card", *files, *way, "--fail-on", "unreadable", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("script", ["infer_design", "write_card"])
def test_a_file_that_cannot_be_read_outweighs_what_was_found(script: str, shipped: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.h5ad"
    broken.write_text("no HDF5")
    done = run(script, shipped, broken, "--json", "--fail-on", "note", cwd=tmp_path)
    assert done.returncode == 1
    assert [json.loads(line)["error"] is None for line in done.stdout.splitlines()] == [True, False]
    assert run(script, broken, "--fail-on", "note", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("limit", "hint"),
    [
        ("eror", "did you mean error"),
        ("confunded", "did you mean confounded"),
        ("", "ids are in references/findings.md"),
    ],
)
def test_a_word_that_is_neither_severity_nor_id_is_refused(limit: str, hint: str, shipped: Path) -> None:
    for script in ("infer_design", "write_card"):
        done = run(script, shipped, "--fail-on", limit)
        assert (done.returncode, done.stdout) == (2, "")
        assert "neither error, warning or note nor the id of a finding" in done.stderr
        assert hint in done.stderr


@pytest.mark.parametrize("script", ["infer_design", "write_card"])
def test_help_lists_the_statuses(script: str) -> None:
    shown = run(script, "--help").stdout
    assert all(f"\n  {status}  " in shown for status in range(4))
