"""Finding a training that was ended in the middle, so that it can go on."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from mcp_server.jobs.folder import ID, find_folder
from mcp_server.training.errors import TrainingError
from mcp_server.training.lock import only_trainer, require_idle
from mcp_server.training.record import read_started

RUN = "scvi"
"""Name of the result in the folder of a job."""
UNFINISHED = ".unfinished"


def unfinished(folder: Path) -> Path:
    """Return what a folder is called while its training goes on."""
    return folder.with_name(folder.name + UNFINISHED)


def way_on(folder: Path) -> str:
    """Name the command that goes on with a training.

    Examples
    --------
    >>> way_on(Path("cells-scvi"))
    'train_scvi.py --resume cells-scvi goes on with it'
    """
    return f"train_scvi.py --resume {shlex.quote(str(folder))} goes on with it"


def is_job(run: str) -> bool:
    """Say whether a run is named by the id of its job."""
    return ID.fullmatch(run) is not None


def folder_of_run(run: str, runs: Path) -> Path:
    """Return the folder that a training was to make.

    Parameters
    ----------
    run
        The id of a job, or the folder itself, with `.unfinished` or without.
    runs
        Folder of all jobs.

    Raises
    ------
    JobError
        If there is no such job.
    """
    if is_job(run):
        return find_folder(runs, run).output / RUN
    return Path(run.rstrip("/").removesuffix(UNFINISHED)).absolute()


def request_to_resume(run: str, runs: Path) -> dict[str, str]:
    """Return the request of a job, or of a process, that goes on with a training.

    Raises
    ------
    TrainingError
        If that is over, still goes on, or nothing was begun.
    """
    folder = folder_of_run(run, runs)
    require_idle(folder)
    if folder.exists():
        raise TrainingError(f"the training in {folder} is done; there is nothing to resume")
    read_started(unfinished(folder))
    return {"resume": str(unfinished(folder))}


def take_over(begun: Path, folder: Path) -> None:
    """Have what was begun where a folder is to be made; what was begun elsewhere is copied.

    Raises
    ------
    TrainingError
        If another training was begun there, or what was begun still goes on.
    """
    target = unfinished(folder)
    if begun.resolve() == target.resolve():
        return
    if target.exists() or folder.exists():
        raise TrainingError(f"{folder} is in use by another training; name another output")
    with only_trainer(begun.with_name(begun.name.removesuffix(UNFINISHED))):
        shutil.copytree(begun, target)
