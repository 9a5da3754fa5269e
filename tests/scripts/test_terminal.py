"""Colours, pipes and the like."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.running import SCRIPTS


def test_a_closed_pipe_is_quiet(shipped: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, str(SCRIPTS / "infer_design.py"), str(shipped)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_for_terminals_that_want_them(environment: dict[str, str], coloured: bool, shipped: Path) -> None:
    assert (b"\x1b[" in _on_a_terminal(shipped, environment)) == coloured


def _on_a_terminal(file: Path, environment: dict[str, str]) -> bytes:
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    inherited = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(SCRIPTS / "infer_design.py"), str(file)],
        stdout=theirs,
        env=inherited | {"TERM": "xterm-256color", **environment},
    )
    os.close(theirs)
    seen = b""
    while part := _read(mine):
        seen += part
    os.close(mine)
    assert process.wait() == 0
    return seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""  # Linux says so when the other side has hung up
