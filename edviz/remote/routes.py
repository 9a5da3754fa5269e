"""The way to a server: its checked addresses, or a proxy; and the socket at the end of it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from edviz.remote.addresses import Address, check_public, checked_addresses, resolved
from edviz.remote.arriving import Arriving, answer_on
from edviz.remote.errors import RemoteError
from edviz.remote.locations import Location, Origin
from edviz.remote.proxies import Proxy, proxy_for
from edviz.remote.settings import RemoteSettings

LONGEST_TRY_S = 5.0
"""Seconds for one of several addresses, so that a dead one does not use up the patience for the next."""
LONGEST_LOOK_UP_S = 2.0
"""Seconds for a name that a proxy will look up anyway; where there is a proxy, names are often unknown."""


@dataclass(frozen=True)
class Route:
    """How a server is reached.

    Attributes
    ----------
    origin
        The server.
    addresses
        What to connect to: its own checked addresses, or those of the proxy.
    proxy
        The proxy, if there is one.
    """

    origin: Origin
    addresses: tuple[Address, ...]
    proxy: Proxy | None


def route_to(location: Location, settings: RemoteSettings) -> Route:
    """Find the way to the server of a location.

    Raises
    ------
    RemoteError
        If there is none, or one that may not be taken.
    """
    proxy = proxy_for(location.origin, settings)
    if proxy is None:
        return Route(location.origin, checked_addresses(location, settings), None)
    # The proxy looks the name up again and may see another network, so this check is less than that without one.
    check_public(resolved(location, min(settings.timeout_s, LONGEST_LOOK_UP_S)), location, settings)
    addresses = resolved(proxy.location, settings.timeout_s)
    if not addresses:
        raise RemoteError(f"the proxy {proxy.location.origin.authority} is not found; check the proxy that is set.")
    return Route(location.origin, addresses, proxy)


def connect(route: Route, tls: ssl.SSLContext | None, settings: RemoteSettings) -> socket.socket:
    """Connect to a server; with TLS the certificate must be valid for its name, whatever address was taken.

    Raises
    ------
    OSError
        If no address can be reached, or TLS fails.
    RemoteError
        If the proxy does not let it through.
    """
    plain = _connect_to_one(route.addresses, settings)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is None:
            return plain
        if route.proxy is not None:
            _open_tunnel(plain, route, route.proxy, settings)
        return tls.wrap_socket(plain, server_hostname=route.origin.host)
    except BaseException:
        plain.close()
        raise


def _connect_to_one(addresses: tuple[Address, ...], settings: RemoteSettings) -> socket.socket:
    longest = settings.timeout_s if len(addresses) == 1 else min(settings.timeout_s, LONGEST_TRY_S)
    failures: list[OSError] = []
    for address in addresses:
        try:
            return _connect_to(address, longest, settings.timeout_s)
        except OSError as error:
            failures.append(error)
    raise failures[0]


def _connect_to(address: Address, longest_s: float, timeout_s: float) -> socket.socket:
    # Not create_connection: it would look a name up, and nothing but the checked address may be connected to.
    plain = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        plain.settimeout(longest_s)
        plain.connect((address.host, address.port))
        plain.settimeout(timeout_s)
    except BaseException:
        plain.close()
        raise
    return plain


def _open_tunnel(plain: socket.socket, route: Route, proxy: Proxy, settings: RemoteSettings) -> None:
    place = f"{_bracketed(route.origin.host)}:{route.origin.port}"
    lines = [
        f"CONNECT {place} HTTP/1.1",
        f"Host: {place}",
        *(f"{key}: {value}" for key, value in proxy.headers.items()),
    ]
    plain.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    response = answer_on(Arriving(plain, settings.timeout_s), "CONNECT")
    response.close()
    if response.status != 200:
        raise RemoteError(
            f"the proxy {proxy.location.origin.authority} does not lead to {route.origin.host} "
            f"(HTTP {response.status}); check the proxy that is set."
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
