"""Who trains into a folder: one process at a time, by a lock that ends with its process, however that ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edviz.h5ad.strings import harmless
from mcp_server.training.errors import TrainingError

if TYPE_CHECKING:
    from filelock import FileLock


def lock_of(folder: Path) -> Path:
    """Return the file that is locked while a folder is being made; it stands beside it."""
    return folder.with_name(f".{folder.name}.lock")


@contextmanager
def only_trainer(folder: Path) -> Iterator[None]:
    """Be the only process that trains into a folder; what a process that has died has left does not count.

    Raises
    ------
    TrainingError
        If another process is at it, which is named, or the lock cannot be written.
    """
    lock = _locked(folder)
    try:
        _sign(lock)
        yield
    finally:
        # While it is held: whoever comes now makes a new one. Windows forbids it.
        with suppress(OSError):
            lock_of(folder).unlink()
        lock.release()


def require_idle(folder: Path) -> None:
    """Refuse a folder that a process is training into; nothing is written.

    Raises
    ------
    TrainingError
        If so; the process is named.
    """
    if lock_of(folder).exists():
        with only_trainer(folder):
            pass


def _locked(folder: Path) -> FileLock:
    from filelock import FileLock, Timeout

    lock = FileLock(lock_of(folder))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        remedy = "wait until it is done, end it, or name another output"
        raise TrainingError(f"{_trainer(folder)} is training into {folder} now; {remedy}") from None
    except NotImplementedError as error:
        raise TrainingError(f"the file system of {folder} has no locks; name an output on another one") from error
    except OSError as error:
        raise TrainingError(f"cannot write {lock_of(folder)}: {error.strerror}") from error
    return lock


def _sign(lock: FileLock) -> None:
    """Write into the lock who holds it, as the locks of file systems without locking have it, too."""
    from filelock import FileLock

    # Those have been signed already, and are held by what stands in them.
    if isinstance(lock, FileLock):
        with suppress(OSError):
            Path(lock.lock_file).write_text(f"{os.getpid()}\n{socket.gethostname()}\n", encoding="utf-8")


def _trainer(folder: Path) -> str:
    try:
        pid, host = lock_of(folder).read_text(encoding="utf-8", errors="replace").splitlines()[:2]
    except (OSError, ValueError):
        return "another process"
    where = "" if host == socket.gethostname() else f" on {harmless(host)}"
    return f"process {harmless(pid)}{where}"
