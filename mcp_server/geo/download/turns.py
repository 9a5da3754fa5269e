"""Who may transfer and write: one process a file, and two transfers at once, by locks that end with their process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from edviz.errors import EdvizError
from mcp_server.geo.download.errors import DownloadError
from mcp_server.geo.download.record import Download
from mcp_server.geo.download.settings import DownloadSettings

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import BaseFileLock

POLL_SECONDS = 0.1

Waiting = Callable[[], None]
"""Called while a turn is waited for."""


@contextmanager
def only_writer(download: Download, waiting: Waiting) -> Iterator[None]:
    """Be the only process that writes to the place of a download; who comes later waits, and then finds the file there.

    Raises
    ------
    DownloadError
        If the lock cannot be written.
    """
    with _one_of([download.lock], waiting):
        try:
            yield
        finally:
            # While it is held: whoever waits sees that his file is gone, and makes a new one. Windows forbids it.
            with suppress(OSError):
                download.lock.unlink()


@contextmanager
def transfer_turn(settings: DownloadSettings, waiting: Waiting) -> Iterator[None]:
    """Be one of the few transfers at once, of all processes of the user.

    Raises
    ------
    DownloadError
        If the locks cannot be written.
    """
    try:
        settings.turns.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DownloadError(f"cannot write in {settings.turns}: {error.strerror}") from error
    with _one_of([settings.turns / f"transfer-{n}.lock" for n in range(settings.most_transfers)], waiting):
        yield


@contextmanager
def _one_of(places: Sequence[Path], waiting: Waiting) -> Iterator[None]:
    from filelock import FileLock

    locks = [FileLock(place) for place in places]
    while (held := _first_free(locks)) is None:
        waiting()
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        held.release()


def _first_free(locks: Sequence[BaseFileLock]) -> BaseFileLock | None:
    from filelock import Timeout

    for lock in locks:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        except EdvizError:
            raise
        except OSError as error:
            raise DownloadError(f"cannot write {lock.lock_file}: {error.strerror}") from error
        return lock
    return None
