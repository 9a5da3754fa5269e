"""Downloading files: each is in its place whole and checked, or what has arrived waits for the next call.

Where a file is in its way, in this order: a record is written, bytes go to NAME.part, the whole file is checked, the
record says so, and the file gets its name. Whenever that ends, by a signal or a fault, the next call goes on.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mcp_server.geo.download.errors import DownloadError, PlaceTakenError, RoomError, TransferError
from mcp_server.geo.download.names import check_name
from mcp_server.geo.download.partial import PartialFile
from mcp_server.geo.download.progress import CHECKING, WAITING_FOR_TURN, Watch, unwatched
from mcp_server.geo.download.record import (
    Download,
    DownloadRecord,
    Source,
    read_record,
    sync_folder,
    write_record,
)
from mcp_server.geo.download.settings import DownloadSettings, check_origin
from mcp_server.geo.download.sizes import check_cap, shown_size
from mcp_server.geo.download.transfer import transfer
from mcp_server.geo.download.turns import only_writer, transfer_turn
from mcp_server.geo.download.verification import verify_file

WatchFile = Callable[[Source, str, int], None]
"""Called with a file, what is being done to it, and the bytes for which it is done."""


@dataclass(frozen=True)
class DownloadedFile:
    """A file that is here, whole and checked.

    Attributes
    ----------
    path
        Where it is.
    size
        Its bytes.
    sha256
        Of all of it.
    last_modified
        What the server says of its age.
    checks
        What was checked.
    was_there
        Whether an earlier download had brought it.
    record
        The file that keeps all this.
    """

    name: str
    path: str
    url: str
    size: int
    sha256: str
    last_modified: str | None
    checks: tuple[str, ...]
    was_there: bool
    record: str


@dataclass(frozen=True)
class FailedFile:
    """A file that could not be had.

    Attributes
    ----------
    error
        Why, in one sentence.
    """

    name: str
    url: str
    error: str


@dataclass(frozen=True)
class Downloads:
    """Files that were asked for.

    Attributes
    ----------
    folder
        Where they are.
    size
        Bytes of those that are here.
    """

    folder: str
    files: tuple[DownloadedFile, ...]
    failed: tuple[FailedFile, ...]
    size: int


def ignore(source: Source, step: str, n_bytes: int) -> None:
    """Take no notice of how far a download is."""


def check_downloads(
    sources: Sequence[Source], folder: Path, settings: DownloadSettings, *, max_size: int | None = None
) -> None:
    """Refuse files that may not be downloaded, before any of them is begun.

    Parameters
    ----------
    max_size
        Bytes that were agreed to; if None, the usual cap.

    Raises
    ------
    DownloadError
        If a name, an address, the size of all or the room on the disk does not allow it.
    """
    copies = [name for name, n in Counter(check_name(source.name) for source in sources).items() if n > 1]
    if copies:
        raise DownloadError(f"several files are called {copies[0]}; download them into folders of their own")
    for source in sources:
        check_origin(source.url, settings)
    downloads = [Download(source, folder) for source in sources]
    missing = [download for download in downloads if _record_of_file(download) is None]
    check_cap(sum(download.source.size for download in missing), max_size)
    _check_room(folder, sum(map(_missing_bytes, missing)), settings)


def download_files(
    sources: Sequence[Source],
    folder: Path,
    settings: DownloadSettings,
    *,
    max_size: int | None = None,
    watch: WatchFile = ignore,
) -> Downloads:
    """Download files, one after the other; one that the server does not give stops no other.

    Parameters
    ----------
    sources
        The files.
    folder
        Where they are to be; it is made.
    max_size
        Bytes that were agreed to; if None, the usual cap.
    watch
        Called again and again while files arrive.

    Raises
    ------
    DownloadError
        If they may not be downloaded, the disk is full, or something else is in the place of one.
    """
    check_downloads(sources, folder, settings, max_size=max_size)
    files, failed = [], []
    for source in sources:
        try:
            files.append(download_file(source, folder, settings, watch=partial(watch, source)))
        except TransferError as error:
            failed.append(FailedFile(source.name, source.url, str(error)))
    return Downloads(str(folder.resolve()), tuple(files), tuple(failed), sum(file.size for file in files))


def download_file(
    source: Source, folder: Path, settings: DownloadSettings, *, watch: Watch = unwatched
) -> DownloadedFile:
    """Download a file, going on where an earlier call was interrupted.

    Parameters
    ----------
    source
        The file.
    folder
        Where it is to be; it is made.
    watch
        Called again and again while it arrives.

    Raises
    ------
    TransferError
        If the server does not give the file, or what it gives is not whole.
    PlaceTakenError
        If something else is where it is to be.
    RoomError
        If the disk is full; what has arrived stays.
    DownloadError
        If its name leads elsewhere, or the folder cannot be written.
    """
    check_name(source.name)
    check_origin(source.url, settings)
    download = Download(source, _made(folder))
    with only_writer(download, lambda: watch(WAITING_FOR_TURN, 0)):
        there = _file_there(download, watch)
        if there is not None:
            return _result(download, there, was_there=True)
        _fetch(download, settings, watch)
        return _result(download, _finish(download, watch), was_there=False)


def remove_unfinished(source: Source, folder: Path) -> None:
    """Remove what has arrived of a file that is not wanted any more; a whole file stays, and one that arrives now."""
    download = Download(source, folder)
    if not folder.is_dir() or download.target.exists() or read_record(download) is None:
        return
    with suppress(_WrittenNowError), only_writer(download, _leave):
        _discard(download)


class _WrittenNowError(Exception):
    """Somebody else brings the file at this moment."""


def _leave() -> None:
    raise _WrittenNowError


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder.resolve()


def _file_there(download: Download, watch: Watch) -> DownloadRecord | None:
    """Return the record of a file that an earlier call has brought, and None if there is no file yet."""
    record = _record_of_file(download)
    if record is None:
        return None
    try:
        found = download.target.stat()
    except OSError as error:
        raise _changed(download) from error
    if not stat.S_ISREG(found.st_mode) or found.st_size != download.source.size:
        raise _changed(download)
    if found.st_mtime_ns != record.modified_ns:
        record = _read_again(download, record, watch)
    # An earlier call may have ended between giving the file its name and taking away the other one.
    download.part.unlink(missing_ok=True)
    return record


def _record_of_file(download: Download) -> DownloadRecord | None:
    """Return what is known of a file that is in its place, and None if the place is free."""
    if not os.path.lexists(download.target):
        return None
    record = read_record(download)
    if record is None or record.sha256 is None or not record.is_of(download.source):
        raise PlaceTakenError(
            f"{download.target} is there, and no record says that it is {download.source.url}; "
            "move it away, or download into another folder"
        )
    return record


def _read_again(download: Download, record: DownloadRecord, watch: Watch) -> DownloadRecord:
    """Compare a file that was touched since with what it was."""
    source = download.source
    try:
        found = verify_file(download.target, name=source.name, size=source.size, hashed=partial(watch, CHECKING))
    except TransferError as error:
        raise _changed(download) from error
    if found.sha256 != record.sha256:
        raise _changed(download)
    record = replace(record, modified_ns=download.target.stat().st_mtime_ns)
    write_record(record, download)
    return record


def _changed(download: Download) -> PlaceTakenError:
    return PlaceTakenError(
        f"{download.target} is no more what was downloaded; move it away, or download into another folder"
    )


def _fetch(download: Download, settings: DownloadSettings, watch: Watch) -> None:
    """Bring the part of a file to its full size; what nothing has come of leaves nothing."""
    record = _begun(download)
    _check_room(download.folder, _missing_bytes(download), settings)
    try:
        with PartialFile(download.part) as part:
            if part.size > download.source.size:
                part.clear()
            if part.size < download.source.size:
                with transfer_turn(settings, lambda: watch(WAITING_FOR_TURN, part.size)):
                    transfer(download, part, record, settings, watch)
    except BaseException:
        if _missing_bytes(download) == download.source.size:
            _discard(download)
        raise


def _begun(download: Download) -> DownloadRecord:
    """Return the record of a download that was begun, or begin one: what there is of another version goes first."""
    source, record = download.source, read_record(download)
    if record is None:
        _refuse_foreign(download)
    if record is not None and record.is_of(source):
        return record
    download.part.unlink(missing_ok=True)
    record = DownloadRecord(source.name, source.url, source.size)
    write_record(record, download)
    return record


def _refuse_foreign(download: Download) -> None:
    for path in (download.part, download.record):
        if os.path.lexists(path):
            raise PlaceTakenError(f"{path} is there and belongs to no download of this program; move it away")


def _finish(download: Download, watch: Watch) -> DownloadRecord:
    """Check a file that has all its bytes, write down what it is, and give it its name."""
    source = download.source
    try:
        found = verify_file(download.part, name=source.name, size=source.size, hashed=partial(watch, CHECKING))
    except TransferError:
        _discard(download)
        raise
    record = read_record(download) or DownloadRecord(source.name, source.url, source.size)
    record = replace(
        record,
        sha256=found.sha256,
        checks=found.checks,
        modified_ns=download.part.stat().st_mtime_ns,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_record(record, download)
    _give_name(download)
    return record


def _give_name(download: Download) -> None:
    """Give the file its name, unless something has taken that in the meantime: renaming would replace it unseen."""
    try:
        os.link(download.part, download.target)
    except FileExistsError as error:
        raise PlaceTakenError(
            f"{download.target} has come there meanwhile; the download is in {download.part.name}"
        ) from error
    except OSError:
        # Some file systems know no links.
        download.part.rename(download.target)
    download.part.unlink(missing_ok=True)
    sync_folder(download.folder)


def _discard(download: Download) -> None:
    # The record goes last: what it does not describe belongs to no download.
    download.part.unlink(missing_ok=True)
    download.record.unlink(missing_ok=True)


def _missing_bytes(download: Download) -> int:
    try:
        return max(download.source.size - download.part.stat().st_size, 0)
    except OSError:
        return download.source.size


def _check_room(folder: Path, n_bytes: int, settings: DownloadSettings) -> None:
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if n_bytes and free < n_bytes + settings.kept_free:
        raise RoomError(
            f"{shown_size(n_bytes)} are still to come and {shown_size(free)} are free in {folder}, of which "
            f"{shown_size(settings.kept_free)} stay free for others; make room, or choose a folder on another disk"
        )


def _result(download: Download, record: DownloadRecord, *, was_there: bool) -> DownloadedFile:
    return DownloadedFile(
        name=record.name,
        path=str(download.target),
        url=record.url,
        size=record.size,
        sha256=record.sha256 or "",
        last_modified=record.last_modified,
        checks=record.checks,
        was_there=was_there,
        record=str(download.record),
    )
