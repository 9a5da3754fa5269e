"""What the tests of questions to GEO share: a server on this machine and settings that do not wait long."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_server.geo.client import GeoClient
from mcp_server.geo.settings import GeoSettings
from tests.geo.server import EutilsServer, recorded, series


def quick_settings(server: EutilsServer, folder: Path) -> GeoSettings:
    """Return settings that ask a server of tests without waiting."""
    return GeoSettings(
        folder=folder,
        eutils=server.url,
        files=server.url.removesuffix("/entrez/eutils/"),
        gap_s=0.001,
        files_gap_s=0.001,
        timeout_s=20.0,  # a busy machine may take seconds for an answer
        attempts=3,
        first_wait_s=0.001,
        longest_wait_s=2.0,
    )


@pytest.fixture
def eutils() -> Iterator[EutilsServer]:
    """Return a server that knows five invented series."""
    with EutilsServer(series(number) for number in range(900_001, 900_006)) as server:
        yield server


@pytest.fixture
def recordings(shared: Path) -> Iterator[EutilsServer]:
    """Return a server that knows the series of `shared/geo`."""
    with EutilsServer(recorded()) as server:
        yield server


@pytest.fixture
def quick(eutils: EutilsServer, tmp_path: Path) -> GeoSettings:
    return quick_settings(eutils, tmp_path / "geo")


@pytest.fixture
def client(quick: GeoSettings) -> Iterator[GeoClient]:
    with GeoClient(quick) as opened:
        yield opened


@pytest.fixture
def client_with_key(quick: GeoSettings) -> Iterator[GeoClient]:
    with GeoClient(replace(quick, api_key="c0ffee-secret", email="someone@example.org")) as opened:
        yield opened
