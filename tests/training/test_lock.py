"""One process trains into a folder: others hear which one, and what has died is in nobody's way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edviz.plain import to_plain
from mcp_server.training.errors import TrainingError
from mcp_server.training.lock import lock_of, only_trainer, require_idle
from mcp_server.training.resuming import request_to_resume, take_over, unfinished
from mcp_server.training.settings import TrainingRequest
from tests.h5ad.files import REPOSITORY
from tests.scripts.running import SCRIPTS, run, run_json
from tests.training.files import cells, needs_scvi, silent, written

HOLD = """
import sys, time
from pathlib import Path
from mcp_server.training.lock import only_trainer
with only_trainer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc")
PATIENCE = 120
"""Seconds until the first epoch, the import of scvi-tools included."""


@dataclass(frozen=True)
class Stopped:
    """A training that was stopped where it was, and has not ended."""

    path: Path
    folder: Path
    pid: int


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Stopped]:
    path, folder = written(cells(), tmp_path), tmp_path / "scvi"
    asked = TrainingRequest(epochs=100, learning_rate=0.0001, check=False)
    with training(path, folder, asked) as child:
        wait_for(unfinished(folder) / "losses.csv", child)
        child.send_signal(signal.SIGSTOP)
        assert int(lock_of(folder).read_text().split()[0]) == child.pid
        yield Stopped(path, folder, child.pid)


@contextmanager
def training(path: Path, folder: Path, asked: TrainingRequest) -> Iterator[subprocess.Popen]:
    """Begin a training as a script does, and end it afterwards."""
    with subprocess.Popen(
        [sys.executable, "-m", "mcp_server.training.child", str(folder)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdin is not None
        child.stdin.write(json.dumps({"path": str(path), "settings": to_plain(asked)}) + "\n")
        child.stdin.flush()
        try:
            yield child
        finally:
            child.kill()


def is_running(pid: str) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@needs_scvi
def test_a_training_that_has_not_ended_is_neither_gone_on_with_nor_begun_anew(stopped: Stopped) -> None:
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


@needs_scvi
def test_a_training_ends_with_the_process_that_waits_for_it(tmp_path: Path) -> None:
    path = written(cells(), tmp_path)
    with training(path, tmp_path / "scvi", TrainingRequest(epochs=400)) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert "planning" in child.stdout.readline()
        # As when the parent is killed.
        child.stdin.close()
        assert child.wait(PATIENCE) == 1
    assert not (tmp_path / "scvi").exists()


@needs_proc
@needs_scvi
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_ends_a_script_ends_its_training_and_is_told_what_is_left(number: int, tmp_path: Path) -> None:
    words = [sys.executable, str(SCRIPTS / "train_scvi.py"), str(written(cells(), tmp_path)), "-o", "scvi"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as script:
        children = Path(f"/proc/{script.pid}/task/{script.pid}/children")
        deadline = time.monotonic() + PATIENCE
        while not (pids := children.read_text().split()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        script.send_signal(number)
        assert script.stderr is not None
        assert script.stderr.read() == "interrupted before the training was begun; nothing is left of it\n"
        assert script.wait() == 130
    while is_running(pids[0]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [place.name for place in tmp_path.iterdir()] == ["cells.h5ad"]


def test_what_was_interrupted_or_killed_names_the_command_that_goes_on(tmp_path: Path) -> None:
    from mcp_server.training.resuming import way_on

    assert way_on(tmp_path / "my cells") == f"train_scvi.py --resume '{tmp_path}/my cells' goes on with it"


def test_a_process_that_is_killed_is_told_with_the_command_that_goes_on(tmp_path: Path, monkeypatch) -> None:
    from mcp_server.training import child

    killed = tmp_path / "killed"
    killed.write_text("#!/bin/sh\nread line\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(child.sys, "executable", str(killed))
    with pytest.raises(TrainingError, match=r"memory ran out\)$"):
        child.run_in_child({}, tmp_path / "scvi", silent)
    unfinished(tmp_path / "scvi").mkdir()
    with pytest.raises(TrainingError, match=f"train_scvi.py --resume {tmp_path}/scvi goes on with it"):
        child.run_in_child({}, tmp_path / "scvi", silent)


def test_settings_beside_resume_are_refused(tmp_path: Path) -> None:
    # The last two are what would be so anyway.
    asked = ["--epochs", "5", "--no-check", "--covariate", "sex", "--seed", "0", "--accelerator", "auto"]
    done = run("train_scvi", "--resume", "scvi", *asked, cwd=tmp_path, COLUMNS="1000")
    assert done.returncode == 2
    named = "--covariate, --epochs, --accelerator, --seed, --check"
    assert done.stderr.endswith(f"that the training was begun with: leave out {named}\n")


@pytest.mark.parametrize("folder", ["afile/x", "afile/x/y", "/proc/x"])
def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence_before_anything_is_read(
    folder: str, tmp_path: Path
) -> None:
    from edviz.errors import OutputError
    from mcp_server.training.train import train

    (tmp_path / "afile").touch()
    with pytest.raises(OutputError, match=r"cannot (make|write in) the folder /.*(is a file|may not be written in)"):
        train("no.h5ad", TrainingRequest(), tmp_path / folder, silent)
    assert [place.name for place in tmp_path.iterdir()] == ["afile"]
