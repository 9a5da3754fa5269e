"""What all tools share, on tools made for the purpose."""

import math
from dataclasses import dataclass
from typing import Annotated

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import Field

from edviz.errors import EdvizError
from mcp_server.tools._register import make_tool

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Measured:
    """Written for programmers."""

    title: str
    schema: tuple[float | None, ...]


def measure(title: Annotated[str, Field(description="What to measure.")]) -> Measured:
    """Measure
    something.
    """  # noqa: D205 - the docstring of a tool is one paragraph
    return Measured(title, (1.5, math.nan, math.inf))


def fail(how: str) -> Measured:
    """Fail in a way."""
    errors = {"ours": EdvizError("the sentence"), "system": FileNotFoundError(2, "No such file", "a.h5ad")}
    raise errors.get(how, RuntimeError("a secret"))


async def _call(name: str, **arguments: object) -> CallToolResult:
    annotations = ToolAnnotations(read_only_hint=True)
    tools = [make_tool(function, title="A tool", annotations=annotations) for function in (measure, fail)]
    async with Client(MCPServer("test", tools=tools)) as client:
        return await client.call_tool(name, arguments)


async def test_values_that_json_does_not_know_become_null() -> None:
    result = await _call("measure", title="a")
    assert result.structured_content == {"title": "a", "schema": [1.5, None, None]}


async def test_schemas_hold_no_titles_and_no_docstrings_but_keep_properties_called_title() -> None:
    tool = make_tool(measure, title="A tool", annotations=ToolAnnotations())
    assert tool.parameters == {
        "type": "object",
        "properties": {"title": {"description": "What to measure.", "type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    assert set(tool.output_schema["properties"]) == {"title", "schema"}
    assert "description" not in tool.output_schema
    assert tool.description == "Measure something."


@pytest.mark.parametrize(("how", "words"), [("ours", "the sentence"), ("system", "No such file: 'a.h5ad'")])
async def test_errors_that_were_foreseen_reach_the_model(how: str, words: str) -> None:
    result = await _call("fail", how=how)
    assert result.is_error
    assert words in result.content[0].text


async def test_crashes_keep_their_details_to_themselves() -> None:
    result = await _call("fail", how="crash")
    assert result.is_error
    assert "secret" not in result.content[0].text
