"""Which machine a name stands for, and whether it may be asked.

Whoever names an address may be a program that was told to: without this check it could make us ask machines that only
we can reach. Connections go to the addresses that were checked, so that a name cannot lead elsewhere a moment later.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from edviz.remote.errors import RemoteError
from edviz.remote.locations import Location
from edviz.remote.parallel import start_threads
from edviz.remote.settings import ALLOW_PRIVATE, RemoteSettings

MOST_ADDRESSES = 8
LOOK_UP_STACK_BYTES = 2**20
"""Looking up runs code of the system's choosing, which may want more than our own."""

GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
TRANSLATED_IPV4 = ipaddress.IPv6Network("64:ff9b::/96")
"""NAT64: the last four bytes are the IPv4 address that a packet ends at."""
CLOSED_NETWORKS = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # not all of it is private to Python's ipaddress before 3.11.9
    ipaddress.IPv4Network("168.63.129.16/32"),  # looks public, yet is Azure's service inside each of its machines
)


@dataclass(frozen=True)
class Address:
    """An address that a socket connects to.

    Attributes
    ----------
    family
        The kind of address.
    host
        In figures.
    port
        The port.
    """

    family: socket.AddressFamily
    host: str
    port: int


def checked_addresses(location: Location, settings: RemoteSettings) -> tuple[Address, ...]:
    """Resolve the host of a location once, and return its addresses if all of them may be asked.

    Raises
    ------
    RemoteError
        If the host is unknown, or one of its addresses is not public.
    """
    found = resolved(location, settings.timeout_s)
    if not found:
        raise RemoteError(f"{location.shown} names a host that is not found; check the address and the network.")
    check_public(found, location, settings)
    return found


def check_public(addresses: tuple[Address, ...], location: Location, settings: RemoteSettings) -> None:
    """Check that addresses are public, unless any may be read.

    Raises
    ------
    RemoteError
        If one of them is not.
    """
    # One private address among public ones is how a name is made to pass and to lead inside all the same.
    if settings.allow_private or all(is_public(address.host) for address in addresses):
        return
    raise RemoteError(
        f"{location.shown} leads to a private or reserved network address, which is not read; "
        f"set {ALLOW_PRIVATE}=1 if it may be."
    )


def is_public(host: str) -> bool:
    """Say whether an address in figures belongs to a machine of the public internet.

    Examples
    --------
    >>> [is_public(host) for host in ("8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1", "2a00:1450:4001::1")]
    [True, False, False, True]
    """
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public_ipv4(address)
    inside = _address_inside(address)
    if inside is not None:
        return _is_public_ipv4(inside)
    # 6to4 hides an IPv4 address too, and is out of use; later versions of Python call it private.
    return address in GLOBAL_IPV6 and address.is_global and address.sixtofour is None


def resolved(location: Location, timeout_s: float) -> tuple[Address, ...]:
    """Return the addresses of the host of a location, or none if it is unknown or not found in time."""
    answer: list[tuple[Address, ...]] = []
    # The resolver of the system takes no time limit and cannot be stopped, only left behind.
    for thread in start_threads(lambda: answer.append(_looked_up(location)), 1, stack_bytes=LOOK_UP_STACK_BYTES):
        thread.join(timeout_s)
    return answer[0] if answer else ()


def _looked_up(location: Location) -> tuple[Address, ...]:
    origin = location.origin
    try:
        found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    places = [Address(family, str(place[0]), origin.port) for family, _, _, _, place in found]
    return tuple(dict.fromkeys(places))[:MOST_ADDRESSES]


def _address_inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in TRANSLATED_IPV4 else None


def _is_public_ipv4(address: ipaddress.IPv4Address) -> bool:
    is_closed = address.is_multicast or address.is_reserved or any(address in network for network in CLOSED_NETWORKS)
    return address.is_global and not is_closed
