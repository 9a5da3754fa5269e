"""A download in a process of its own: `python -m tests.geo.download.child PORT NAME SIZE FOLDER`."""

import sys
from pathlib import Path

from mcp_server.geo.download.downloading import download_file
from mcp_server.geo.download.errors import DownloadError
from mcp_server.geo.download.record import Source
from tests.geo.download.quick import quick_settings


def main() -> None:
    port, name, size, folder = sys.argv[1:]
    source = Source(f"http://127.0.0.1:{port}/{name}", name, int(size))
    # A server that falls silent is what tests hold a download with, so it is not given up.
    settings = quick_settings(int(port), Path(folder).parent, stall_s=60, attempts=1)
    try:
        found = download_file(source, Path(folder), settings)
    except DownloadError as error:
        sys.exit(str(error))
    print("was there" if found.was_there else "came")


if __name__ == "__main__":
    main()
