"""The one place that asks NCBI: politely, patiently, and believing no answer unseen."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from edviz.h5ad.strings import harmless
from mcp_server.geo.answers import (
    BAD_REQUEST,
    NOT_FOUND,
    check_no_captcha,
    check_no_page,
    check_status,
    check_utility,
    json_of,
)
from mcp_server.geo.download.settings import origin_of
from mcp_server.geo.errors import BusyError, GeoError
from mcp_server.geo.settings import TOOL, GeoSettings
from mcp_server.geo.throttle import Throttle

if TYPE_CHECKING:
    from httpx import Client, Headers, Response
    from tenacity import RetryCallState, Retrying

NCBI = "NCBI"
AS_IT_IS = {"Accept-Encoding": "identity"}
"""Compressed on the way, the length of a file would not be its own."""
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileHead:
    """What a server says of a file without sending it.

    Attributes
    ----------
    size
        Bytes, or None if it does not say.
    last_modified
        When the file was changed, as the server writes it.
    has_ranges
        Whether parts of it can be asked for.
    """

    size: int | None
    last_modified: str | None
    has_ranges: bool


class GeoClient:
    """Asks the E-utilities and the server with the files of GEO.

    All requests of all processes of a user keep a gap; those that fail in a way that may pass are made again.

    Attributes
    ----------
    requests
        How many were sent, repetitions included.
    """

    def __init__(self, settings: GeoSettings) -> None:
        self.settings = settings
        self.requests = 0
        self._eutils_turns = Throttle(settings.folder, "eutils", settings.gap_s)
        self._files_turns = Throttle(settings.folder, "files", settings.files_gap_s)
        self._client: Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections; a later request opens new ones."""
        self._eutils_turns.close()
        self._files_turns.close()
        if self._client is not None:
            self._client.close()
            self._client = None

    def post_json(self, tool: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Ask one of the E-utilities for JSON.

        Parameters
        ----------
        tool
            Name of the utility, such as "esearch".
        parameters
            What it is asked; who asks is added.

        Returns
        -------
        The whole answer, in which the entry that the utility answers with is there.

        Raises
        ------
        ExpiredError
            If NCBI has forgotten a search.
        AskedError
            If it does not accept the question.
        GeoError
            If it gives no answer.
        """
        form = {**parameters, "retmode": "json", **self._who_asks()}

        def ask() -> dict[str, Any]:
            url = f"{self.settings.eutils}{tool}.fcgi"
            with self._asking(self._eutils_turns, "POST", url, data=form) as response:
                # A question that is not accepted says why in its body.
                if response.status_code != BAD_REQUEST:
                    check_status(response.status_code, response.headers, NCBI)
                body = self._body(response, self.settings.most_answer_bytes, NCBI)
            answer = json_of(self._without_key(body), NCBI)
            check_utility(answer, tool)
            check_status(response.status_code, response.headers, NCBI)
            return answer

        return self._patiently(ask)

    def get_text(self, url: str, *, most_bytes: int) -> str | None:
        """Fetch a text of the server with the files.

        Parameters
        ----------
        url
            Its address; one that ends with a slash is that of a folder, whose text is a web page.
        most_bytes
            Bytes that are accepted.

        Returns
        -------
        The text, or None if there is none at the address.

        Raises
        ------
        GeoError
            If it cannot be had.
        """
        server = self._server_of(url)

        def ask() -> str | None:
            with self._asking(self._files_turns, "GET", url) as response:
                if response.status_code == NOT_FOUND:
                    return None
                check_status(response.status_code, response.headers, server)
                body = self._body(response, most_bytes, server)
            (check_no_captcha if url.endswith("/") else check_no_page)(body, server)
            return body.decode("utf-8", "replace")

        return self._patiently(ask)

    def head(self, url: str) -> FileHead | None:
        """Ask what a file is like, and None if it is not there.

        Raises
        ------
        GeoError
            If the server does not say.
        """
        server = self._server_of(url)

        def ask() -> FileHead | None:
            with self._asking(self._files_turns, "HEAD", url, headers=AS_IT_IS) as response:
                if response.status_code == NOT_FOUND:
                    return None
                check_status(response.status_code, response.headers, server)
                return _head_of(response.headers, url)

        return self._patiently(ask)

    def _who_asks(self) -> dict[str, str]:
        named = {"tool": TOOL, "email": self.settings.email, "api_key": self.settings.api_key}
        return {name: value for name, value in named.items() if value}

    def _without_key(self, body: bytes) -> bytes:
        """Take the key out of an answer, as NCBI repeats it in some errors."""
        return body.replace(self.settings.api_key.encode(), b"(the key)") if self.settings.api_key else body

    def _server_of(self, url: str) -> str:
        if origin_of(url) != self.settings.files:
            raise GeoError(
                f"{harmless(url, longest=300)} is not on {self.settings.files}; nothing was asked of its server"
            )
        return urlsplit(url).hostname or NCBI

    @contextmanager
    def _asking(self, turns: Throttle, method: str, url: str, **content: Any) -> Iterator[Response]:
        import httpx

        client = self._opened()
        turns.wait()
        self.requests += 1
        server = urlsplit(url).hostname or NCBI
        try:
            with client.stream(method, url, **content) as response:
                yield response
        except httpx.TimeoutException as error:
            raise BusyError(f"{server} is silent for {self.settings.timeout_s:g} seconds") from error
        except httpx.ConnectError as error:
            raise BusyError(f"{server} cannot be reached ({harmless(str(error))})") from error
        except httpx.RequestError as error:
            raise BusyError(f"the connection to {server} broke ({harmless(str(error))})") from error
        except httpx.InvalidURL as error:
            raise GeoError(f"{harmless(url, longest=300)} is no address: {harmless(str(error))}") from error

    def _body(self, response: Response, most_bytes: int, server: str) -> bytes:
        """Receive an answer, which neither fills the memory nor comes for ever."""
        end = time.monotonic() + self.settings.longest_answer_s
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > most_bytes:
                raise GeoError(f"the answer of {server} is longer than {most_bytes:,} bytes, and was given up")
            if time.monotonic() > end:
                raise BusyError(f"the answer of {server} took longer than {self.settings.longest_answer_s:g} seconds")
        return bytes(body)

    def _opened(self) -> Client:
        if self._client is None:
            import httpx

            self._client = httpx.Client(
                headers={"User-Agent": self.settings.user_agent},
                timeout=httpx.Timeout(self.settings.timeout_s),
                follow_redirects=False,
            )
        return self._client

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again after faults that may pass, and say at the end how often that was."""
        retrying = self._retrying()
        try:
            return retrying(ask)
        except BusyError as error:
            n = retrying.statistics.get("attempt_number", 1)
            often = "once" if n == 1 else f"{n} times"
            wait = f"; it asks to wait for {error.wait_s:.0f} seconds" if self._asks_too_much(error) else ""
            raise BusyError(f"{error}{wait}; asked {often}: try again later", wait_s=error.wait_s) from error

    def _retrying(self) -> Retrying:
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

        settings = self.settings
        growing = wait_exponential_jitter(
            multiplier=settings.first_wait_s, max=settings.longest_wait_s, jitter=settings.first_wait_s
        )
        return Retrying(
            stop=stop_after_attempt(settings.attempts),
            wait=lambda state: max(growing(state), _wait_of(state)),
            retry=retry_if_exception(lambda error: isinstance(error, BusyError) and not self._asks_too_much(error)),
            before_sleep=_tell_of_waiting,
            reraise=True,
        )

    def _asks_too_much(self, error: BusyError) -> bool:
        return (error.wait_s or 0.0) > self.settings.longest_wait_s


def _tell_of_waiting(state: RetryCallState) -> None:
    wait = state.next_action.sleep if state.next_action else 0.0
    error = state.outcome.exception() if state.outcome else None
    # Without a log that is set up, this stands on standard error, so that nobody waits before an empty screen.
    log.warning("%s; asking again in %.0f s", error, wait)


def _wait_of(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return (error.wait_s if isinstance(error, BusyError) else None) or 0.0


def _head_of(headers: Headers, url: str) -> FileHead:
    # A page in the place of a file has a length, too, and it is not that of the file.
    is_page = headers.get("Content-Type", "").startswith("text/html") and not url.lower().endswith((".html", ".htm"))
    said = headers.get("Content-Length", "")
    modified = headers.get("Last-Modified", "")
    return FileHead(
        size=int(said) if said.isdecimal() and not is_page else None,
        last_modified=harmless(modified) or None,
        has_ranges=headers.get("Accept-Ranges", "").strip().lower() == "bytes",
    )
