"""What the server offers beside tools: prompts, cards, its skill."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, Request, Result

from mcp_server.skills import frontmatter_of
from tests.h5ad.files import REPOSITORY
from tests.mcp_server.serving import MODES, answer, client

pytestmark = pytest.mark.anyio
SKILL = "skill://anndata-design-inspector/SKILL.md"


class Anything(Result, extra="allow"):
    """A result of an extension, whose fields the SDK does not know."""


@pytest.mark.parametrize("mode", MODES)
async def test_prompts_name_tools_that_exist(mode: str, tmp_path: Path) -> None:
    async with client(tmp_path, mode=mode) as connected:
        tools = {tool.name for tool in (await connected.list_tools()).tools}
        prompts = (await connected.list_prompts()).prompts
        assert [prompt.name for prompt in prompts] == ["describe_experiment", "check_comparison", "pool_studies"]
        for prompt in prompts:
            assert prompt.description
            arguments = {argument.name: "WORDS" for argument in prompt.arguments}
            text = (await connected.get_prompt(prompt.name, arguments)).messages[0].content.text
            named = set(re.findall(r"\b[a-z]+_(?:design|factors|h5ad|card|designs|design_card)\b", text))
            assert named
            assert named <= tools
            assert all(text.count("WORDS") for _ in arguments)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "words"), [("check_comparison", "comparison"), ("describe", "Unknown prompt: describe")]
)
async def test_a_wrong_request_for_a_prompt_is_told_so(name: str, words: str, mode: str, tmp_path: Path) -> None:
    async with client(tmp_path, mode=mode) as connected:
        with pytest.raises(MCPError, match=words) as caught:
            await connected.get_prompt(name, {"path": "a.h5ad"})
        assert caught.value.error.code == INVALID_PARAMS


async def test_a_card_is_a_resource_once_it_is_written(shipped: Path, tmp_path: Path) -> None:
    written = await answer(tmp_path, "write_design_card", path=str(shipped))
    async with client(tmp_path) as connected:
        card = await connected.read_resource("card://wu2020_tcells_200")
        assert card.contents[0].text == Path(written["path"]).read_text(encoding="utf-8")
        for name in ("none", "..%2Fwu2020_tcells_200"):
            with pytest.raises(MCPError):
                await connected.read_resource(f"card://{name}")


@pytest.mark.parametrize("mode", MODES)
async def test_the_skill_is_served_as_it_is(mode: str, tmp_path: Path) -> None:
    async with client(tmp_path, mode=mode) as connected:
        listed = await _ask(connected, "skills/list", {})
        assert await _ask(connected, "skills/get", {"uri": SKILL}) | {"skill": None} == {
            **{name: value for name, value in listed.items() if name != "skills"},
            "skill": None,
        }
        (skill,) = listed["skills"]
        assert skill["uri"] == SKILL
        for file in skill["resources"]:
            content = (await connected.read_resource(file["uri"])).contents[0].text.encode()
            assert file["size"] == len(content)
            assert file["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        with pytest.raises(MCPError, match="no skill"):
            await _ask(connected, "skills/get", {"uri": "skill://other/SKILL.md"})


async def test_front_matter_is_read_as_yaml_is() -> None:
    text = (REPOSITORY / "SKILL.md").read_text(encoding="utf-8")
    assert frontmatter_of(text) == yaml.safe_load(text.split("---\n")[1])


async def _ask(connected: Any, method: str, params: dict) -> dict:
    request = Request[dict[str, Any], str](method=method, params=params)
    result = await connected.session.send_request(request, Anything)
    return result.model_dump(mode="json", by_alias=True, exclude={"meta"})
