"""What the tests of downloads share: a server, quick settings, and bytes that belong to no format."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.geo.download.record import Source
from mcp_server.geo.download.settings import DownloadSettings
from tests.remote.server import RangeServer

NOISE = random.Random(20261124).randbytes(3_000_000)


@pytest.fixture
def server() -> Iterator[RangeServer]:
    """Return a server of a file of noise."""
    with RangeServer(NOISE) as running:
        yield running


@pytest.fixture
def quick(server: RangeServer, tmp_path: Path) -> DownloadSettings:
    """Return settings that allow this server and do not wait long."""
    return quick_settings(server.port, tmp_path)


@pytest.fixture
def noise(server: RangeServer) -> Source:
    """Return where the file of noise is."""
    return Source(server.url("noise.bin"), "noise.bin", len(NOISE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder to download into, not yet there."""
    return tmp_path / "data"


def quick_settings(port: int, folder: Path, **changed: object) -> DownloadSettings:
    plain = {
        "turns": folder / "turns",
        "origins": (f"http://127.0.0.1:{port}",),
        "stall_s": 0.5,
        "attempts": 3,
        "first_wait_s": 0.01,
        "longest_wait_s": 0.05,
        "kept_free": 0,
    }
    return DownloadSettings(**(plain | changed))
