"""The server with a tool that starts a job for tests: python -m tests.mcp_server.job_server."""

from pathlib import Path

from mcp_server.jobs.kinds import KINDS
from mcp_server.jobs.start import start_job
from mcp_server.server import create_server
from mcp_server.settings import Settings
from tests.jobs.work import WAITING


def start_waiting(go: str) -> str:
    """Start a job that goes on when a file is there."""
    return start_job("waiting", {"items": ["a"], "go": go}).id


if __name__ == "__main__":
    KINDS[WAITING.name] = WAITING
    server = create_server(Settings((Path.cwd(),), (Path.cwd(),)))
    server.tool()(start_waiting)
    server.run("stdio")
