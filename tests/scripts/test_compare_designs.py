"""Designs compared on the command line."""

import csv
import io
from pathlib import Path

from edviz.diagram.width import display_width
from tests.scripts.running import run, run_json

MICE = "Genotype(2){kind=treatment} > Mouse(4) > Cell(~5000) : Type(12)"
DONORS = "donor(8){kind=unit} × stim(2){kind=treatment} > cell(~500)"


def test_two_designs_are_shown_side_by_side(shipped: Path) -> None:
    done = run("compare_designs", MICE, shipped)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(display_width, done.stdout.splitlines())) <= 80
    for part in ("structure", "content", "Factors", "Relations", "Numbers", "Could the data be pooled?"):
        assert part in done.stdout


def test_a_card_and_its_file_are_alike(shipped: Path, tmp_path: Path) -> None:
    run("write_card", shipped, "-o", tmp_path / "card.md")
    (found,) = run_json("compare_designs", shipped, tmp_path / "card.md")["comparisons"]
    assert (found["structure_similarity"], found["content_similarity"], found["differs"]) == (1, 1, [])


def test_many_designs_are_a_table() -> None:
    done = run("compare_designs", MICE, DONORS, "a(2) > b(3)")
    assert (done.returncode, done.stderr) == (0, "")
    assert "How alike" in done.stdout
    rows = list(csv.DictReader(io.StringIO(run("compare_designs", MICE, DONORS, "--csv").stdout)))
    assert [row["name"] for row in rows] == [MICE[:59] + "…", DONORS]
    assert [row["paired"] for row in rows] == ["False", "True"]


def test_conditions_and_order_pick_rows() -> None:
    picked = run_json("compare_designs", MICE, DONORS, "--where", "paired and donors >= 5")
    assert [each["name"] for each in picked["designs"]] == [DONORS]
    assert picked["left_out"] == [MICE[:59] + "…"]
    ordered = run_json("compare_designs", DONORS, MICE, "--sort", "observations", "--descending")
    assert [each["observations"] for each in ordered["designs"]] == [40000, 8000]


def test_a_wrong_condition_is_one_sentence() -> None:
    for where, words in {"pared": "did you mean paired", "units >": "at its end"}.items():
        done = run("compare_designs", MICE, DONORS, "--where", where)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert words in done.stderr


def test_of_many_the_unreadable_ones_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.h5ad"
    done = run("compare_designs", MICE, missing, DONORS)
    assert done.returncode == 1
    assert "none.h5ad" in done.stderr
    assert "Could the data be pooled?" in done.stdout
    alone = run("compare_designs", MICE, missing)
    assert (alone.returncode, alone.stdout) == (1, "")
