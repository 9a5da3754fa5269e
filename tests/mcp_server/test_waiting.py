"""A call that takes long: the client hears how far it is, and what it no longer wants is not done."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from mcp_server.jobs.process import processes_of_job
from tests.mcp_server.serving import MODES, client
from tests.mcp_server.test_stdio import COMMAND, ENVIRONMENT
from tests.remote.server import Asked, RangeServer, Reply

pytestmark = pytest.mark.anyio

ALLOWED = {"EDVIZ_ALLOW_PRIVATE_ADDRESSES": "1"}
# Other runs of these tests on the machine have processes, too.
MARK = f"waiting-test-{os.getpid()}"
WHERE = ("memory", "stdio")


class Gate:
    """Keeps replies back, all but the first, until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self._n_asked = 0

    def __call__(self, asked: Asked, reply: Reply) -> Reply:
        self._n_asked += 1
        if self._n_asked > 1:
            self.reached.set()
            self.opened.wait(30)
        return reply


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def slow(gate: Gate, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    """Return a server that does not answer before it is told so."""
    for name, value in ALLOWED.items():
        monkeypatch.setenv(name, value)
    # Processes that read carry this mark, whoever started them.
    monkeypatch.setenv("EDVIZ_JOB", MARK)
    with RangeServer(shipped.read_bytes()) as running:
        running.fault = gate
        yield running


def connection(where: str, mode: str, folder: Path) -> Client:
    if where == "memory":
        return client(folder, mode=mode)
    environment = ENVIRONMENT | ALLOWED | {"EDVIZ_JOB": MARK}
    return Client(StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment, cwd=folder), mode=mode)


def readers() -> list[int]:
    """Return the processes that read files."""
    found = []
    for pid in processes_of_job(MARK):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        found += [pid] if b"edviz.supervised.child" in command else []
    return found


async def becomes(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await anyio.sleep(0.05)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("where", WHERE)
async def test_a_call_that_reads_slowly_reports_progress(
    where: str, mode: str, slow: RangeServer, gate: Gate, tmp_path: Path
) -> None:
    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))
        if len(told) == 2:
            gate.opened.set()

    async with connection(where, mode, tmp_path) as connected:
        done = await connected.call_tool("infer_design", {"path": slow.url()}, progress_callback=hear)
    assert not done.is_error, done.content
    assert done.structured_content["n_obs"] == 200
    assert [progress for progress, _ in told] == sorted({progress for progress, _ in told})
    assert len(told) >= 2
    assert all("reading" in message or "columns" in message or "design" in message for _, message in told)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("tool", ["infer_design", "write_design_card"])
async def test_a_call_that_is_cancelled_stops_the_process_that_reads(
    tool: str, where: str, mode: str, slow: RangeServer, gate: Gate, tmp_path: Path
) -> None:
    async with connection(where, mode, tmp_path) as connected:
        async with anyio.create_task_group() as group:
            group.start_soon(connected.call_tool, tool, {"path": slow.url()})
            await becomes(gate.reached.is_set)
            assert len(readers()) == 1
            group.cancel_scope.cancel()
        await becomes(lambda: not readers())
        n_asked = len(slow.asked)
        gate.opened.set()
        # The server goes on serving, and does nothing more for the call that is gone.
        drawn = await connected.call_tool("render_design", {"design": "a(2) > b(3)"})
        assert not drawn.is_error
        assert len(slow.asked) == n_asked
    assert not list(tmp_path.glob("*.md"))


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_goes_takes_its_work_along(
    mode: str, slow: RangeServer, gate: Gate, tmp_path: Path
) -> None:
    with anyio.CancelScope() as scope:
        async with connection("stdio", mode, tmp_path) as connected, anyio.create_task_group() as group:
            group.start_soon(connected.call_tool, "write_design_card", {"path": slow.url()})
            await becomes(gate.reached.is_set)
            scope.cancel()
    await becomes(lambda: not processes_of_stdio())
    assert not list(tmp_path.glob("*.md"))


def processes_of_stdio() -> list[int]:
    return [pid for pid in processes_of_job(MARK) if pid != os.getpid()]
