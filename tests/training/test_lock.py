"""One process trains into a folder: others hear which one, and what has died is in nobody's way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_server.training.errors import TrainingError
from mcp_server.training.lock import lock_of, only_trainer, require_idle
from mcp_server.training.resuming import request_to_resume, take_over, unfinished
from tests.h5ad.files import REPOSITORY
from tests.scripts.running import SCRIPTS, run, run_json
from tests.training.files import cells, needs_scvi, written

HOLD = """
import sys, time
from pathlib import Path
from mcp_server.training.lock import only_trainer
with only_trainer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
PATIENCE = 120
"""Seconds until the first epoch, the import of scvi-tools included."""


@dataclass(frozen=True)
class Stopped:
    """A training that its own parent has left behind, stopped where it was."""

    path: Path
    folder: Path
    pid: int


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Stopped]:
    path, folder = written(cells(), tmp_path), tmp_path / "scvi"
    asked = ["--epochs", "100", "--learning-rate", "0.0001", "--no-check", "-o", str(folder)]
    words = [sys.executable, str(SCRIPTS / "train_scvi.py"), str(path), *asked]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as parent:
        wait_for(unfinished(folder) / "losses.csv", parent)
        pid = int(lock_of(folder).read_text().split()[0])
        os.kill(pid, signal.SIGSTOP)
        parent.kill()
    assert pid != parent.pid
    yield Stopped(path, folder, pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@needs_scvi
def test_a_training_whose_parent_was_killed_is_neither_gone_on_with_nor_begun_anew(stopped: Stopped) -> None:
    told = f"process {stopped.pid} is training into {stopped.folder} now"
    for words in (["--resume", stopped.folder], [stopped.path, "-o", stopped.folder]):
        done = run("train_scvi", *words, COLUMNS="1000")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert told in done.stderr
    with pytest.raises(TrainingError, match=told):
        take_over(unfinished(stopped.folder), stopped.path.with_name("elsewhere"))
    assert not unfinished(stopped.path.with_name("elsewhere")).exists()
    os.kill(stopped.pid, signal.SIGKILL)
    result = run_json("train_scvi", "--resume", stopped.folder)
    assert result["folder"] == str(stopped.folder)
    assert sorted(place.name for place in stopped.folder.parent.iterdir()) == ["cells.h5ad", "scvi"]


def test_a_lock_of_a_process_that_was_killed_blocks_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "scvi"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TrainingError, match=f"process {other.pid} is training into {folder} now"):
            require_idle(folder)
        with pytest.raises(TrainingError, match=f"process {other.pid} is training"):
            request_to_resume(str(folder), tmp_path)
        other.kill()
    assert lock_of(folder).exists()
    require_idle(folder)
    with only_trainer(folder):
        pass
    assert not lock_of(folder).exists()
