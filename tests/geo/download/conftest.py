"""What the tests of downloads share: a server, quick settings, and bytes that belong to no format."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.geo.download.record import Source
from mcp_server.geo.download.settings import DownloadSettings
from tests.geo.download.quick import NOISE, quick_settings
from tests.remote.server import RangeServer


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
