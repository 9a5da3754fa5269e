"""Scripts among closed descriptors, odd names and outputs that are data."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.running import SCRIPTS, run

CLOSED = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-"}


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the descriptors")
@pytest.mark.parametrize("closed", CLOSED)
@pytest.mark.parametrize("name", ["inspect_h5ad", "infer_design"])
def test_a_closed_descriptor_makes_no_file_look_damaged(closed: str, name: str, shipped: Path) -> None:
    command = f'"{sys.executable}" "{SCRIPTS / name}.py" "{shipped}" {CLOSED[closed]}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (closed != "stdout")


@pytest.mark.parametrize("option", ["--sample-sheet", "--factor-table"])
@pytest.mark.parametrize("other", [False, True], ids=["the input", "another data file"])
def test_tables_replace_no_data(option: str, other: bool, shipped: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "a.h5ad", tmp_path / ("b.h5ad" if other else "a.h5ad")
    for path in {source, target}:
        shutil.copy(shipped, path)
    before = target.read_bytes()
    done = run("infer_design", source, option, target)
    assert done.returncode == 1
    assert "choose another output" in done.stderr
    assert target.read_bytes() == before


def test_two_tables_need_two_outputs(shipped: Path, tmp_path: Path) -> None:
    output = tmp_path / "t.csv"
    done = run("infer_design", shipped, "--sample-sheet", output, "--factor-table", output)
    assert done.returncode == 1
    assert "two outputs" in done.stderr
    assert not output.exists()


@pytest.mark.parametrize("name", ["inspect_h5ad", "infer_design", "write_card"])
def test_what_follows_two_dashes_is_a_file(name: str, shipped: Path, tmp_path: Path) -> None:
    shutil.copy(shipped, tmp_path / "-o.h5ad")
    done = run(name, "--json", "--", "-o.h5ad", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_errors_of_arguments_do_not_act_on_the_terminal(shipped: Path) -> None:
    done = run("infer_design", shipped, "--\x1b[31m\u202e")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr


@pytest.mark.parametrize("variable", ["EDVIZ_MOST_SECONDS", "EDVIZ_MOST_MEMORY_MB"])
@pytest.mark.parametrize("value", ["abc", "-5", "0", "0.1"])
def test_limits_that_are_no_numbers_are_refused(variable: str, value: str, shipped: Path) -> None:
    done = run("inspect_h5ad", shipped, **{variable: value})
    assert done.returncode == 1
    assert done.stderr.startswith(f"{variable} is '{value}'")
