"""One connection to one server: a request, its answer, and so on while the server keeps it open."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPResponse

from edviz.remote.arriving import Arriving, answer_on
from edviz.remote.locations import Location, Origin
from edviz.remote.meter import Meter
from edviz.remote.routes import Route

PROGRAM = "edviz"


class Connection:
    """A connection that requests go through one after the other.

    Attributes
    ----------
    origin
        The server at its end.
    is_used
        Whether it has carried an answer; then the server may have closed it meanwhile.
    """

    def __init__(self, route: Route, source: socket.socket, *, meter: Meter, timeout_s: float) -> None:
        self.origin: Origin = route.origin
        self.is_used = False
        self._proxy = route.proxy if route.origin.scheme == "http" else None
        self._socket = source
        self._meter = meter
        self._timeout_s = timeout_s
        self._arriving: Arriving | None = None

    @property
    def has_begun(self) -> bool:
        """Whether anything of the present answer arrived."""
        return self._arriving is not None and self._arriving.received > 0

    def get(self, location: Location, headers: Mapping[str, str]) -> HTTPResponse:
        """Send a request and read the answer as far as its body.

        Raises
        ------
        OSError, http.client.HTTPException
            If the connection breaks, is silent, or carries something else than HTTP.
        """
        self._arriving = None
        self._meter.count_request()
        self._socket.settimeout(self._timeout_s)
        self._socket.sendall(self._request(location, headers))
        self._arriving = Arriving(self._socket, self._timeout_s, self._meter.count_bytes)
        return answer_on(self._arriving, "GET")

    def abort(self) -> None:
        """Make whoever waits for this connection go on, with an error."""
        # Not that of an SSLSocket: it would take the encryption away from under whoever reads.
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError):
            self._socket.close()

    def _request(self, location: Location, headers: Mapping[str, str]) -> bytes:
        target = location.target
        if self._proxy is not None:
            target = f"http://{location.origin.authority}{target}"
            headers = {**headers, **self._proxy.headers}
        if location.authorization is not None:
            headers = {**headers, "Authorization": location.authorization}
        # A server compresses only what was asked for compressed, and parts of that would be parts of something else.
        lines = [
            f"GET {target} HTTP/1.1",
            f"Host: {location.origin.authority}",
            f"User-Agent: {PROGRAM}",
            "Accept: */*",
            "Accept-Encoding: identity",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii")
