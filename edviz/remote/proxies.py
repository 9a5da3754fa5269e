"""Which proxy leads to a server, and how to be let through it."""

from __future__ import annotations

from dataclasses import dataclass, field

from edviz.errors import H5adError
from edviz.remote.errors import RemoteError
from edviz.remote.locations import Location, Origin, location_of
from edviz.remote.settings import RemoteSettings


@dataclass(frozen=True)
class Proxy:
    """A proxy, named by the environment and so by whoever runs the program.

    Attributes
    ----------
    location
        Where it is.
    headers
        What it wants to know; never sent to the servers behind it.
    """

    location: Location
    headers: dict[str, str] = field(repr=False)


def proxy_for(origin: Origin, settings: RemoteSettings) -> Proxy | None:
    """Return the proxy that leads to a server, or None if it is reached without one.

    Raises
    ------
    RemoteError
        If the proxy that is set is no http one.
    """
    named = settings.https_proxy if origin.scheme == "https" else settings.http_proxy
    if not named or any(_covers(end, origin.host) for end in settings.no_proxy):
        return None
    try:
        location = location_of(named if "://" in named else f"http://{named}")
    except H5adError:
        location = None
    # An https proxy would mean one encryption in another, which nobody has asked for yet.
    if location is None or location.origin.scheme != "http":
        raise RemoteError(
            f"the proxy for {origin.scheme} addresses is no http one; "
            f"set {origin.scheme}_proxy to one like http://proxy:3128, or no_proxy to go without."
        )
    return Proxy(location, {"Proxy-Authorization": location.authorization} if location.authorization else {})


def _covers(end: str, host: str) -> bool:
    return end == "*" or host == end or host.endswith(f".{end}")
