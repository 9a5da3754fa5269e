"""Settings for downloads from a server of this machine that do not wait long."""

import random
from pathlib import Path

from mcp_server.geo.download.settings import DownloadSettings

NOISE = random.Random(20261124).randbytes(3_000_000)


def quick_settings(port: int, folder: Path, **changed: object) -> DownloadSettings:
    plain = {
        "turns": folder / "turns",
        "origins": (f"http://127.0.0.1:{port}",),
        "stall_s": 0.5,
        "attempts": 3,
        "first_wait_s": 0.01,
        "longest_wait_s": 0.05,
        "kept_free": 0,
    }
    return DownloadSettings(**(plain | changed))
