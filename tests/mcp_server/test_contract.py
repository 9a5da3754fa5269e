"""What the server says of its tools; a changed contract is a changed file in toolsnaps/."""

import json
from pathlib import Path

import pytest

from mcp_server.server import INSTRUCTIONS
from tests.mcp_server.serving import client

pytestmark = pytest.mark.anyio

MOST_BYTES = 12_000
"""Of the whole tools/list; the 8 tools about designs and jobs take 7,300."""
EXPLAINED_IN_INSTRUCTIONS = ("detail", "limit", "offset")
SNAPSHOTS = Path(__file__).parent / "toolsnaps"


async def _listed(folder: Path) -> dict[str, dict]:
    async with client(folder) as connected:
        tools = (await connected.list_tools()).tools
    return {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools}


async def test_tools_are_as_committed(tmp_path: Path, renew: bool) -> None:
    listed = await _listed(tmp_path)
    if renew:
        for name, tool in listed.items():
            (SNAPSHOTS / f"{name}.json").write_text(json.dumps(tool, indent=2) + "\n", encoding="utf-8")
    committed = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SNAPSHOTS.glob("*.json")}
    assert listed == committed, "if this is meant: pytest tests/mcp_server --renew"


async def test_descriptions_fit_and_arguments_are_described(tmp_path: Path) -> None:
    for tool in (await _listed(tmp_path)).values():
        assert len(tool["description"]) <= 400
        assert "\n" not in tool["description"]
        assert tool["inputSchema"]["additionalProperties"] is False
        for name, argument in tool["inputSchema"]["properties"].items():
            assert name in EXPLAINED_IN_INSTRUCTIONS or argument["description"]


async def test_what_every_session_pays_for_stays_small(tmp_path: Path) -> None:
    tools = list((await _listed(tmp_path)).values())
    assert len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode()) <= MOST_BYTES
    assert len(tools) <= 14
    assert len(INSTRUCTIONS) <= 1_000
    assert all(name in INSTRUCTIONS for name in EXPLAINED_IN_INSTRUCTIONS)


async def test_only_cards_and_pictures_are_written_and_jobs_are_started_and_ended(tmp_path: Path) -> None:
    writing = [name for name, tool in (await _listed(tmp_path)).items() if not tool["annotations"]["readOnlyHint"]]
    assert writing == ["write_design_card", "job_cancel", "download_geo", "train_scvi", "embed", "plot_embedding"]


async def test_the_server_says_who_it_is(tmp_path: Path) -> None:
    from edviz import __version__

    async with client(tmp_path) as connected:
        assert connected.server_info.name == "anndata-design-inspector"
        assert connected.server_info.version == __version__
        assert connected.instructions == INSTRUCTIONS
