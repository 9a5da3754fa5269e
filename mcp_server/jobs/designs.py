"""The job that infers the designs of many files: records as JSON Lines, and the table as CSV."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from edviz.collection.files import find_files
from edviz.collection.processes import records
from edviz.collection.record import Record
from edviz.collection.row import DesignRow
from edviz.collection.table import writing_table
from edviz.collection.work import row_of_file
from edviz.errors import JobError
from edviz.infer import Overrides
from edviz.output import writing
from edviz.plain import from_plain, to_plain
from mcp_server.jobs.worker import Report

MOST_PROCESSES = 4
RECORDS, TABLE = "designs.jsonl", "designs.csv"


def request_for(
    paths: Sequence[str], overrides: Overrides | None = None, *, processes: int | None = None, trusted: bool = False
) -> dict[str, Any]:
    """Return the request of a job that infers the designs of files, patterns, folders and addresses.

    Parameters
    ----------
    processes
        How many files are read at once; if None, as many as the worker has cores, and at most 4.

    Raises
    ------
    JobError
        If they lead to no file.
    """
    found = find_files(paths)
    if not found.locations:
        reasons = " ".join(record.error or "" for record in found.missing)
        raise JobError(f"there is nothing to start: {reasons or 'no file is named.'}")
    return {
        # The worker has a working directory of its own.
        "locations": [place if "://" in place else str(Path(place).absolute()) for place in found.locations],
        "missing": to_plain(found.missing),
        "overrides": to_plain(overrides or Overrides()),
        "processes": processes,
        "trusted": trusted,
    }


def work(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Infer the design of every file, and write records and table.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    said = request["overrides"]
    overrides = Overrides(tuple(said["unit"]), said["kinds"], tuple(said["ignore"]), tuple(said["split"]))
    row = partial(row_of_file, overrides=overrides, trusted=request["trusted"])
    locations = request["locations"]
    # They are said once, by the first of those who share the files.
    unfound = request["missing"] if report.share == 0 else []
    missing: list[Record[DesignRow]] = [Record(each["path"], each["error"], None) for each in unfound]
    with closing(records(locations, row, jobs=request["processes"] or _usable_cores())) as found:
        return _write(itertools.chain(missing, _reported(found, len(locations), report)), report.folder)


def join(folders: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Write records and table of all shares, in the order of the files.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    return _write(itertools.chain.from_iterable(map(_read, folders)), folder)


def _usable_cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES)


def _reported(found: Iterable[Record[DesignRow]], n_files: int, report: Report) -> Iterator[Record[DesignRow]]:
    n_failed = 0
    for n_done, record in enumerate(found, 1):
        yield record
        if record.error is not None:
            n_failed += 1
            print(record.error, flush=True)  # noqa: T201 - into the log of the job
        report(n_done / n_files, f"{n_done:,} of {n_files:,} files, {n_failed:,} failed")


def _write(found: Iterable[Record[DesignRow]], folder: Path) -> dict[str, Any]:
    n_read = n_failed = 0
    with writing(folder / RECORDS) as lines, writing_table(str(folder / TABLE)) as write_row:
        for record in found:
            lines.write(json.dumps(to_plain(record), allow_nan=False) + "\n")
            write_row(record)
            n_read += record.error is None
            n_failed += record.error is not None
    return {"read": n_read, "failed": n_failed, "records": str(folder / RECORDS), "table": str(folder / TABLE)}


def _read(folder: Path) -> Iterator[Record[DesignRow]]:
    with (folder / RECORDS).open(encoding="utf-8") as lines:
        for line in lines:
            plain = json.loads(line)
            result = plain["result"]
            yield Record(plain["path"], plain["error"], None if result is None else from_plain(DesignRow, result))
