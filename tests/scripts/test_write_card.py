"""The main command: what it prints, and what it leaves on disk."""

from pathlib import Path

import pytest

from tests.scripts.running import run, run_json


def test_the_card_lies_in_the_working_directory_and_its_path_is_the_last_word(shipped: Path, tmp_path: Path) -> None:
    done = run("write_card", shipped, cwd=tmp_path)
    card = tmp_path / "wu2020_tcells_200.design-card.md"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].split()[-1] == str(card)
    assert "─ Design Structure ─" in done.stdout.splitlines()[0]
    assert card.read_text(encoding="utf-8").startswith("---\n")


def test_output_names_the_card(shipped: Path, tmp_path: Path) -> None:
    result = run_json("write_card", shipped, "-o", tmp_path / "a card.md")
    assert result["path"] == str(tmp_path / "a card.md")
    assert (tmp_path / "a card.md").exists()


def test_a_dash_prints_the_card_and_writes_nothing(shipped: Path, tmp_path: Path) -> None:
    written = run("write_card", shipped, "-o", tmp_path / "card.md")
    printed = run("write_card", shipped, "-o", "-", cwd=tmp_path)
    assert written.returncode == 0
    assert printed.stdout == (tmp_path / "card.md").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["card.md"]


def test_writing_again_keeps_what_a_person_wrote(shipped: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    run("write_card", shipped, "-o", card)
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("*(not filled in)*", "T cells of 14 patients", 1), encoding="utf-8")
    result = run_json("write_card", shipped, "-o", card)
    assert result["kept_context"]
    assert "T cells of 14 patients" in card.read_text(encoding="utf-8")


def test_an_unwritable_folder_is_one_sentence_and_leaves_nothing(
    shipped: Path, no_such_folder: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    for output in (no_such_folder / "card.md", tmp_path / "none" / "card.md", tmp_path):
        done = run("write_card", shipped, "-o", output)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_is_no_card_is_not_overwritten(shipped: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("my notes")
    assert run("write_card", shipped, "-o", notes).returncode == 1
    assert notes.read_text() == "my notes"


def test_the_input_is_not_overwritten(shipped: Path, tmp_path: Path) -> None:
    copy = tmp_path / "cells.h5ad"
    copy.write_bytes(shipped.read_bytes())
    assert run("write_card", copy, "-o", copy).returncode == 1
    assert copy.read_bytes() == shipped.read_bytes()


@pytest.mark.parametrize("file", ["kang_pbmc_stim_ctrl_14039.h5ad", "lung_lca_3donors_2methods.h5ad"])
def test_grave_findings_are_printed(file: str, shared: Path, tmp_path: Path) -> None:
    result = run_json("write_card", shared / file, cwd=tmp_path)
    printed = " ".join(run("write_card", shared / file, cwd=tmp_path).stdout.split())
    assert all(" ".join(finding["text"].split()) in printed for finding in result["findings"] if _is_grave(finding))


def _is_grave(finding: dict) -> bool:
    return finding["severity"] != "note"
