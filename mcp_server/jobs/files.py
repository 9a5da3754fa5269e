"""What a job has written: its files by name, and none that lies elsewhere."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edviz.errors import JobError
from edviz.h5ad.strings import harmless
from mcp_server.jobs.folder import JobFolder, find_folder

MOST_FILES = 100
"""Of a job, that are named."""


@dataclass(frozen=True)
class JobFile:
    """A file that a job has written.

    Attributes
    ----------
    name
        Its path below the folder `output` of the job, with slashes.
    bytes
        Its size.
    """

    name: str
    bytes: int


def files_of(folder: JobFolder) -> tuple[JobFile, ...]:
    """Return the files of a job, sorted by name; of more than 100 the first in the order of the folders."""
    found = itertools.islice(_whole_files(folder.output), MOST_FILES)
    return tuple(sorted((JobFile(name, size) for name, size in found), key=lambda file: file.name))


def find_file(runs: Path, job: str, name: str) -> Path:
    """Return where a file of a job is.

    Raises
    ------
    JobError
        If there is no such job, or it has not written such a file; what lies elsewhere is not there.
    """
    folder = find_folder(runs, job)
    if any(name == known for known, _ in _whole_files(folder.output)):
        return folder.output / name
    names = ", ".join(harmless(file.name) for file in files_of(folder)) or "none yet"
    raise JobError(f"no file {name[:100]!r} of job {job}; there are {names}")


def _whole_files(output: Path) -> Iterator[tuple[str, int]]:
    """Yield names and sizes; a file that is being written has a name with a dot before it, and links lead elsewhere."""
    for place, folders, names in os.walk(output):
        folders.sort()
        for path in (Path(place, name) for name in sorted(names) if not name.startswith(".")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(output).as_posix(), path.stat().st_size
