"""Whatever arguments a client sends, a call ends in a result that fits its schema or in words that help."""

import json
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.settings import Settings
from mcp_server.tools._register import full_schema
from mcp_server.tools.design import DesignTools, design_tools
from tests.mcp_server.serving import ANYWHERE, answer, client, whole

TOOLS = {tool.name: tool for tool in design_tools(Settings((), ()))}
SHIPPED = str(Path(__file__).parents[1] / "data" / "wu2020_tcells_200.h5ad")
WORDS = st.sampled_from(["patient", "source", "sample", "", "a(2) > b(3)", SHIPPED, "units", "text"]) | st.text(
    max_size=9
)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Make values that an argument's schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "string":
            return WORDS
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
        case "object":
            return st.dictionaries(WORDS, values(schema["additionalProperties"]), max_size=2)
    raise AssertionError(schema)


def arguments_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    schema = TOOLS[name].parameters
    each = {argument: values(described) for argument, described in schema["properties"].items()}
    # Most paths would name nothing.
    each |= {argument: st.just(SHIPPED) | WORDS for argument in each if argument == "path"}
    needed = {argument: each.pop(argument) for argument in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional=each)


@pytest.mark.parametrize("name", TOOLS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_every_allowed_argument_is_answered(name: str, tmp_path: Path, data: st.DataObject) -> None:
    arguments = data.draw(arguments_of(name))
    jsonschema.validate(arguments, TOOLS[name].parameters)

    async def ask() -> Any:
        async with client(tmp_path) as connected:
            return await connected.call_tool(name, arguments)

    result = anyio.run(ask)
    text = result.content[0].text
    if result.is_error:
        assert text != f"Error executing tool {name}"
        assert "an error of its own" not in text, arguments
        return
    jsonschema.validate(result.structured_content, TOOLS[name].output_schema)
    assert json.loads(text, parse_constant=pytest.fail) == result.structured_content


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["inspect_h5ad", "infer_design", "analyze_design"])
async def test_whole_results_fit_the_dataclass_and_both_fit_the_published_schema(name: str, tmp_path: Path) -> None:
    full = await whole(tmp_path, name, path=SHIPPED)
    function = getattr(DesignTools(Settings((ANYWHERE,), ())), name)
    jsonschema.validate(full, full_schema(function))
    for result in (full, await answer(tmp_path, name, path=SHIPPED)):
        jsonschema.validate(result, TOOLS[name].output_schema)
        assert set(result) <= {*full_schema(function)["properties"], "next", "notice", "page"}
