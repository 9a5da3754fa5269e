"""Count the requests that questions to GEO take, each a cold process, against a server on this machine.

python benchmarks/geo_requests.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.geo.server import EutilsServer, series  # noqa: E402

N_SERIES = 12_345
"""Invented ones; more than NCBI gives numbers of at once."""


@dataclass(frozen=True)
class Task:
    """Something that a user types."""

    name: str
    script: str
    arguments: tuple[str, ...]


TASKS = (
    Task("first search, 20 of 12,345 series", "search_geo.py", ("invented",)),
    Task("the same again", "search_geo.py", ("invented",)),
    Task("its second page", "search_geo.py", ("invented", "--offset", "20")),
    Task("its first 1,000", "search_geo.py", ("invented", "--limit", "1000")),
    Task("asked anew (--refresh)", "search_geo.py", ("invented", "--refresh")),
    Task("three accessions", "search_geo.py", ("GSE900001", "GSE900002", "GSE900003")),
    Task("offline", "search_geo.py", ("series", "--offline")),
    Task("trend of ten years", "geo_trend.py", ("invented", "--since", "2015", "--until", "2024")),
)


def main() -> None:
    """Run each task once, in order, and print a table."""
    print("| task | esearch | esummary | wall (s) |\n| --- | --- | --- | --- |")
    with (
        tempfile.TemporaryDirectory() as folder,
        EutilsServer(map(series, range(900_001, 900_001 + N_SERIES))) as server,
    ):
        environment = os.environ | {"EDVIZ_GEO_EUTILS": server.url, "EDVIZ_GEO_STATE": folder}
        for task in TASKS:
            server.asked.clear()
            begun = time.monotonic()
            command = [sys.executable, str(ROOT / "scripts" / task.script), *task.arguments, "--json"]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wall = time.monotonic() - begun
            counts = " | ".join(str(server.n_asked(utility)) for utility in ("esearch", "esummary"))
            print(f"| {task.name} | {counts} | {wall:.2f} |")


if __name__ == "__main__":
    main()
