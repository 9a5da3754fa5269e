"""Where jobs are kept and what runs them, from the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from edviz.errors import JobError

RUNS = "EDVIZ_RUNS"
ENGINE = "EDVIZ_JOBS_ENGINE"
PARAMETERS = "EDVIZ_JOBS_PARAMETERS"
SHARES = "EDVIZ_JOBS_SHARES"

ENGINES = ("local", "slurm")
MINUTES = {"local": 30 * 24 * 60, "slurm": 24 * 60}
"""What a job may take if nothing is said; submitit itself would end one after minutes."""
MOST_SHARES = 1000
APPLICATION = "anndata-design-inspector"

Parameters = dict[str, int | float | str]


def runs_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of all jobs: `$EDVIZ_RUNS`, or `runs` where the user's programs keep their state."""
    named = environment.get(RUNS)
    if named:
        return Path(named).expanduser().absolute()
    return state_folder(environment) / "runs"


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where this program keeps what outlives a call, for the user who runs it."""
    return _programs_folder(environment) / APPLICATION


def engine(environment: Mapping[str, str] = os.environ) -> str:
    """Return what runs jobs: "local" or "slurm".

    Raises
    ------
    JobError
        If the variable names something else.
    """
    named = environment.get(ENGINE) or "local"
    if named not in ENGINES:
        raise JobError(f"{ENGINE} is {named!r}; it can be {' or '.join(ENGINES)}")
    return named


def shares(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many workers share a job that can be divided; on one machine, one does all.

    Raises
    ------
    JobError
        If the variable is no number from 1 to 1000.
    """
    if engine(environment) == "local":
        return 1
    said = environment.get(SHARES) or "8"
    if not (said.isdecimal() and 1 <= int(said) <= MOST_SHARES):
        raise JobError(f"{SHARES} is {said!r}; give a number of workers from 1 to {MOST_SHARES}")
    return int(said)


def parameters(environment: Mapping[str, str] = os.environ) -> Parameters:
    """Return what submitit is told of the resources of a job.

    Raises
    ------
    JobError
        If the variable is not a list of NAME=VALUE.

    Examples
    --------
    >>> parameters({"EDVIZ_JOBS_PARAMETERS": "slurm_partition=short mem_gb=8"})
    {'timeout_min': 43200, 'slurm_partition': 'short', 'mem_gb': 8}
    """
    told: Parameters = {"timeout_min": MINUTES[engine(environment)]}
    for pair in environment.get(PARAMETERS, "").split():
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise JobError(f"{PARAMETERS} holds {pair!r}; give NAME=VALUE, such as slurm_partition=short mem_gb=8")
        told[name] = _number_or_text(value)
    return told


def _number_or_text(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _programs_folder(environment: Mapping[str, str]) -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    named = environment.get("XDG_STATE_HOME", "")
    # A relative path is to be ignored, as the specification of these folders says.
    return Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
