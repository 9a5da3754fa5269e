"""Start the MCP server: `python -m mcp_server`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edviz import __version__
from edviz.errors import EdvizError
from mcp_server.jobs.settings import RUNS, runs_folder
from mcp_server.settings import (
    ADDRESSES,
    HTTP_NAMES,
    HTTP_TOKEN,
    READ_ROOTS,
    WRITE_ROOTS,
    binding_from,
    settings_from,
)

EPILOG = f"""environment:
  {READ_ROOTS}   folders that may be read (default: the working directory)
  {WRITE_ROOTS}  folders that may be written (default: the working directory)
  {RUNS}         folder of background jobs (default: {runs_folder({})})
  {ADDRESSES}    0 refuses files on other servers (default: 1)
  {HTTP_TOKEN}   token that every request over HTTP carries; needed beyond loopback
  {HTTP_NAMES}   names under which clients reach this machine over HTTP, with commas
  several folders are separated by {os.pathsep!r}

A client starts this program and speaks to it; started by hand it waits in silence, and that is right."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and serve until the client hangs up."""
    parser = argparse.ArgumentParser(
        prog="anndata-design-inspector",
        description="MCP server that finds, draws and writes down the design of single-cell experiments.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--http",
        metavar="HOST:PORT",
        nargs="?",
        const="127.0.0.1:8000",
        help="serve HTTP at /mcp instead of standard input and output (default: 127.0.0.1:8000)",
    )
    parser.add_argument("--version", action="version", version=f"anndata-design-inspector {__version__}")
    parsed = parser.parse_args(arguments)
    # Before the SDK does: it would set up boxed messages over several lines where rich is installed.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = settings_from(os.environ, Path.cwd())
        binding = None if parsed.http is None else binding_from(parsed.http, os.environ)
    except EdvizError as error:
        sys.exit(str(error))

    try:
        # Slow to import, and not needed for --help.
        from mcp_server.server import create_server
    except ModuleNotFoundError as error:
        sys.exit(f"the server needs {error.name}: pip install anndata-design-inspector")
    server = create_server(settings)
    if binding is None:
        server.run("stdio")
    else:
        from mcp_server.web import serve_web

        serve_web(server, binding)


if __name__ == "__main__":
    main()
