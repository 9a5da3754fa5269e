"""Downloads in processes that are killed, stopped, limited, or not alone."""

import hashlib
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.geo.download import faults
from tests.geo.download.quick import NOISE
from tests.h5ad.files import REPOSITORY

FAR = 1_234_567


def start(server, folder: Path, name: str = "noise.bin", **options) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.geo.download.child", str(server.port), name, str(len(NOISE)), str(folder)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=REPOSITORY, encoding="utf-8", **pipes, **options)


def end(child: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = child.communicate(timeout=60)
    return child.returncode, out.strip(), errors.strip()


def until_there(folder: Path, n_bytes: int) -> None:
    """Wait until so many bytes have arrived, and so the server has fallen silent."""
    part, deadline = folder / "noise.bin.part", time.monotonic() + 30
    while not part.exists() or part.stat().st_size < n_bytes:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def assert_whole(folder: Path) -> None:
    assert hashlib.sha256((folder / "noise.bin").read_bytes()).digest() == hashlib.sha256(NOISE).digest()
    assert sorted(path.name for path in folder.iterdir()) == ["noise.bin", "noise.bin.download.json"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_download_that_is_ended_by_a_signal_goes_on_where_it_was(number, server, folder) -> None:
    server.faults.append(faults.stall(FAR))
    child = start(server, folder)
    until_there(folder, FAR)
    child.send_signal(number)
    end(child)
    assert not (folder / "noise.bin").exists()
    assert end(start(server, folder)) == (0, "came", "")
    assert server.ranges() == [None, f"bytes={FAR}-"]
    assert_whole(folder)


def test_a_download_interrupted_20_times_at_random_is_the_same_byte_for_byte(server, folder) -> None:
    chance, there = random.Random(6), 0
    for number in range(20):
        gain = chance.randrange(2 * (len(NOISE) - there) // (20 - number + 1))
        there += gain
        how = chance.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM, "dropped", "truncated"])
        server.faults.append(faults.stall(gain) if isinstance(how, signal.Signals) else faults.cut(gain))
        if not isinstance(how, signal.Signals):
            server.faults.append(faults.status(503))
        child = start(server, folder)
        if isinstance(how, signal.Signals):
            until_there(folder, there)
            child.send_signal(how)
        assert end(child)[0] != 0
        server.faults.clear()
        assert (folder / "noise.bin.part").read_bytes() == NOISE[:there]
    assert end(start(server, folder)) == (0, "came", "")
    assert_whole(folder)


def test_a_limit_of_the_system_keeps_what_has_arrived(server, folder) -> None:
    limit = 1_000_000
    child = start(server, folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    status, _, errors = end(child)
    assert (status, errors.startswith(f"the disk of {folder} is full")) == (1, True)
    assert (folder / "noise.bin.part").stat().st_size == limit
    assert end(start(server, folder)) == (0, "came", "")
    assert server.asked[-1].range == f"bytes={limit}-"
    assert_whole(folder)


def test_two_processes_that_want_one_file_transfer_it_once(server, folder) -> None:
    server.delay_s = 0.5
    children = [start(server, folder) for _ in range(2)]
    assert sorted(end(child) for child in children) == [(0, "came", ""), (0, "was there", "")]
    assert len(server.asked) == 1
    assert_whole(folder)


def test_who_waits_goes_on_where_a_killed_process_was(server, folder) -> None:
    server.faults.append(faults.stall(FAR))
    first = start(server, folder)
    until_there(folder, FAR)
    second = start(server, folder)
    time.sleep(0.5)
    first.kill()
    first.wait()
    end(first)
    assert end(second) == (0, "came", "")
    assert server.ranges() == [None, f"bytes={FAR}-"]
    assert_whole(folder)


def test_two_files_are_transferred_at_once_and_no_more(server, folder) -> None:
    two, lock, going, most = threading.Barrier(2), threading.Lock(), 0, 0

    def hold(asked, reply):
        nonlocal going, most
        with lock:
            going, most = going + 1, max(most, going + 1)
        two.wait(timeout=30)
        # A third that were allowed would ask now.
        time.sleep(0.5)
        with lock:
            going -= 1

    server.fault = hold
    children = [start(server, folder, f"noise{number}.bin") for number in range(4)]
    assert [end(child) for child in children] == [(0, "came", "")] * 4
    assert most == 2
