"""Waiting for jobs in tests."""

import time
from pathlib import Path

from mcp_server.jobs.status import JobStatus, status_of_job


def until(runs: Path, job: str, *states: str, fraction: float = 0.0, seconds: float = 30) -> JobStatus:
    """Wait for a job to be in one of the states, and so far."""
    deadline = time.monotonic() + seconds
    while True:
        status = status_of_job(runs, job)
        if status.state in states and status.fraction >= fraction:
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.02)
