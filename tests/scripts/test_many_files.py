"""Several files, patterns and folders, as a person and as a program see them."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edviz.diagram.width import display_width
from tests.scripts.running import SCRIPTS, run, run_json

MANY = ("inspect_h5ad", "infer_design", "write_card")


@pytest.fixture
def data(shipped: Path, tmp_path: Path) -> Path:
    """Return a folder of two good files of one name, a text in the place of a file, and what is no file of ours."""
    folder = tmp_path / "data"
    for name in ("first/cells.h5ad", "second/cells.h5ad"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(shipped, folder / name)
    (folder / "bad.h5ad").write_text("no data\n")
    (folder / "notes.txt").write_text("notes\n")
    return folder


def records(name: str, *arguments: str | Path, cwd: Path | None = None) -> list[dict]:
    """Return what a script prints as JSON Lines."""
    return [json.loads(line) for line in run(name, *arguments, "--json", cwd=cwd).stdout.splitlines()]


@pytest.mark.parametrize("name", MANY)
def test_a_folder_gives_a_line_for_every_file_and_a_summary(name: str, data: Path, tmp_path: Path) -> None:
    done = run(name, data, cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == f"3 files in {data}"
    assert [line.split()[0] for line in lines if ".h5ad" in line] == ["cells.h5ad", "cells.h5ad"]
    assert [line.strip() for line in lines if line.endswith("/")] == ["first/", "second/"]
    assert "2 files read, 1 failed" in lines
    assert done.stderr == f"{data / 'bad.h5ad'} is a text file; an .h5ad file is needed.\n"


@pytest.mark.parametrize("name", MANY)
def test_all_good_files_exit_0(name: str, data: Path, tmp_path: Path) -> None:
    done = run(name, data / "first", data / "second", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 files read" in done.stdout.splitlines()


@pytest.mark.parametrize("name", ["inspect_h5ad", "infer_design"])
def test_json_has_for_every_file_what_a_single_one_gives(name: str, data: Path) -> None:
    bad, first, second = records(name, data)
    assert bad == {
        "path": str(data / "bad.h5ad"),
        "error": f"{data / 'bad.h5ad'} is a text file; an .h5ad file is needed.",
        "result": None,
    }
    for record, folder in ((first, "first"), (second, "second")):
        path = data / folder / "cells.h5ad"
        assert record == {"path": str(path), "error": None, "result": run_json(name, path)}


def test_more_processes_print_the_same(shared: Path) -> None:
    one, two = (run("infer_design", shared / "hostile", "--jobs", jobs) for jobs in "12")
    assert (one.returncode, one.stdout, one.stderr) == (two.returncode, two.stdout, two.stderr)
    assert one.returncode == 1
    assert "Traceback" not in one.stderr
    assert "TOP-SECRET" not in one.stdout


@pytest.mark.parametrize("words", [[], ["--ascii"], ["--table"]])
def test_pages_fit_into_80_columns_and_hold_no_escapes(words: list[str], shared: Path) -> None:
    odd = [shared / "hostile" / "hostile_text.h5ad", shared / "encodings" / "anndata-0.13.4_odd_columns.h5ad"]
    done = run("infer_design", *shared.glob("[a-m]*.h5ad"), *odd, *words)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert not [line for line in lines if display_width(line) > 80 or line != line.rstrip()]
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii() == ("--ascii" in words)


def test_a_folder_without_files_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in MANY:
        done = run(name, "empty", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "empty is a folder without .h5ad files; name one that holds some.\n"
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_patterns_are_expanded_and_those_without_files_are_said(data: Path) -> None:
    done = run("infer_design", "*/cells.h5ad", "x*.h5ad", "--json", cwd=data)
    assert [json.loads(line)["path"] for line in done.stdout.splitlines()] == [
        "x*.h5ad",
        "first/cells.h5ad",
        "second/cells.h5ad",
    ]
    assert done.stderr == "x*.h5ad matches no file.\n"
    assert done.returncode == 1


def test_options_may_stand_between_files(data: Path) -> None:
    found = records("infer_design", data / "first/cells.h5ad", "--unit", "patient", data / "second/cells.h5ad")
    assert [record["result"]["unit"]["columns"] for record in found] == [["patient"], ["patient"]]


def test_an_override_that_does_not_fit_a_file_fails_that_file(data: Path, shared: Path) -> None:
    kang = shared / "kang_pbmc_stim_ctrl_14039.h5ad"
    done = run("infer_design", kang, data / "first", "--kind", "source=treatment", "--json")
    bad, good = map(json.loads, done.stdout.splitlines())
    assert bad["error"].startswith("no column 'source' in obs")
    assert good["result"]["given"] == ["kind of source: treatment"]
    assert done.stderr.startswith(f"{kang}: no column 'source' in obs")
    assert done.stderr.count("\n") == 1


def test_trusted_files_are_read_in_the_process_that_works(data: Path) -> None:
    assert records("infer_design", data, "--trusted") == records("infer_design", data)


def test_rows_of_the_table_as_json(data: Path) -> None:
    (record,) = records("infer_design", data / "first/cells.h5ad", "--table")
    row = record["result"]
    assert (row["n_obs"], row["unit"], row["n_units"], row["paired"]) == (200, ["sample"], 30, True)
    assert [condition["name"] for condition in row["conditions"]] == ["source"]
    assert row["conditions"][0]["levels"] == ["Blood", "NAT", "Tumor"]


def test_the_table_for_people_tells_unit_conditions_and_design(data: Path) -> None:
    done = run("infer_design", data, "--table")
    words = " ".join(done.stdout.split())
    assert "first/cells.h5ad 200 unit sample(30)" in words
    assert "source(3)" in words
    assert "paired" in words


def test_a_csv_file_has_a_row_for_every_file(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "designs.csv"
    done = run("infer_design", data, "--csv", output)
    assert done.returncode == 1
    rows = list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8"))))
    assert [Path(row["path"]).relative_to(data).as_posix() for row in rows] == [
        "bad.h5ad",
        "first/cells.h5ad",
        "second/cells.h5ad",
    ]
    assert [bool(row["error"]) for row in rows] == [True, False, False]
    assert rows[1]["conditions"] == "source(3): Blood, NAT, Tumor"
    assert run("infer_design", data, "--csv", "-").stdout == output.read_text(encoding="utf-8")


def test_a_file_that_is_no_table_is_not_overwritten(data: Path) -> None:
    cells = data / "first/cells.h5ad"
    before = cells.read_bytes()
    done = run("infer_design", data / "second", "--csv", cells)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not a table of designs" in done.stderr
    assert cells.read_bytes() == before


@pytest.mark.parametrize("words", [["--csv", "-", "--json"], ["--csv", "-", "--table"], ["--jobs", "0"]])
def test_arguments_that_contradict_each_other_exit_2(words: list[str], data: Path) -> None:
    done = run("infer_design", data, *words)
    assert (done.returncode, done.stdout) == (2, "")


def test_every_file_has_a_card_of_its_own(data: Path, tmp_path: Path) -> None:
    cards = tmp_path / "made" / "cards"
    found = records("write_card", data, "-o", cards)
    names = ["first-cells.design-card.md", "second-cells.design-card.md"]
    assert sorted(path.name for path in cards.iterdir()) == names
    assert [record["result"]["path"] for record in found[1:]] == [str(cards / name) for name in names]
    assert all((cards / name).read_text(encoding="utf-8").startswith("---\n") for name in names)


def test_cards_are_the_same_as_written_one_by_one(data: Path, tmp_path: Path) -> None:
    run("write_card", data, "-o", tmp_path / "cards")
    run("write_card", data / "first/cells.h5ad", "-o", tmp_path / "card.md")
    together = (tmp_path / "cards" / "first-cells.design-card.md").read_text(encoding="utf-8")
    assert together == (tmp_path / "card.md").read_text(encoding="utf-8")


def test_writing_cards_again_keeps_what_a_person_wrote(data: Path, tmp_path: Path) -> None:
    run("write_card", data, cwd=tmp_path)
    card = tmp_path / "first-cells.design-card.md"
    text = card.read_text(encoding="utf-8").replace("*(not filled in)*", "T cells of 14 patients", 1)
    card.write_text(text, encoding="utf-8")
    done = run("write_card", data, cwd=tmp_path)
    assert "'Biological context' of 1 earlier card" in done.stdout
    assert "T cells of 14 patients" in card.read_text(encoding="utf-8")


def test_cards_need_a_folder(data: Path, no_such_folder: Path) -> None:
    done = run("write_card", data, "-o", no_such_folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert run("write_card", data, "-o", "-").returncode == 2


@pytest.mark.parametrize("name", MANY)
def test_file_names_cannot_act_on_the_terminal(name: str, shipped: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "sub\x1b[2J").mkdir(parents=True)
    for file in ("\x1b[31mred\n.h5ad", "sub\x1b[2J/\u202eturned.h5ad"):
        shutil.copy(shipped, folder / file)
    (folder / "bad\x1b[5m\n.h5ad").write_text("no data\n")
    done = run(name, folder, cwd=tmp_path)
    assert "2 files read, 1 failed" in done.stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", done.stdout + done.stderr)
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not those of Windows")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_ended_leaves_no_process_and_no_half_file(
    number: int, status: int, shared: Path, tmp_path: Path
) -> None:
    command = [sys.executable, str(SCRIPTS / "write_card.py"), str(shared), "-o", str(tmp_path), "--jobs", "2"]
    environment = os.environ | {"EDVIZ_TEST_RUN": str(tmp_path)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, encoding="utf-8"
    )
    assert process.stdout is not None
    while "lung_lca" not in process.stdout.readline():
        pass
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert process.returncode == status
    assert "Traceback" not in said
    assert ("stopped after" in said) == (number == signal.SIGINT)
    assert {path.name.endswith(".design-card.md") for path in tmp_path.iterdir()} == {True}
    assert not _processes_of(tmp_path)


def _processes_of(folder: Path) -> list[str]:
    """Processes that were started by a run for this folder, and live yet after a moment."""
    mark = f"EDVIZ_TEST_RUN={folder}".encode()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        found = [path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if mark in _content(path)]
        if not found:
            break
        time.sleep(0.05)
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_on_a_terminal_there_is_a_bar_that_goes_away(data: Path) -> None:
    seen = _on_a_terminal(data)
    assert "0 of 3" in seen
    # What stands on the screen in the end: an erased line is not seen.
    screen = re.sub(r"[^\n]*\r\x1b\[2K", "", seen)
    assert " of 3" not in screen
    assert "2 files read, 1 failed" in screen
    assert "is a text file" in screen


def test_on_a_terminal_json_stays_json(data: Path) -> None:
    shown = re.sub(r"[^\n]*\r\x1b\[2K", "", _on_a_terminal(data, "--json").replace("\r\n", "\n"))
    said, *lines = shown.splitlines()
    assert said == f"{data / 'bad.h5ad'} is a text file; an .h5ad file is needed."
    assert [json.loads(line)["error"] for line in lines] == [said, None, None]


def test_without_a_terminal_there_is_no_bar(data: Path) -> None:
    assert run("infer_design", data).stderr.count("\n") == 1
    assert "\r" not in _on_a_terminal(data, TERM="dumb").replace("\r\n", "\n")


def _on_a_terminal(folder: Path, *words: str, **environment: str) -> str:
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    mine, theirs = pty.openpty()
    command = [sys.executable, str(SCRIPTS / "infer_design.py"), str(folder), *words]
    inherited = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env=inherited | {"TERM": "xterm-256color", **environment}
    ):
        os.close(theirs)
        seen = b""
        while part := _read(mine):
            seen += part
    os.close(mine)
    return seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""  # Linux says so when the other side has hung up
