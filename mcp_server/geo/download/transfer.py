"""Bringing the bytes of a file here: in as many pieces as the network makes of it, each joined where the last ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_server.geo.download.answers import is_page, meaning_of, page_refusal, validators_of
from mcp_server.geo.download.errors import PassingError, TransferError
from mcp_server.geo.download.partial import PartialFile
from mcp_server.geo.download.progress import DOWNLOADING, Watch
from mcp_server.geo.download.record import Download, DownloadRecord, write_record
from mcp_server.geo.download.server import Server, server_of
from mcp_server.geo.download.settings import DownloadSettings
from mcp_server.geo.download.sizes import shown_size

if TYPE_CHECKING:
    from httpx import Response

LEAST_GAIN = 1 << 20
"""Bytes that make an attempt worth its while; so that a server that breaks off after each byte is given up."""
MOST_PIECES = 500


def transfer(
    download: Download, part: PartialFile, record: DownloadRecord, settings: DownloadSettings, watch: Watch
) -> None:
    """Bring the part of a file that is here to its full size.

    Parameters
    ----------
    part
        The bytes that are here.
    record
        The version of the file that they are from.

    Raises
    ------
    TransferError
        If the file cannot be had; what has arrived stays, unless it is of no use.
    RoomError
        If the disk is full.
    """
    with server_of(settings) as server:
        going = _Transfer(server, download, part, record, watch)
        for _ in range(MOST_PIECES):
            try:
                server.retrying(lambda told: watch(told, part.size))(going.bring_more)
            except PassingError as error:
                raise TransferError(f"{error}; given up after {settings.attempts} attempts{_kept(part)}") from error
            if part.size == download.source.size:
                return
    raise TransferError(f"the connection for {download.source.name} broke {MOST_PIECES} times{_kept(part)}")


def _kept(part: PartialFile) -> str:
    if not part.size:
        return ": try again later"
    return f": {shown_size(part.size)} are here, and the same call goes on from there"


class _Transfer:
    """A file that is being brought here."""

    def __init__(
        self, server: Server, download: Download, part: PartialFile, record: DownloadRecord, watch: Watch
    ) -> None:
        self._server = server
        self._download = download
        self._source = download.source
        self._part = part
        self._record = record
        self._watch = watch

    def bring_more(self) -> None:
        """Ask for what is missing and take what comes.

        Raises
        ------
        PassingError
            If hardly anything came.
        """
        before = self._part.size
        try:
            with self._server.asking(
                "GET", self._source.url, name=self._source.name, headers=self._headers()
            ) as answer:
                self._take(answer)
        except PassingError:
            if self._part.size - before < LEAST_GAIN:
                raise
        if self._part.size < self._source.size and self._part.size - before < LEAST_GAIN:
            raise PassingError(
                f"the server ended {self._source.name} after {self._part.size:,} of {self._source.size:,} bytes"
            )

    def _headers(self) -> dict[str, str]:
        version = self._record.etag or self._record.last_modified
        if not self._part.size or version is None:
            return {}
        return {"Range": f"bytes={self._part.size}-", "If-Range": version}

    def _take(self, answer: Response) -> None:
        meaning = meaning_of(answer, start=self._start(), record=self._record, source=self._source)
        if meaning == "complete":
            return
        if meaning != "rest":
            self._begin_anew(answer)
        if meaning == "anew":
            raise PassingError(f"the server cannot go on with {self._source.name}; it is asked for all of it")
        for data in answer.iter_raw():
            self._add(data)

    def _start(self) -> int:
        return self._part.size if "Range" in self._headers() else 0

    def _begin_anew(self, answer: Response) -> None:
        """Forget what is here; what comes now may be of another version."""
        self._part.clear()
        modified, etag = validators_of(answer.headers) if answer.is_success else (None, None)
        self._record = replace(self._record, last_modified=modified, etag=etag)
        write_record(self._record, self._download)

    def _add(self, data: bytes) -> None:
        if self._part.size + len(data) > self._source.size:
            self._part.clear()
            raise TransferError(
                f"the server sends more than the {self._source.size:,} bytes of {self._source.name}; nothing is kept"
            )
        if self._part.size == 0 and is_page(data[:100], self._source.name):
            raise page_refusal(self._source.name)
        self._part.append(data)
        self._watch(DOWNLOADING, self._part.size)
