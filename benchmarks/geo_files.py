"""Count the requests and bytes from an accession to what its .h5ad file holds, against servers on this machine.

python benchmarks/geo_files.py

The series is invented and its file is real: one of `shared/h5ad`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.geo.files_server import FilesServer  # noqa: E402
from tests.geo.server import EutilsServer, series  # noqa: E402
from tests.h5ad.files import SHARED  # noqa: E402

SERIES = "GSE999001"
FILE = "chicken_embryo_raw.h5ad"
COMMANDS = (
    ("list_geo_files.py", SERIES),
    ("inspect_h5ad.py", SERIES),
    ("infer_design.py", SERIES),
    ("write_card.py", SERIES, "-o", "-"),
)


def main() -> None:
    """Run each command once and print a table."""
    print("| command | summary | folder and size | parts of the file | MB of the file | wall (s) |")
    print("| --- | --- | --- | --- | --- | --- |")
    with FilesServer() as files, EutilsServer([series(999_001)]) as eutils, tempfile.TemporaryDirectory() as folder:
        content = (SHARED / FILE).read_bytes()
        files.add(SERIES, f"{SERIES}_{FILE}", content)
        environment = os.environ | {
            "EDVIZ_GEO_FILES": files.origin,
            "EDVIZ_GEO_EUTILS": eutils.url,
            "EDVIZ_GEO_STATE": folder,
            "EDVIZ_ALLOW_PRIVATE_ADDRESSES": "1",
        }
        for command in COMMANDS:
            eutils.asked.clear()
            files.asked.clear()
            files.sent_bytes = 0
            begun = time.monotonic()
            words = [sys.executable, str(ROOT / "scripts" / command[0]), *command[1:]]
            subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wall = time.monotonic() - begun
            n_parts = sum(asked.range is not None for asked in files.asked)
            asked_for = f"{len(eutils.asked)} | {len(files.asked) - n_parts} | {n_parts}"
            read = f"{files.sent_bytes / 1e6:.2f} of {len(content) / 1e6:.2f}"
            print(f"| {' '.join(command[:2])} | {asked_for} | {read} | {wall:.2f} |")


if __name__ == "__main__":
    main()
