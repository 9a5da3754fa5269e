"""Processes that are recognised again: a number alone may belong to another one by now."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
JOB = "EDVIZ_JOB"
"""Every process of a job carries the job's id in this variable of its environment."""


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for another one.

    Attributes
    ----------
    machine
        Host, boot and name space that the number belongs to.
    started
        When it started, as the system says it; only good for comparing.
    """

    machine: str
    pid: int
    started: str

    @property
    def host(self) -> str:
        """The name of the host."""
        return self.machine.partition(" ")[0]


def this_process() -> Process:
    """Return the process that asks."""
    return process_of(os.getpid())


def process_of(pid: int) -> Process:
    """Return a process that lives, by its number."""
    return Process(machine(), pid, _started(pid))


def is_here(process: Process) -> bool:
    """Say whether a process is, or was, one of this machine since it was booted."""
    return process.machine == machine()


def lives(process: Process) -> bool:
    """Say whether a process of this machine still runs; one that only waits to be collected does not."""
    return is_here(process) and bool(process.started) and _started(process.pid) == process.started


def processes_of_job(job: str) -> list[int]:
    """Return the numbers of all processes of a job on this machine, wherever they were started."""
    mark = f"{JOB}={job}".encode()
    found = []
    for folder in PROC.iterdir() if PROC.is_dir() else ():
        if folder.name.isdecimal():
            # A process may end, and those of others cannot be looked at.
            with suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0") and _started(int(folder.name)):
                    found.append(int(folder.name))
    return found


@functools.cache
def machine() -> str:
    """Name this machine: its host, and what tells apart its boots and, in containers, its name spaces."""
    parts = [socket.gethostname().replace(" ", "-")]
    with suppress(OSError):
        parts.append((PROC / "sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115 - it names no path
    return " ".join(parts)


def _started(pid: int) -> str:
    """Say when a process started; empty if there is none, or only what is left of one."""
    if not PROC.is_dir():
        return _started_without_proc(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return ""
    # The name of the program stands in parentheses and may hold anything.
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]


def _started_without_proc(pid: int) -> str:
    command = ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)]
    said = subprocess.run(command, capture_output=True, check=False, text=True).stdout.strip()
    return "" if not said or said.startswith("Z") else said.partition(" ")[2].strip()
