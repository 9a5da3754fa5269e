"""Requests about one file: connections that stay open, redirects that are checked, repetitions that end."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPException
from threading import Event, Lock
from typing import TypeVar

from edviz.remote.answers import Answer, told
from edviz.remote.connection import Connection
from edviz.remote.errors import PassingError, RemoteError
from edviz.remote.locations import Location, Origin, redirected
from edviz.remote.meter import Meter
from edviz.remote.routes import Route, connect, route_to
from edviz.remote.settings import RemoteSettings

MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)

Result = TypeVar("Result")


class Client:
    """Connections to the servers of one file; may be used from several threads.

    Attributes
    ----------
    meter
        Counts what is asked for and received.
    """

    def __init__(self, settings: RemoteSettings, meter: Meter) -> None:
        self.meter = meter
        self._settings = settings
        self._routes: dict[Origin, Route] = {}
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._tls: ssl.SSLContext | None = None
        self._stopped = Event()
        self._lock = Lock()
        self._route_lock = Lock()

    def open(self, location: Location, headers: Mapping[str, str], *, fresh: bool = False) -> Answer:
        """Send a request and follow redirects; the answer is to be given to `release`.

        Parameters
        ----------
        location
            What to ask for.
        headers
            Headers besides the usual ones.
        fresh
            Whether to use a new connection.

        Raises
        ------
        RemoteError
            If no answer comes, or one may not ask there.
        """
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._ask(location, headers, fresh)
            if answer.status not in REDIRECTS:
                return answer
            self.release(answer)
            location = _next_location(answer)
        raise RemoteError(
            f"{location.shown} comes after more than {MOST_REDIRECTS} redirects; give the address of the file itself."
        )

    def release(self, answer: Answer) -> None:
        """Give the connection of an answer back; it is closed unless the answer was read to its end."""
        connection = answer.connection
        is_done = answer.response.isclosed() and not answer.response.will_close
        answer.response.close()
        with self._lock:
            self._busy.discard(connection)
            if is_done and not self._stopped.is_set():
                connection.is_used = True
                self._idle.append(connection)
                return
        connection.close()

    def retrying(self, attempt: Callable[[bool], Result]) -> Result:
        """Call a function again while it fails in a way that may pass, a few times.

        Parameters
        ----------
        attempt
            Its argument is whether to use a new connection.
        """
        for number in range(1, self._settings.attempts):
            try:
                return attempt(number > 1)
            except PassingError as error:
                if not self._has_waited(number, error):
                    raise
        return attempt(True)

    def stop(self) -> None:
        """Close all connections at once, also those that others wait for; nothing can be asked for afterwards."""
        self._stopped.set()
        with self._lock:
            for connection in self._busy:
                connection.abort()
            while self._idle:
                self._idle.pop().close()

    def _ask(self, location: Location, headers: Mapping[str, str], fresh: bool) -> Answer:
        connection = self._connection_to(location, fresh)
        try:
            return Answer(location, connection.get(location, headers), connection)
        except (OSError, HTTPException) as error:
            self._abandon(connection)
            failure = told(location, error)
            if isinstance(failure, PassingError) and connection.is_used and not connection.has_begun:
                # The server had closed it for having been idle; no reason to wait.
                failure.wait_s = 0.0
            raise failure from error
        except BaseException:
            self._abandon(connection)
            raise

    def _abandon(self, connection: Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()

    def _connection_to(self, location: Location, fresh: bool) -> Connection:
        idle = None if fresh else self._idle_connection(location.origin)
        connection = idle or self._connected(location)
        with self._lock:
            if not self._stopped.is_set():
                self._busy.add(connection)
                return connection
        connection.close()
        raise RemoteError(f"{location.shown} is read no further, as reading it was stopped; open it again.")

    def _idle_connection(self, origin: Origin) -> Connection | None:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if connection.origin == origin:
                    return connection
                connection.close()
        return None

    def _connected(self, location: Location) -> Connection:
        with self._route_lock:
            route = self._routes.get(location.origin) or route_to(location, self._settings)
            self._routes[location.origin] = route
            if self._tls is None and location.origin.scheme == "https":
                self._tls = _tls_context()
        try:
            source = connect(route, self._tls if location.origin.scheme == "https" else None, self._settings)
        except (OSError, HTTPException) as error:
            raise told(location, error) from error
        return Connection(route, source, meter=self.meter, timeout_s=self._settings.timeout_s)

    def _has_waited(self, number: int, error: PassingError) -> bool:
        if error.wait_s is not None and error.wait_s > self._settings.longest_wait_s:
            return False
        usual = self._settings.first_wait_s * 2 ** (number - 1)
        # Requests that failed together would otherwise come again together.
        spread = random.uniform(1.0, 1.5)  # noqa: S311 - nothing secret
        wait = min(usual if error.wait_s is None else error.wait_s, self._settings.longest_wait_s) * spread
        return not self._stopped.wait(wait)


def _next_location(answer: Answer) -> Location:
    address = answer.header("Location")
    if not address:
        raise RemoteError(
            f"{answer.location.shown} is elsewhere, and the server does not say where (HTTP {answer.status}); "
            "give the address of the file itself."
        )
    return redirected(answer.location, address)


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
