"""What reading from servers may do and cost, by default and from the environment."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from edviz.remote.errors import RemoteError

ALLOW_PRIVATE = "EDVIZ_ALLOW_PRIVATE_ADDRESSES"
MOST_BYTES = "EDVIZ_MOST_REMOTE_BYTES"
MOST_REQUESTS = "EDVIZ_MOST_REMOTE_REQUESTS"
MOST_DOWNLOAD_BYTES = "EDVIZ_MOST_DOWNLOAD_BYTES"
MOST_UNPACKED_BYTES = "EDVIZ_MOST_UNPACKED_BYTES"
CONNECTIONS = "EDVIZ_REMOTE_CONNECTIONS"
TIMEOUT = "EDVIZ_REMOTE_TIMEOUT_SECONDS"

YES = ("1", "true", "yes", "on")
NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class RemoteSettings:
    """Limits of reading one file from a server.

    Attributes
    ----------
    allow_private
        Whether addresses inside the own network or machine may be read.
    most_bytes
        Bytes that may be received when parts of a file are read.
    most_requests
        Requests that may be sent for one file, redirects and repetitions included.
    most_download_bytes
        Bytes that may be received when a file is read whole, as a compressed one must be.
    most_unpacked_bytes
        Bytes that a compressed file may unpack to.
    most_cached_bytes
        Bytes of one file that are held in memory.
    block_bytes
        Bytes that are asked for at least.
    unforeseen_bytes
        The same for what is read without having been fetched: what follows is then most often read next.
    connections
        Connections that are open at once.
    timeout_s
        Seconds that a server may be silent.
    attempts
        Times that a request is sent when failures may pass.
    first_wait_s
        Seconds before the second attempt, about; each further wait is about twice as long.
    longest_wait_s
        Seconds to wait at most, whatever the server asks for.
    http_proxy, https_proxy
        Proxies for addresses of either kind, such as `http://proxy:3128`; their passwords are sent to them alone.
    no_proxy
        Ends of host names that are reached without a proxy; `*` stands for all.
    """

    allow_private: bool = False
    most_bytes: int = 512 * 2**20
    most_requests: int = 5_000
    most_download_bytes: int = 2 * 2**30
    most_unpacked_bytes: int = 32 * 2**30
    most_cached_bytes: int = 64 * 2**20
    block_bytes: int = 8 * 2**10
    unforeseen_bytes: int = 64 * 2**10
    connections: int = 16
    timeout_s: float = 20.0
    attempts: int = 4
    first_wait_s: float = 0.25
    longest_wait_s: float = 5.0
    http_proxy: str | None = field(default=None, repr=False)
    https_proxy: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> RemoteSettings:
    """Read the settings from variables; what is not set is as in `RemoteSettings`.

    Raises
    ------
    RemoteError
        If a variable has a value that it cannot have.

    Examples
    --------
    >>> settings_from_environment({"EDVIZ_MOST_REMOTE_BYTES": "1_000_000"}).most_bytes
    1000000
    """
    default = RemoteSettings()
    return RemoteSettings(
        allow_private=_switch(environment, ALLOW_PRIVATE),
        most_bytes=_whole(environment, MOST_BYTES, default.most_bytes),
        most_requests=_whole(environment, MOST_REQUESTS, default.most_requests),
        most_download_bytes=_whole(environment, MOST_DOWNLOAD_BYTES, default.most_download_bytes),
        most_unpacked_bytes=_whole(environment, MOST_UNPACKED_BYTES, default.most_unpacked_bytes),
        connections=_whole(environment, CONNECTIONS, default.connections),
        timeout_s=_seconds(environment, TIMEOUT, default.timeout_s),
        # In capitals this one may come from a request that a web server hands to a program, so it is not read.
        http_proxy=environment.get("http_proxy") or None,
        https_proxy=environment.get("https_proxy") or environment.get("HTTPS_PROXY") or None,
        no_proxy=_names(environment.get("no_proxy") or environment.get("NO_PROXY") or ""),
    )


def _switch(environment: Mapping[str, str], variable: str) -> bool:
    value = environment.get(variable, "").strip().lower()
    if value in YES:
        return True
    if value in NO:
        return False
    raise RemoteError(f"{variable} is {value!r}; set it to 1 or 0.")


def _whole(environment: Mapping[str, str], variable: str, default: int) -> int:
    value = environment.get(variable, "").strip()
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise RemoteError(f"{variable} is {value!r}; set it to a whole number above 0, such as {default}.")
    return number


def _seconds(environment: Mapping[str, str], variable: str, default: float) -> float:
    value = environment.get(variable, "").strip()
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not (number > 0 and math.isfinite(number)):
        raise RemoteError(f"{variable} is {value!r}; set it to a number of seconds above 0, such as {default:g}.")
    return number


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip().lower().lstrip(".") for name in value.split(",") if name.strip())
