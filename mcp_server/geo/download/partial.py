"""The bytes of a download that have arrived: only ever appended to, so that their number says where to go on."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import TracebackType

from mcp_server.geo.download.errors import DownloadError, PlaceTakenError, RoomError
from mcp_server.geo.download.sizes import shown_size

DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# A link in its place would lead the bytes elsewhere.
FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class PartialFile:
    """The file beside the target that bytes are written to.

    Raises
    ------
    PlaceTakenError
        If something else than a file is in its place.
    DownloadError
        If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._handle = os.open(path, FLAGS, 0o666)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR):
                raise PlaceTakenError(f"{path} is no file of a download; move it away") from error
            raise DownloadError(f"cannot write {path}: {error.strerror}") from error
        found = os.fstat(self._handle)
        if not stat.S_ISREG(found.st_mode):
            os.close(self._handle)
            raise PlaceTakenError(f"{path} is no file of a download; move it away")
        self.size = found.st_size

    def append(self, data: bytes) -> None:
        """Write bytes at the end.

        Raises
        ------
        RoomError
            If the disk is full; what was written before stays.
        DownloadError
            If they cannot be written.
        """
        rest = memoryview(data)
        try:
            os.lseek(self._handle, self.size, os.SEEK_SET)
            while rest:
                n_written = os.write(self._handle, rest)
                self.size += n_written
                rest = rest[n_written:]
        except OSError as error:
            raise self._told(error) from error

    def clear(self) -> None:
        """Forget all bytes."""
        os.ftruncate(self._handle, 0)
        self.size = 0

    def __enter__(self) -> PartialFile:
        """Return the file, which is closed at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Bring the bytes onto the disk and close, whatever happened."""
        try:
            os.fsync(self._handle)
        except OSError as fault:
            # What ended the download says more.
            if error is None:
                raise self._told(fault) from fault
        finally:
            os.close(self._handle)

    def _told(self, error: OSError) -> DownloadError:
        if error.errno not in DISK_IS_FULL:
            return DownloadError(f"cannot write {self.path}: {error.strerror}")
        return RoomError(
            f"the disk of {self.path.parent} is full ({error.strerror}); {shown_size(self.size)} stay in "
            f"{self.path.name}: make room, and the same call goes on from there"
        )
