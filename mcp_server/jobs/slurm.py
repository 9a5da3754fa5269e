"""Asking Slurm, without accounting: what is in its queue, and ending it."""

from __future__ import annotations

import subprocess

SECONDS = 20


def is_queued(number: str) -> bool:
    """Say whether a job waits or runs; while the cluster does not answer, it may."""
    command = ["squeue", "--noheader", "--array", "--format=%i", "--jobs", number]
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return True
    if done.returncode:
        return "invalid job id" not in done.stderr.lower()
    return number in done.stdout.split()


def cancel(numbers: tuple[str, ...]) -> None:
    """Tell the cluster to end jobs: first by a signal that lets them put away what they have begun.

    Raises
    ------
    OSError
        If there is no Slurm here.
    """
    command = ["scancel", "--quiet", *numbers]
    subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=SECONDS)
