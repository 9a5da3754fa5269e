"""The server as clients start it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from edviz import __version__
from tests.h5ad.files import REPOSITORY
from tests.mcp_server.serving import MODES, result_of
from tests.scripts.running import run_json

COMMAND = [sys.executable, "-m", "mcp_server"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_client_finds_the_design_over_stdio(mode: str, shipped: Path, tmp_path: Path) -> None:
    server = StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=ENVIRONMENT, cwd=tmp_path)
    path = str(shipped.resolve())
    async with Client(server, mode=mode) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        report = await client.call_tool("infer_design", {"path": path, "detail": "full", "limit": 1000})
        card = await client.call_tool("write_design_card", {"path": path})
        wrong = await client.call_tool("infer_design", {"path": "none.h5ad"})
    assert listed == {path.stem for path in (Path(__file__).parent / "toolsnaps").glob("*.json")}
    assert result_of(report.structured_content) == run_json("infer_design", path)
    assert Path(card.structured_content["path"]).parent == tmp_path.resolve()
    assert wrong.is_error
    assert "none.h5ad" in wrong.content[0].text


def test_the_server_ends_when_the_client_hangs_up_and_leaves_stdout_clean(tmp_path: Path) -> None:
    done = _run(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_version_and_help_do_not_start_it(tmp_path: Path) -> None:
    assert _run(tmp_path, "--version").stdout == f"anndata-design-inspector {__version__}\n"
    assert "EDVIZ_WRITE_ROOTS" in _run(tmp_path, "--help").stdout
    assert _run(tmp_path, "--transport", "pigeon").returncode == 2


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    done = _run(tmp_path, EDVIZ_READ_ROOTS="/none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "EDVIZ_READ_ROOTS names /none, which is not a folder\n"


def _run(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        env=ENVIRONMENT | environment,
        input="",
        timeout=60,
    )
