"""A process for every file: order, deaths, mistakes, and what is left when a run is ended early."""

import os
import signal
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from edviz.collection.processes import records
from edviz.collection.record import Record, record_of
from edviz.errors import H5adError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are not those of Windows")


def _slow_first(location: str) -> str:
    time.sleep(0.5 if location == "0" else 0)
    return location


def _refuse(location: str) -> str:
    if location == "bad":
        raise H5adError(f"{location} is\nno file.")
    return location


def _mistake(location: str) -> float:
    return 1 / int(location)


def _die(location: str) -> str:
    if location == "bad":
        os.kill(os.getpid(), signal.SIGKILL)
    return location


def _process(location: str) -> int:
    return os.getpid()


def _hold(location: str) -> None:
    """Begin a file and start a process, as a card and a reading do, and never end."""
    folder = Path(location)
    child = os.fork()
    if child == 0:
        signal.pause()
    (folder / f"{os.getpid()}.pid").touch()
    (folder / f"{child}.pid").touch()
    part = folder / f"{os.getpid()}.part"
    part.touch()
    try:
        time.sleep(60)
    finally:
        part.unlink()


def _ignore_requests(location: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(location, f"{os.getpid()}.pid").touch()
    time.sleep(60)


def _alive_after_a_moment(processes: list[int]) -> list[int]:
    """Those who are alive yet, though the kernel had the time that killing takes."""
    deadline = time.monotonic() + 2
    while (alive := [pid for pid in processes if _is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alive


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_records_come_in_the_order_of_the_files(jobs: int) -> None:
    locations = [str(number) for number in range(40)]
    found = list(records(locations, _slow_first, jobs=jobs))
    assert found == [Record(location, None, location) for location in locations]


def test_no_file_stops_the_run() -> None:
    assert list(records(["a", "bad", "b"], _refuse)) == [
        Record("a", None, "a"),
        Record("bad", "bad is no file.", None),
        Record("b", None, "b"),
    ]


def test_a_process_that_dies_fails_its_file_alone() -> None:
    first, bad, last = records(["a", "bad", "b"], _die, jobs=2)
    assert (first.result, last.result) == ("a", "b")
    assert bad.error == "bad broke the process that worked on it (SIGKILL)."
    assert bad.reason == "broke the process that worked on it (SIGKILL)."


def test_a_mistake_of_the_program_is_told_as_one() -> None:
    bad, good = records(["0", "1"], _mistake)
    assert good.result == 1
    assert bad.error == "0 met a mistake of this program, ZeroDivisionError: division by zero."


def test_every_file_has_a_process_of_its_own() -> None:
    found = [record.result for record in records(["a", "b", "c"], _process)]
    assert len({*found, os.getpid()}) == 4


def test_beside_threads_processes_are_spawned() -> None:
    found: list[Record[str]] = []
    thread = threading.Thread(target=lambda: found.extend(records(["a", "bad"], _refuse, jobs=2)))
    thread.start()
    thread.join()
    assert [record.result for record in found] == ["a", None]


def test_while_waiting_it_is_told_what_is_worked_on() -> None:
    told: list[str] = []
    list(records(["0", "1"], _slow_first, jobs=2, waiting=told.extend))
    assert set(told) == {"0", "1"}


@pytest.mark.parametrize(("work", "n_processes"), [(_hold, 4), (_ignore_requests, 2)])
def test_a_run_that_is_ended_leaves_no_process_and_no_half_file(work, n_processes: int, tmp_path: Path) -> None:
    def interrupt_when_all_run(locations: object) -> None:
        if len(list(tmp_path.glob("*.pid"))) == n_processes:
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        closing(records([str(tmp_path)] * 4, work, jobs=2, waiting=interrupt_when_all_run)) as found,
    ):
        list(found)
    processes = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert len(processes) == n_processes
    assert not _alive_after_a_moment(processes)
    assert not list(tmp_path.glob("*.part"))


def test_the_record_of_an_address_holds_no_password() -> None:
    record = record_of("https://me:secret@host.org/a.h5ad?token=x", _refuse)
    assert record.path == "https://host.org/a.h5ad?…"
    assert record_of("https://me:secret@/x", _refuse).path == "https://…"


def test_an_unreadable_file_is_a_sentence() -> None:
    def fail(location: str) -> None:
        raise PermissionError(13, "Permission denied", location)

    assert record_of("a", fail).error == "a cannot be read: Permission denied."
