"""Asking a server: over allowed addresses only, again after faults that may pass, and with errors in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from edviz.h5ad.strings import harmless
from mcp_server.geo.download.errors import PassingError, TransferError
from mcp_server.geo.download.settings import DownloadSettings, check_origin

if TYPE_CHECKING:
    from httpx import Client, Response
    from tenacity import RetryCallState, Retrying

CONNECT_SECONDS = 30.0
MOST_REDIRECTS = 5


class Server:
    """The server that files come from; one connection, kept open between requests.

    Used as a context manager; see `server_of`.
    """

    def __init__(self, client: Client, settings: DownloadSettings) -> None:
        self._client = client
        self._settings = settings

    @contextmanager
    def asking(
        self, method: str, url: str, *, name: str, headers: Mapping[str, str] | None = None
    ) -> Iterator[Response]:
        """Ask for a file, wherever allowed addresses lead; the body is read by whoever asks.

        Parameters
        ----------
        name
            What errors call the file.

        Raises
        ------
        PassingError
            If the connection breaks or falls silent, while asking or while the body is read.
        TransferError
            If the way leads to another server, or nowhere.
        """
        with self._told(name):
            for _ in range(MOST_REDIRECTS):
                check_origin(url, self._settings)
                with self._client.stream("GET", url, headers=headers) as answer:
                    if not answer.has_redirect_location:
                        yield answer
                        return
                    url = _joined(url, answer.headers["Location"], name)
        raise TransferError(f"{name} leads from address to address; it is not followed further")

    def retrying(self, tell: Callable[[str], None]) -> Retrying:
        """Return what tries again after faults that may pass, after as long as the server asks for or longer.

        Parameters
        ----------
        tell
            Called with why and how long it waits.
        """
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

        settings = self._settings
        growing = wait_exponential(settings.first_wait_s, settings.longest_wait_s)
        # Downloads that failed together would otherwise come again together.
        spread = wait_random(0, settings.first_wait_s)
        return Retrying(
            stop=stop_after_attempt(settings.attempts),
            wait=lambda state: max(growing(state), _asked_wait(state)) + spread(state),
            retry=retry_if_exception_type(PassingError),
            before_sleep=lambda state: tell(f"waiting {_wait(state):.0f} s: {_failure(state)}"),
            reraise=True,
        )

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Say what the network does in words, and whether it may pass."""
        import httpx

        try:
            yield
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise TransferError(f"the address of {name} cannot be asked: {harmless(str(error))}") from error
        except httpx.TimeoutException as error:
            raise PassingError(f"no byte of {name} came for {self._settings.stall_s:g} seconds") from error
        except httpx.TransportError as error:
            raise PassingError(f"the connection for {name} broke ({harmless(str(error))})") from error


@contextmanager
def server_of(settings: DownloadSettings) -> Iterator[Server]:
    """Connect to the server when it is first asked, and close the connection at the end."""
    import httpx

    with httpx.Client(
        # Compressed on the way, the length would not be that of the file.
        headers={"Accept-Encoding": "identity", "User-Agent": settings.user_agent},
        timeout=httpx.Timeout(settings.stall_s, connect=min(CONNECT_SECONDS, settings.stall_s)),
        follow_redirects=False,
    ) as client:
        yield Server(client, settings)


def _joined(url: str, address: str, name: str) -> str:
    try:
        return urljoin(url, address)
    except ValueError as error:
        raise TransferError(f"{name} leads on to something that is no address") from error


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _asked_wait(state: RetryCallState) -> float:
    error = _failure(state)
    return (error.wait_s if isinstance(error, PassingError) else None) or 0.0


def _wait(state: RetryCallState) -> float:
    return state.next_action.sleep if state.next_action else 0.0
