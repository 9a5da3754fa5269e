"""A server in memory, and what it answers."""

from pathlib import Path

from mcp import Client
from mcp.types import CallToolResult

from mcp_server.server import create_server
from mcp_server.settings import Settings

ANYWHERE = Path(Path.cwd().anchor)
MODES = ("auto", "legacy")


def client(folder: Path, *, mode: str = "auto", read_roots: tuple[Path, ...] = (ANYWHERE,)) -> Client:
    """Return a client of a server that may write in one folder; relative paths start there."""
    return Client(create_server(Settings((folder.resolve(), *read_roots), (folder.resolve(),))), mode=mode)


async def call(folder: Path, tool: str, **arguments: object) -> CallToolResult:
    async with client(folder) as connected:
        return await connected.call_tool(tool, arguments)


async def answer(folder: Path, tool: str, **arguments: object) -> dict:
    """Return the structured result of a call that works."""
    result = await call(folder, tool, **arguments)
    assert not result.is_error, result.content
    return result.structured_content


def result_of(reply: dict) -> dict:
    """Leave of a reply what is in the result of the script, too."""
    return {name: value for name, value in reply.items() if name not in ("next", "page", "notice")}


async def whole(folder: Path, tool: str, **arguments: object) -> dict:
    """Return the result of a call with nothing left out, as the script prints it."""
    return result_of(await answer(folder, tool, **arguments, detail="full", limit=1_000))


async def refusal(folder: Path, tool: str, **arguments: object) -> str:
    """Return the text of a call that fails."""
    result = await call(folder, tool, **arguments)
    assert result.is_error
    assert result.structured_content is None
    return result.content[0].text
