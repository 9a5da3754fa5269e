"""What a download may do and how long it waits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from edviz import __version__
from edviz.h5ad.strings import harmless
from mcp_server.geo.download.errors import DownloadError, TransferError
from mcp_server.jobs.settings import state_folder

FILES = "EDVIZ_GEO_FILES"
STATE = "EDVIZ_GEO_STATE"
STALL = "EDVIZ_GEO_STALL_SECONDS"
GEO_FILES = "https://ftp.ncbi.nlm.nih.gov"
MOST_SECONDS = 24 * 3600
USER_AGENT = f"anndata-design-inspector/{__version__}"


@dataclass(frozen=True)
class DownloadSettings:
    """Limits of downloads.

    Attributes
    ----------
    turns
        Folder of the locks by which all processes of a user take turns.
    origins
        Scheme and host that files may come from; redirects to any other are refused.
    user_agent
        What the server is told of this program.
    most_transfers
        How many files are transferred at once, by all processes of the user.
    stall_s
        Seconds without a byte after which the connection is given up and the download gone on with.
    attempts
        Attempts in a row that bring nothing, before the download is given up.
    first_wait_s, longest_wait_s
        Seconds between them, growing.
    kept_free
        Bytes of the disk that are left to others.
    """

    turns: Path
    origins: tuple[str, ...] = (GEO_FILES,)
    user_agent: str = USER_AGENT
    most_transfers: int = 2
    stall_s: float = 60.0
    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    kept_free: int = 256 << 20


def download_settings(environment: Mapping[str, str] = os.environ) -> DownloadSettings:
    """Read the settings: files come from GEO, or from the server that `$EDVIZ_GEO_FILES` names.

    Raises
    ------
    DownloadError
        If a variable names no server with https, or one of this machine with http, or is no number of seconds.
    """
    named = environment.get(FILES) or GEO_FILES
    origin = origin_of(named)
    if not origin or (origin.startswith("http://") and not _is_loopback(origin)):
        raise DownloadError(f"{FILES} is {harmless(named)!r}; give the address of a server with https://")
    state = environment.get(STATE)
    folder = Path(state).expanduser().absolute() if state else state_folder(environment) / "geo"
    return DownloadSettings(turns=folder, origins=(origin,), stall_s=_seconds(environment.get(STALL) or "60"))


def check_origin(url: str, settings: DownloadSettings) -> None:
    """Refuse an address of another server than those that files may come from.

    Raises
    ------
    TransferError
        If it is one.
    """
    if origin_of(url) not in settings.origins:
        raise TransferError(
            f"{harmless(url, longest=300)} is not on {' or '.join(settings.origins)}, from where files are fetched; "
            "nothing was asked of that server"
        )


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, or nothing if it has none or a user stands in it.

    Examples
    --------
    >>> origin_of("https://Host.org:443/a?b"), origin_of("http://127.0.0.1:8000/a"), origin_of("https://user@host.org/")
    ('https://host.org', 'http://127.0.0.1:8000', '')
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    # Programs differ in what they read as the host where there is a user or a backslash.
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or "\\" in url:
        return ""
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < MOST_SECONDS:
        raise DownloadError(f"{STALL} is {harmless(text)!r}; give a number of seconds, such as 60")
    return seconds


def _is_loopback(origin: str) -> bool:
    host = urlsplit(origin).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
