"""Bringing the bytes of a file here: in as many pieces as the network makes of it, each joined where the last ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from edviz.h5ad.strings import harmless
from mcp_server.geo.download.answers import is_page, meaning_of, page_refusal, validators_of
from mcp_server.geo.download.errors import PassingError, TransferError
from mcp_server.geo.download.partial import PartialFile
from mcp_server.geo.download.progress import DOWNLOADING, Watch
from mcp_server.geo.download.record import Download, DownloadRecord, Source, write_record
from mcp_server.geo.download.settings import DownloadSettings, check_origin
from mcp_server.geo.download.sizes import shown_size

if TYPE_CHECKING:
    from httpx import Client, Response
    from tenacity import RetryCallState, Retrying

CONNECT_SECONDS = 30.0
MOST_REDIRECTS = 5
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
    with _client(settings) as client:
        going = _Transfer(client, download, part, record, settings, watch)
        for _ in range(MOST_PIECES):
            going.retrying()(going.bring_more)
            if part.size == download.source.size:
                return
    raise TransferError(
        f"the connection for {download.source.name} broke {MOST_PIECES} times; {shown_size(part.size)} are here, and "
        "the same call goes on from there"
    )


class _Transfer:
    """A file that is being brought here, over one client."""

    def __init__(
        self,
        client: Client,
        download: Download,
        part: PartialFile,
        record: DownloadRecord,
        settings: DownloadSettings,
        watch: Watch,
    ) -> None:
        self._client = client
        self._download = download
        self._source = download.source
        self._part = part
        self._record = record
        self._settings = settings
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
            with self._asking() as answer:
                self._take(answer)
        except PassingError:
            if self._part.size - before < LEAST_GAIN:
                raise
        if self._part.size < self._source.size and self._part.size - before < LEAST_GAIN:
            raise PassingError(f"the server ended {self._source.name} after {self._shown_part()}")

    def retrying(self) -> Retrying:
        """Return what tries again after faults that may pass, as long as the server asks for or longer."""
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

        settings = self._settings
        growing = wait_exponential(settings.first_wait_s, settings.longest_wait_s)
        # Downloads that failed together would otherwise come again together.
        spread = wait_random(0, settings.first_wait_s)
        return Retrying(
            stop=stop_after_attempt(settings.attempts),
            wait=lambda state: max(growing(state), _asked_wait(state)) + spread(state),
            retry=retry_if_exception_type(PassingError),
            before_sleep=self._tell_of_waiting,
            reraise=True,
        )

    def _tell_of_waiting(self, state: RetryCallState) -> None:
        wait = state.next_action.sleep if state.next_action else 0.0
        self._watch(f"waiting {wait:.0f} s: {_failure(state)}", self._part.size)

    @contextmanager
    def _asking(self) -> Iterator[Response]:
        """Ask for the file, or the rest of it, wherever allowed servers lead."""
        url = self._source.url
        with _told(self._source, self._settings):
            for _ in range(MOST_REDIRECTS):
                check_origin(url, self._settings)
                with self._client.stream("GET", url, headers=self._headers()) as answer:
                    if not answer.has_redirect_location:
                        yield answer
                        return
                    url = self._next(url, answer.headers["Location"])
        raise TransferError(f"{self._source.name} leads from address to address; it is not followed further")

    def _next(self, url: str, address: str) -> str:
        try:
            return urljoin(url, address)
        except ValueError as error:
            raise TransferError(f"{self._source.name} leads on to something that is no address") from error

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
            raise page_refusal(self._source)
        self._part.append(data)
        self._watch(DOWNLOADING, self._part.size)

    def _shown_part(self) -> str:
        return f"{self._part.size:,} of {self._source.size:,} bytes"


@contextmanager
def _client(settings: DownloadSettings) -> Iterator[Client]:
    import httpx

    with httpx.Client(
        # Compressed on the way, the length would not be that of the file.
        headers={"Accept-Encoding": "identity", "User-Agent": settings.user_agent},
        timeout=httpx.Timeout(settings.stall_s, connect=min(CONNECT_SECONDS, settings.stall_s)),
        follow_redirects=False,
    ) as client:
        yield client


@contextmanager
def _told(source: Source, settings: DownloadSettings) -> Iterator[None]:
    """Say what the network does in words, and whether it may pass."""
    import httpx

    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise TransferError(f"the address of {source.name} cannot be asked: {harmless(str(error))}") from error
    except httpx.TimeoutException as error:
        raise PassingError(f"no byte of {source.name} came for {settings.stall_s:g} seconds") from error
    except httpx.TransportError as error:
        raise PassingError(f"the connection for {source.name} broke ({harmless(str(error))})") from error


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _asked_wait(state: RetryCallState) -> float:
    error = _failure(state)
    return (error.wait_s if isinstance(error, PassingError) else None) or 0.0
