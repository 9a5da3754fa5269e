"""The server with the fixtures that the conformance suite asks for: python -m tests.mcp_server.conformance_server PORT.

What the suite judges is our own server, its settings and its way of serving HTTP; only the names are the suite's.
"""

import base64
import io
import json
import struct
import sys
import wave
import zlib
from pathlib import Path
from typing import Annotated

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Resolve, Sample
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    AudioContent,
    Completion,
    ContentBlock,
    CreateMessageResult,
    EmbeddedResource,
    ImageContent,
    SamplingMessage,
    TextContent,
    TextResourceContents,
)

from mcp_server.server import create_server
from mcp_server.settings import Binding, Settings
from mcp_server.web import serve_web


def conformance_server(folder: Path) -> MCPServer[None]:
    """Return our server with the fixtures added."""
    server = create_server(Settings((folder,), (folder,)))
    for tool in (
        simple_text,
        image,
        audio,
        embedded,
        mixed,
        progress,
        error,
        missing_capability,
        trigger_tool_change,
        trigger_prompt_change,
    ):
        server.tool(name=f"test_{tool.__name__}", description="A fixture.")(tool)
    server.resource("test://static-text", mime_type="text/plain")(static_text)
    server.resource("test://static-binary", mime_type="image/png")(static_binary)
    server.resource("test://template/{id}/data", mime_type="application/json")(template)
    for prompt in (simple_prompt, prompt_with_arguments, prompt_with_embedded_resource, prompt_with_image):
        server.prompt(name=f"test_{prompt.__name__}", description="A fixture.")(prompt)
    server.completion()(complete)
    return server


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixel = chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    return b"\x89PNG\r\n\x1a\n" + header + pixel + chunk(b"IEND", b"")


def _wav() -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80")
    return written.getvalue()


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _image() -> ImageContent:
    return ImageContent(type="image", data=base64.b64encode(_png()).decode(), mime_type="image/png")


def _resource(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def simple_text() -> str:
    return "This is a simple text response for testing."


def image() -> list[ContentBlock]:
    return [_image()]


def audio() -> list[ContentBlock]:
    return [AudioContent(type="audio", data=base64.b64encode(_wav()).decode(), mime_type="audio/wav")]


def embedded() -> list[ContentBlock]:
    return [_resource("test://embedded-resource", "This is an embedded resource content.")]


def mixed() -> list[ContentBlock]:
    data = json.dumps({"test": "data", "value": 123})
    return [
        _text("Multiple content types test:"),
        _image(),
        _resource("test://mixed-content-resource", data, "application/json"),
    ]


async def progress(context: Context) -> str:
    for step in (0, 50, 100):
        await context.report_progress(step, 100, f"step {step}")
        await anyio.sleep(0.05)
    return "done"


async def trigger_tool_change(context: Context) -> str:
    await context.notify_tools_changed()
    return "done"


async def trigger_prompt_change(context: Context) -> str:
    await context.notify_prompts_changed()
    return "done"


def error() -> str:
    raise ToolError("This tool intentionally returns an error for testing")


def ask_a_model() -> Sample:
    return Sample([SamplingMessage(role="user", content=_text("Say anything."))], max_tokens=10)


def missing_capability(said: Annotated[CreateMessageResult, Resolve(ask_a_model)]) -> str:
    return str(said.content)


NAMES = {
    image: "image_content",
    audio: "audio_content",
    embedded: "embedded_resource",
    mixed: "multiple_content_types",
    progress: "tool_with_progress",
    error: "error_handling",
}
for function, name in NAMES.items():
    function.__name__ = name


def static_text() -> str:
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    return _png()


def template(id: str) -> str:
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def simple_prompt() -> str:
    return "This is a simple prompt for testing."


def prompt_with_arguments(arg1: str, arg2: str) -> str:
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - the name is the suite's
    resource = _resource(resourceUri, "Embedded resource content for testing.")
    return [UserMessage(part) for part in (resource, _text("Please process the resource."))]


def prompt_with_image() -> list[UserMessage]:
    return [UserMessage(part) for part in (_image(), _text("Please analyze the image."))]


async def complete(ref: object, argument: object, context: object) -> Completion:
    return Completion(values=[], total=0, has_more=False)


if __name__ == "__main__":
    serve_web(conformance_server(Path.cwd()), Binding("127.0.0.1", int(sys.argv[1])))
