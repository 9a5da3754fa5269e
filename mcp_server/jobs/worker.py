"""What runs a job: it does the work, and says in the folder of the job how far it is."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from edviz.errors import EdvizError, JobError
from edviz.h5ad.strings import harmless
from mcp_server.jobs.folder import JobFolder, JobRecord, ShareStatus, now, read_record, read_share, write_plain
from mcp_server.jobs.kinds import function_of
from mcp_server.jobs.process import this_process
from mcp_server.jobs.settings import PARAMETERS

BEAT_SECONDS = 5
REPORT_SECONDS, REPORT_STEP = 0.5, 0.01
"""Progress that comes faster, in steps that are smaller, is not written down."""


class Report:
    """How work tells how far it is.

    Attributes
    ----------
    folder
        Where the work writes; it is there.
    share
        Which share of the job it is.
    """

    def __init__(self, folder: Path, share: int, status: Path) -> None:
        self.folder = folder
        self.share = share
        self._path = status
        self._status = ShareStatus("running", this_process(), now(), 0.0, "started")
        self._written = self._written_fraction = 0.0
        self._write()

    def __call__(self, fraction: float, message: str) -> None:
        """Say how much is done, from 0 to 1, and what is being done.

        Raises
        ------
        OutputError
            If the folder of the job cannot be written any more.
        """
        self._status = replace(self._status, fraction=min(max(fraction, 0.0), 1.0), message=harmless(message))
        grown = self._status.fraction - self._written_fraction
        if grown >= REPORT_STEP or time.monotonic() - self._written >= REPORT_SECONDS:
            self._write()

    def done(self) -> None:
        """Say that the share is done."""
        self._status = replace(self._status, state="done", fraction=1.0, finished=now())
        self._write()

    def failed(self, error: str) -> None:
        """Say why the work failed."""
        self._status = replace(self._status, state="failed", error=error, finished=now())
        self._write()

    def _write(self) -> None:
        write_plain(self._path, self._status)
        self._written, self._written_fraction = time.monotonic(), self._status.fraction


def work_on(place: str, share: int) -> None:
    """Do one share of the job of a folder; called by the engine, in a process that belongs to the job alone."""
    folder = JobFolder(Path(place))
    signal.signal(signal.SIGTERM, _stop)
    # What submitit sends when the time of a job is over, or a cluster needs its place.
    signal.signal(signal.SIGUSR2, _run_out)
    _print_to(folder.log(share))
    record = read_record(folder)
    if record is None or folder.cancelled.exists():
        return
    target = folder.output if record.shares == 1 else folder.shares / str(share)
    target.mkdir(parents=True, exist_ok=True)
    report = Report(target, share, folder.status(share))
    beating = _beat(folder.status(share))
    try:
        _work(folder, record, report)
    except Exception as error:  # the edge of the process: the job says how it failed, whatever it was
        traceback.print_exc()
        report.failed(_said(error))
        sys.exit(1)
    finally:
        with suppress(OSError):
            os.kill(beating, signal.SIGKILL)
            os.waitpid(beating, 0)


def _work(folder: JobFolder, record: JobRecord, report: Report) -> None:
    """Do a share, and make the whole of all shares if this was the last."""
    result: dict[str, Any] = function_of(record.kind.work)(_request_of(record, report.share), report)
    if record.shares > 1:
        report.done()
        others = [read_share(folder, number) for number in range(record.shares)]
        if record.kind.join is None or not all(other and other.state == "done" for other in others):
            return
        # Two who are last at once both do this, and the one writes what the other has written.
        folder.output.mkdir(exist_ok=True)
        folders = [folder.shares / str(number) for number in range(record.shares)]
        result = function_of(record.kind.join)(folders, folder.output)
    write_plain(folder.result, result)
    report.done()


def _request_of(record: JobRecord, share: int) -> dict[str, Any]:
    """Return the request with this worker's part of what is divided."""
    divides = record.kind.divides
    if divides is None or record.shares == 1:
        return record.request
    whole = record.request[divides]
    first, end = (len(whole) * number // record.shares for number in (share, share + 1))
    return record.request | {divides: whole[first:end]}


def _beat(status: Path) -> int:
    """Give signs of life from a process that lives as long as this one, and return its number.

    It is a process and no thread, because work that holds Python's lock for long is not dead, and because
    a process with threads cannot be forked for every file.
    """
    worker = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while os.getppid() == worker:
        with suppress(OSError):
            os.utime(status)
        time.sleep(BEAT_SECONDS)
    os._exit(0)


def _stop(number: int, frame: object) -> None:
    """End by an exception, so that files that were begun are removed."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _run_out(number: int, frame: object) -> None:
    reason = "its time was over or its place was needed"
    raise JobError(f"the engine ended the job, as {reason}; {PARAMETERS}=timeout_min=MINUTES gives more time")


def _print_to(log: Path) -> None:
    """Send all that is printed, by libraries and child processes too, to the log of the job."""
    sys.stdout.flush()
    sys.stderr.flush()
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(handle, descriptor)
    os.close(handle)


def _said(error: Exception) -> str:
    if isinstance(error, EdvizError | OSError):
        return harmless(str(error), longest=1000)
    if isinstance(error, MemoryError):
        return "the job needs more memory than there is"
    return f"the job met a mistake of this program, {type(error).__name__}: {harmless(str(error), longest=500)}"
