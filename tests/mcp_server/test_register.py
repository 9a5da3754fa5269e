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
from tests.mcp_server.serving import result_of

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Measured:
    """Written for programmers."""

    title: str
    schema: tuple[float | None, ...]


def measure(
    title: Annotated[str, Field(description="What to measure.")], unit: str | None = None, times: int = 1
) -> Measured:
    """Measure
    something.
    """  # noqa: D205 - the docstring of a tool is one paragraph
    return Measured(title, (1.5, math.nan, math.inf))


def fail(how: str) -> Measured:
    """Fail in a way."""
    errors = {
        "named": EdvizError(f"no column {how!s}"),
        "ours": EdvizError("the sentence"),
        "system": FileNotFoundError(2, "No such file", "a.h5ad"),
    }
    raise errors.get(how, RuntimeError("a secret") if how == "crash" else errors["named"])


async def _call(name: str, **arguments: object) -> CallToolResult:
    annotations = ToolAnnotations(read_only_hint=True)
    tools = [make_tool(function, title="A tool", annotations=annotations) for function in (measure, fail)]
    async with Client(MCPServer("test", tools=tools)) as client:
        return await client.call_tool(name, arguments)


async def test_values_that_json_does_not_know_become_null() -> None:
    result = await _call("measure", title="a")
    assert result_of(result.structured_content) == {"title": "a", "schema": [1.5, None, None]}


async def test_schemas_say_what_a_caller_needs_and_no_more() -> None:
    tool = make_tool(measure, title="A tool", annotations=ToolAnnotations())
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "title": {"description": "What to measure.", "type": "string"},
            "unit": {"type": "string"},
            "times": {"type": "integer", "default": 1},
        },
        "required": ["title"],
        "additionalProperties": False,
    }
    assert tool.output_schema == {"type": "object"}
    published = make_tool(measure, title="A tool", annotations=ToolAnnotations(), published=["schema"])
    assert published.output_schema == {"type": "object", "properties": {"schema": {"type": "array"}}}
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
    assert "an error of its own" in result.content[0].text


@pytest.mark.parametrize("how", ["a\x1b[31mb", "a\u202eb", "x" * 10_000])
async def test_text_from_files_is_escaped_and_shortened(how: str) -> None:
    for result in (await _call("measure", title=how), await _call("fail", how=how)):
        text = result.content[0].text
        assert text.isprintable()
        assert len(text) < 5_000
