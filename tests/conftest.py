"""What tests of all folders share."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.h5ad.files import REPOSITORY, SHARED


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew", action="store_true", help="write the committed expectations anew instead of comparing")


@pytest.fixture
def renew(request: pytest.FixtureRequest) -> bool:
    """Whether committed expectations are to be written anew."""
    return bool(request.config.getoption("--renew"))


@pytest.fixture
def shared() -> Path:
    """Return the folder of real files, or skip the test where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared files are not at {SHARED}; set EDVIZ_SHARED to the folder that holds h5ad/")
    return SHARED


@pytest.fixture
def shipped() -> Path:
    """Return the real file that the repository ships."""
    return REPOSITORY / "tests" / "data" / "wu2020_tcells_200.h5ad"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def no_such_folder(tmp_path: Path) -> Path:
    """Return a folder that cannot be made, whoever runs the tests: its parent is a file."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "folder"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of all jobs, not yet there, with kinds of jobs for tests; nothing is left running."""
    from mcp_server.jobs.kinds import KINDS
    from mcp_server.jobs.process import processes_of_job
    from tests.jobs import work

    folder = tmp_path / "runs"
    monkeypatch.setenv("EDVIZ_RUNS", str(folder))
    monkeypatch.delenv("EDVIZ_JOBS_ENGINE", raising=False)
    for kind in (work.WAITING, work.FAILING, work.STUBBORN):
        monkeypatch.setitem(KINDS, kind.name, kind)
    yield folder
    for path in folder.glob("*"):
        for pid in processes_of_job(path.name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """Return a file that lets a waiting job go on, once it is there."""
    return tmp_path / "go"
