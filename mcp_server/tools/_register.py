"""What all tools share: strict arguments, results that say everything once, errors that the model can act on."""

from __future__ import annotations

import difflib
import functools
import inspect
import json
from collections.abc import Callable
from typing import Any, get_type_hints

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from edviz.errors import EdvizError
from edviz.plain import to_plain

Schema = dict[str, Any]


class StrictTool(Tool):
    """A tool that refuses arguments it does not know, where the SDK would drop them unseen."""

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult | InputRequiredResult:
        """Check the names of the arguments, then run; say in short what is wrong with their values."""
        self._require_known(arguments)
        try:
            result: CallToolResult | InputRequiredResult = await super().run(arguments, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(f"{self.name}: {_faults(error.__cause__)}") from error.__cause__
            raise
        return result

    def _require_known(self, arguments: dict[str, Any]) -> None:
        known = list(self.parameters["properties"])
        for name in arguments:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                meant = f"did you mean {near[0]!r}? " if near else ""
                raise ToolError(f"{self.name}: no argument {name!r}; {meant}The arguments are {', '.join(known)}.")


def make_tool(function: Callable[..., object], *, title: str, annotations: ToolAnnotations) -> Tool:
    """Make a tool of a plain function.

    Parameters
    ----------
    function
        Its docstring is the description, its parameters are the arguments, and the dataclass that it
        returns is the output schema.
    title
        Name for people.
    annotations
        What the tool may do to the world.
    """
    result_type = get_type_hints(function)["return"]
    # Python before 3.13 leaves the indentation in docstrings.
    description = " ".join(inspect.cleandoc(function.__doc__ or "").split())
    tool = StrictTool.from_function(
        _for_the_wire(function), title=title, description=description, annotations=annotations
    )
    tool.parameters = _without_titles(tool.parameters) | {"additionalProperties": False}
    # Said here, because the SDK would copy the dataclass into a model, where a field may not be called `schema`.
    tool.fn_metadata = FuncMetadata(arg_model=tool.fn_metadata.arg_model, output_model=result_type)
    tool.fn_metadata.output_schema = _without_docstrings(_without_titles(tool.fn_metadata.output_schema or {}))
    return tool


def _for_the_wire(function: Callable[..., object]) -> Callable[..., CallToolResult]:
    """Wrap a function so that its result is structured and its errors reach the model."""
    hints = get_type_hints(function, include_extras=True)

    @functools.wraps(function)
    def wrapped(**arguments: object) -> CallToolResult:
        try:
            result = to_plain(function(**arguments))
        except (EdvizError, OSError) as error:
            raise ToolError(str(error)) from error
        # Some clients read only the text, others only the structure: both say all.
        text = json.dumps(result, ensure_ascii=False, allow_nan=False)
        return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=result)

    parameters = [
        parameter.replace(annotation=hints[name]) for name, parameter in inspect.signature(function).parameters.items()
    ]
    signature = inspect.Signature(parameters, return_annotation=CallToolResult)
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    return wrapped


def _without_titles(schema: Schema) -> Schema:
    """Leave out the titles that pydantic makes of the names: they cost the model words and say nothing new."""
    lean: Schema = {}
    for key, value in schema.items():
        if isinstance(value, dict):
            # A property may itself be called "title"; then this is its schema.
            lean[key] = _without_titles(value)
        elif isinstance(value, list):
            lean[key] = [_without_titles(part) if isinstance(part, dict) else part for part in value]
        elif key != "title":
            lean[key] = value
    return lean


def _without_docstrings(schema: Schema) -> Schema:
    """Leave out the docstrings of the dataclasses, which are written for programmers."""
    for described in (schema, *schema.get("$defs", {}).values()):
        described.pop("description", None)
    return schema


def _faults(error: ValidationError) -> str:
    """Say which arguments are wrong and how, without the addresses and repetitions of pydantic's own text."""
    faults = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in fault["loc"])
        # JSON knows no tuples.
        faults.append(f"{place}: {fault['msg'].replace('valid tuple', 'valid list')}")
    return "; ".join(faults)
