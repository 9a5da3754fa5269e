"""What a download may do and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edviz.h5ad.strings import harmless
from mcp_server.geo.download.errors import TransferError

GEO_FILES = "https://ftp.ncbi.nlm.nih.gov"


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
    user_agent: str = "anndata-design-inspector"
    most_transfers: int = 2
    stall_s: float = 60.0
    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    kept_free: int = 256 << 20


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
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")
