"""What is known of a download, in a small file beside it: at first what was asked for, at the end what came.

Every file has a record of its own, so that two processes that fill one folder never write the same record, and a file
can be moved or removed with its record and nothing else.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edviz.output import writing
from edviz.plain import to_plain
from mcp_server.geo.download.names import PART, RECORD

MOST_RECORD_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """A file on a server.

    Attributes
    ----------
    url
        Where it is.
    name
        What it is called here.
    size
        Its bytes, exactly.
    """

    url: str
    name: str
    size: int


@dataclass(frozen=True)
class DownloadRecord:
    """What is known of a download.

    Attributes
    ----------
    last_modified, etag
        What the server says of this version of the file, if it does.
    sha256
        Of the whole file; None until it is whole and checked.
    modified_ns
        When the whole file was last changed here, as the file system says it.
    finished
        When it was whole and checked, in UTC.
    checks
        What was checked.
    """

    name: str
    url: str
    size: int
    last_modified: str | None = None
    etag: str | None = None
    sha256: str | None = None
    modified_ns: int | None = None
    finished: str | None = None
    checks: tuple[str, ...] = ()

    def is_of(self, source: Source) -> bool:
        """Say whether this is the record of a file of this address and size."""
        return (self.name, self.url, self.size) == (source.name, source.url, source.size)


@dataclass(frozen=True)
class Download:
    """A file of a server, and the folder it is brought into.

    Attributes
    ----------
    source
        What is brought.
    folder
        Where to; it holds all that belongs to the download.
    """

    source: Source
    folder: Path

    @property
    def target(self) -> Path:
        """The file, once it is whole."""
        return self.folder / self.source.name

    @property
    def part(self) -> Path:
        """What has arrived of it."""
        return self.folder / f"{self.source.name}{PART}"

    @property
    def record(self) -> Path:
        """What is known of it."""
        return self.folder / f"{self.source.name}{RECORD}"

    @property
    def lock(self) -> Path:
        """Held by the one process that writes here."""
        return self.folder / f".{self.source.name}.lock"


def write_record(record: DownloadRecord, download: Download) -> None:
    """Write down what is known of a download, so that it is on the disk.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with writing(download.record) as stream:
        json.dump(to_plain(record), stream, indent=2, allow_nan=False)
        stream.write("\n")
    sync_folder(download.folder)


def read_record(download: Download) -> DownloadRecord | None:
    """Return what is known of a download, or None if nothing is that can be read."""
    try:
        if download.record.stat().st_size > MOST_RECORD_BYTES:
            return None
        plain = json.loads(download.record.read_text(encoding="utf-8"))
        record = DownloadRecord(**{**plain, "checks": tuple(plain["checks"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return record if _is_sound(record) else None


def sync_folder(folder: Path) -> None:
    """Bring the names of a folder onto the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is_sound(record: DownloadRecord) -> bool:
    texts = (record.last_modified, record.etag, record.sha256, record.finished)
    return (
        isinstance(record.name, str)
        and isinstance(record.url, str)
        and type(record.size) is int
        and all(text is None or isinstance(text, str) for text in texts)
        and (record.modified_ns is None or type(record.modified_ns) is int)
        and all(isinstance(check, str) for check in record.checks)
    )
