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
from edviz.jobs.settings import RUNS, runs_folder
from mcp_server.settings import READ_ROOTS, WRITE_ROOTS, settings_from

EPILOG = f"""environment:
  {READ_ROOTS}   folders that may be read (default: all that the user can read)
  {WRITE_ROOTS}  folders that may be written (default: the working directory)
  {RUNS}         folder of background jobs (default: {runs_folder({})})
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
    parser.add_argument("--transport", choices=["stdio"], default="stdio", help="how the client speaks to the server")
    parser.add_argument("--version", action="version", version=f"anndata-design-inspector {__version__}")
    parsed = parser.parse_args(arguments)
    # Before the SDK does: it would set up boxed messages over several lines where rich is installed.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = settings_from(os.environ, Path.cwd())
    except EdvizError as error:
        sys.exit(str(error))

    try:
        # Slow to import, and not needed for --help.
        from mcp_server.server import create_server
    except ModuleNotFoundError as error:
        sys.exit(f"the server needs {error.name}: pip install 'anndata-design-inspector[mcp]'")
    create_server(settings).run(parsed.transport)


if __name__ == "__main__":
    main()
