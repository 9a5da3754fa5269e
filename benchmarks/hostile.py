"""Give the scripts hostile files: what they answer, how long it takes, how much memory, and which files are opened.

What is opened is seen with strace, where that is installed. A run opens hundreds of files of Python; listed are those
beside the file that is read, those that the links of the hostile files name, and folders of HDF5 plug-ins.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from measure import Run, print_machine, print_table, run, say, script

SCRIPTS = ("inspect_h5ad.py", "infer_design.py")
MOST_SECONDS = 10.0
MOST_MB = 512.0
NAMED_BY_LINKS = ("/etc/passwd", "/dev/zero")
"""What the hostile files point at outside their folder."""
PLUGINS = "/lib/plugin"
"""End of the folders in which HDF5 would look for programs."""
SECRET = "TOP-SECRET"  # noqa: S105
"""Text of the file that stands for somebody else's data."""
OPENED = re.compile(r'\b(?:open|openat|openat2|creat)\([^"]*"((?:[^"\\]|\\.)*)"')
LONGEST_ANSWER = 90


def main() -> None:
    """Read the arguments, run, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of hostile files")
    args = parser.parse_args()
    files = sorted(file for file in args.folder.resolve().iterdir() if ".h5ad" in file.name)
    if not files:
        sys.exit(f"{args.folder} holds no .h5ad files")
    strace = shutil.which("strace")
    if strace is None:
        say("strace is not installed: which files are opened is not seen")
    print_machine()
    rows, faults = [], []
    for file in files:
        for name in SCRIPTS:
            found = run(script(name, file, "--json"), limit=60)
            opened = list(_opened(strace, name, file)) if strace else None
            wrong = list(_faults(found, opened))
            faults += [f"{file.name}, {name}: {fault}" for fault in wrong]
            rows.append((file.name, name, *_cells(found, opened), "; ".join(wrong) or "none"))
    print_table(["file", "script", "answer", "s", "MB", "other files opened", "faults"], rows)
    print(f"\n{len(files)} files, {len(rows)} runs, {len(faults)} faults")
    sys.exit(1 if faults else 0)


def _cells(found: Run, opened: list[str] | None) -> Iterator[str]:
    refused = found.errors.strip().splitlines()
    answer = refused[-1] if found.status and refused else "read"
    yield answer.rpartition(".h5ad")[2].replace("|", "/").strip()[:LONGEST_ANSWER]
    yield f"{found.wall:.2f}"
    yield f"{found.peak:.0f}"
    yield "not seen" if opened is None else ", ".join(opened) or "none"


def _faults(found: Run, opened: Iterable[str] | None) -> Iterator[str]:
    if found.timed_out or found.wall > MOST_SECONDS:
        yield f"took {found.wall:.0f} s"
    if found.peak > MOST_MB:
        yield f"took {found.peak:.0f} MB"
    if found.status not in (0, 1) or "Traceback" in found.errors:
        yield f"ended with {found.status}"
    if found.status == 1 and len(found.errors.strip().splitlines()) != 1:
        yield "did not say one sentence"
    if SECRET in found.output + found.errors or "root:x:" in found.output + found.errors:
        yield "shows what is in another file"
    for path in opened or ():
        yield f"opened {path}"


def _opened(strace: str, name: str, file: Path) -> Iterator[str]:
    """Yield files that no reader of this file has any business with."""
    with tempfile.NamedTemporaryFile(mode="r", errors="replace") as log:
        run([strace, "-f", "-e", "trace=open,openat,openat2,creat", "-o", log.name, *script(name, file, "--json")])
        paths = {match[1] for line in log for match in OPENED.finditer(line)}
    if str(file) not in paths:
        sys.exit(f"strace did not see that {file} was opened, so it sees nothing")
    for path in sorted(paths - {str(file), str(file.parent)}):
        beside = (Path(path) if path.startswith("/") else file.parent / path).parent == file.parent
        if beside or path in NAMED_BY_LINKS or path.endswith(PLUGINS):
            yield path


if __name__ == "__main__":
    main()
