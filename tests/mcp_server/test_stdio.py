"""The server as clients start it."""

import json
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
READS_REPOSITORY = {"EDVIZ_READ_ROOTS": str(REPOSITORY)}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_client_finds_the_design_over_stdio(mode: str, shipped: Path, tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=COMMAND[0], args=COMMAND[1:], env=ENVIRONMENT | READS_REPOSITORY, cwd=tmp_path
    )
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
    assert _run(tmp_path, "--pigeon").returncode == 2


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    done = _run(tmp_path, EDVIZ_READ_ROOTS="/none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "EDVIZ_READ_ROOTS names /none, which is not a folder\n"


def test_others_are_served_over_http_with_a_token_only(tmp_path: Path) -> None:
    done = _run(tmp_path, "--http", "0.0.0.0:8000")
    assert (done.returncode, done.stdout) == (1, "")
    assert "set EDVIZ_HTTP_TOKEN, or listen on 127.0.0.1" in done.stderr


def test_what_a_library_prints_stays_off_the_wire(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import edviz.description as d, os\nreal = d.describe_design\n"
        "def loud(*a, **k):\n    print('printed', end='')\n    os.system('echo shouted')\n    return real(*a, **k)\n"
        "d.describe_design = loud\n"
    )
    call = {"name": "render_design", "arguments": {"design": "a(2) > b(3)"}}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]
    with subprocess.Popen(
        COMMAND,
        cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        server.stdin.write("".join(json.dumps(each) + "\n" for each in asked))
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in range(2)]
        rest, said = server.communicate()
    assert [each["id"] for each in answers] == [1, 2]
    assert not answers[1]["result"]["isError"]
    assert rest == ""
    assert "printed" in said
    assert "shouted" in said


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
