"""What all tools share: strict arguments, results that say everything once, errors that the model can act on."""

from __future__ import annotations

import difflib
import functools
import inspect
import json
import logging
from base64 import b64encode
from collections.abc import Callable, Collection
from typing import Any, get_args, get_origin, get_type_hints

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp.types import (
    CallToolResult,
    ImageContent,
    InputRequiredResult,
    ResourceLink,
    TextContent,
    ToolAnnotations,
)
from pydantic import TypeAdapter, ValidationError

from edviz.errors import EdvizError
from edviz.progress import watched_by
from mcp_server.replies import Reply
from mcp_server.replies.picture import Picture
from mcp_server.replies.reply import NOTICE
from mcp_server.replies.texts import safe_error
from mcp_server.tools._watching import Watch

Schema = dict[str, Any]

PNG = "image/png"

CRASH = (
    "the server met an error of its own, and its log (standard error) says which; calling again with the same "
    "arguments will not help"
)
log = logging.getLogger(__name__)


class StrictTool(Tool):
    """A tool that refuses arguments it does not know, where the SDK would drop them unseen."""

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult | InputRequiredResult:
        """Check the names of the arguments, then run; say in short what is wrong with their values."""
        self._require_known(arguments)
        given = {name: self._as_list(name, value) for name, value in arguments.items()}
        try:
            result: CallToolResult | InputRequiredResult = await super().run(given, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(f"{self.name}: {_faults(error.__cause__)}") from error.__cause__
            raise
        return result

    def _as_list(self, name: str, value: object) -> object:
        """Return one text, where a list of texts is wanted, as a list: models write `color="patient"`."""
        wants_texts = self.parameters["properties"][name].get("items", {}).get("type") == "string"
        # What is a list, or nothing, in JSON is read by the SDK.
        return [value] if wants_texts and isinstance(value, str) and not _is_list_or_nothing(value) else value

    def _require_known(self, arguments: dict[str, Any]) -> None:
        known = list(self.parameters["properties"])
        for name in arguments:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                meant = f"did you mean {near[0]!r}? " if near else ""
                raise ToolError(f"{self.name}: no argument {name!r}; {meant}The arguments are {', '.join(known)}.")


def _is_list_or_nothing(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list | None)
    except (ValueError, RecursionError):
        return False


def make_tool(
    function: Callable[..., object],
    *,
    title: str,
    annotations: ToolAnnotations,
    published: Collection[str] = (),
) -> Tool:
    """Make a tool of a plain function.

    Parameters
    ----------
    function
        Its docstring is the description, its parameters are the arguments, and it returns a dataclass, or a
        reply with one in it.
    title
        Name for people.
    annotations
        What the tool may do to the world.
    published
        Top-level entries of results that the output schema names: those that a caller decides by.
    """
    # Python before 3.13 leaves the indentation in docstrings.
    description = " ".join(inspect.cleandoc(function.__doc__ or "").split())
    tool = StrictTool.from_function(
        _for_the_wire(function), title=title, description=description, annotations=annotations
    )
    tool.parameters = _lean_input(tool.parameters)
    # Without a model the SDK does not check results against the schema; tests do, against the whole dataclass.
    output = _lean_output(get_type_hints(function)["return"], published)
    tool.fn_metadata = FuncMetadata(arg_model=tool.fn_metadata.arg_model, output_schema=output)
    return tool


def make_picture_tool(function: Callable[..., Picture], *, title: str, annotations: ToolAnnotations) -> Tool:
    """Make a tool that shows a picture: an image, a caption and a link, and no structure.

    Some clients give the model the structure instead of everything else.
    """
    description = " ".join(inspect.cleandoc(function.__doc__ or "").split())
    tool = StrictTool.from_function(
        _for_the_wire(function, _shown), title=title, description=description, annotations=annotations
    )
    tool.parameters = _lean_input(tool.parameters)
    tool.fn_metadata = FuncMetadata(arg_model=tool.fn_metadata.arg_model, output_schema=None)
    return tool


def full_schema(function: Callable[..., object]) -> Schema:
    """Return the schema of all that a tool may answer, down to the last entry: what tests judge by."""
    schema: Schema = TypeAdapter(_result_type(get_type_hints(function)["return"])).json_schema()
    return schema


def _for_the_wire(
    function: Callable[..., object], convert: Callable[[Any], CallToolResult] | None = None
) -> Callable[..., CallToolResult]:
    """Wrap a function so that its result is structured, or converted, and its errors reach the model."""
    hints = get_type_hints(function, include_extras=True)

    @functools.wraps(function)
    def wrapped(*, context: Context[None, None], **arguments: object) -> CallToolResult:
        try:
            with watched_by(Watch(context)):
                return (convert or _structured)(function(**arguments))
        except (EdvizError, OSError) as error:
            raise ToolError(safe_error(str(error))) from error
        except Exception as error:
            # The outermost edge of a call: what went wrong is for the log, that something did is for the model.
            log.exception("%s failed", function.__name__)
            raise ToolError(CRASH) from error

    parameters = [
        parameter.replace(annotation=hints[name]) for name, parameter in inspect.signature(function).parameters.items()
    ]
    # The SDK finds by its type where the call itself is wanted.
    parameters.append(inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=Context))
    signature = inspect.Signature(parameters, return_annotation=CallToolResult)
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    wrapped.__annotations__ = {**hints, "context": Context, "return": CallToolResult}
    return wrapped


def _structured(answered: object) -> CallToolResult:
    reply = answered if isinstance(answered, Reply) else Reply(answered)
    result = reply.in_plain()
    # Some clients read only the text, others only the structure: both say all.
    text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=result)


def _shown(picture: Picture) -> CallToolResult:
    data = picture.path.read_bytes()
    said = safe_error(f"{picture.alt_text}\n{picture.caption}\nSaved as {picture.path}. {NOTICE}")
    link = ResourceLink(
        type="resource_link", name=picture.path.name, uri=picture.uri, mime_type=PNG, size=len(data),
        description=safe_error(picture.alt_text),
    )  # fmt: skip
    image = ImageContent(type="image", data=b64encode(data).decode("ascii"), mime_type=PNG)
    return CallToolResult(content=[image, TextContent(type="text", text=said), link])


def _lean_input(schema: Schema) -> Schema:
    """Say of every argument only what a caller needs: what may be left out has a default that the tool knows."""
    properties = {name: _lean_argument(argument) for name, argument in schema["properties"].items()}
    lean = {"type": "object", "properties": properties, "additionalProperties": False}
    return lean | ({"required": schema["required"]} if schema.get("required") else {})


def _lean_argument(argument: Schema) -> Schema:
    lean: Schema = _without_titles(argument)
    if not lean.get("default", True):
        del lean["default"]  # nothing, none, or no
    # Nobody asks for a page of less than nothing; who does is told.
    lean.pop("minimum", None)
    options = [option for option in lean.pop("anyOf", ()) if option != {"type": "null"}]
    return lean | options[0] if options else lean


def _lean_output(result_type: object, published: Collection[str]) -> Schema:
    """Name some entries of a result with their types, without what is in them: every session pays for each word."""
    if not published:
        return {"type": "object"}
    schema = TypeAdapter(_result_type(result_type)).json_schema()
    definitions = schema.get("$defs", {})
    return {
        "type": "object",
        "properties": {name: _type_of(schema["properties"][name], definitions) for name in published},
    }


def _type_of(entry: Schema, definitions: Schema) -> Schema:
    if "$ref" in entry:
        return _type_of(definitions[entry["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in entry:
        return {"anyOf": [_type_of(option, definitions) for option in entry["anyOf"]]}
    return {"type": entry["type"]}


def _result_type(answered: object) -> Any:
    return get_args(answered)[0] if get_origin(answered) is Reply else answered


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


def _faults(error: ValidationError) -> str:
    """Say which arguments are wrong and how, without the addresses and repetitions of pydantic's own text."""
    faults = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in fault["loc"])
        # JSON knows no tuples.
        faults.append(f"{place}: {fault['msg'].replace('valid tuple', 'valid list')}")
    return "; ".join(faults)
