"""What the tests of remote files share: a server, quick settings, and no traffic but to this machine."""

import gc
import signal
import socket
from collections.abc import Iterator

import pytest

from edviz.remote import Location, RemoteSettings, location_of
from tests.remote.server import RangeServer

LONGEST_TEST_S = 30
QUICK = RemoteSettings(allow_private=True, unforeseen_bytes=1, timeout_s=20.0, first_wait_s=0.01, longest_wait_s=1.0)


@pytest.fixture
def server() -> Iterator[RangeServer]:
    """Return a server of a file whose bytes tell where they are."""
    with RangeServer(numbered(300_000)) as running:
        yield running


@pytest.fixture
def quick() -> RemoteSettings:
    """Return settings that do not wait long."""
    return QUICK


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make connections elsewhere an error."""
    connect = socket.socket.connect

    def connect_here(self, address):
        assert address[0] in ("127.0.0.1", "::1"), f"a test connects to {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


@pytest.fixture(autouse=True)
def bounded_time() -> Iterator[None]:
    """Make a test that hangs an error; where there are no alarms it hangs."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"a test took more than {LONGEST_TEST_S} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_TEST_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def numbered(size: int) -> bytes:
    """Return bytes of which any four in a row tell their place."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-size // 4)))[:size]


def located(url: str) -> Location:
    location = location_of(url)
    assert location is not None
    return location


@pytest.fixture(autouse=True)
def no_garbage_collection():
    """Keep the server's threads from collecting rubbish of h5py: they would wait for the read that waits for them."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
