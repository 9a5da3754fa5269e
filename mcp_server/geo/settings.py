"""Where GEO is asked, by whom, how often, and where what it answered is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from edviz import __version__
from edviz.h5ad.strings import harmless
from mcp_server.geo.download.settings import FILES, GEO_FILES, origin_of
from mcp_server.geo.errors import GeoError
from mcp_server.jobs.settings import state_folder

EUTILS = "EDVIZ_GEO_EUTILS"
STATE = "EDVIZ_GEO_STATE"
API_KEY = "NCBI_API_KEY"
EMAIL = "NCBI_EMAIL"

GEO_EUTILS = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
TOOL = "anndata-design-inspector"
"""NCBI asks every program for its name, without spaces."""
GAP_S, GAP_WITH_KEY_S = 0.34, 0.11
"""Three requests a second may be made, and ten with a key."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class GeoSettings:
    """How GEO is asked.

    Attributes
    ----------
    folder
        Where the catalogue and the turns of all processes of the user are kept.
    eutils
        Address of the E-utilities, with a slash at its end.
    files
        Scheme and host of the server with the files.
    api_key
        Key of an account at NCBI, by which more requests may be made; it is sent to the E-utilities alone.
    email
        Where NCBI can reach who asks.
    user_agent
        What the servers are told of this program.
    gap_s, files_gap_s
        Seconds between two requests to either server, of all processes together.
    timeout_s
        Seconds that a server may be silent.
    longest_answer_s
        Seconds after which an answer that still comes is given up.
    attempts
        Times that a request is sent when failures may pass.
    first_wait_s, longest_wait_s
        Seconds before it is sent again, about, growing; a server that asks for longer is left alone.
    most_answer_bytes
        Bytes of an answer of the E-utilities.
    """

    folder: Path
    eutils: str = GEO_EUTILS
    files: str = GEO_FILES
    api_key: str | None = field(default=None, repr=False)
    email: str | None = None
    user_agent: str = f"{TOOL}/{__version__}"
    gap_s: float = GAP_S
    files_gap_s: float = GAP_WITH_KEY_S
    timeout_s: float = 30.0
    longest_answer_s: float = 120.0
    attempts: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    most_answer_bytes: int = 64 << 20


def geo_settings(environment: Mapping[str, str] = os.environ) -> GeoSettings:
    """Read the settings: NCBI is asked, or the servers that variables name.

    Raises
    ------
    GeoError
        If a variable names no server with https, or one of this machine with http.

    Examples
    --------
    >>> settings = geo_settings({"NCBI_API_KEY": "secret"})
    >>> settings.gap_s, "secret" in repr(settings)
    (0.11, False)
    """
    api_key = environment.get(API_KEY, "").strip() or None
    named = environment.get(STATE)
    return GeoSettings(
        folder=Path(named).expanduser().absolute() if named else state_folder(environment) / "geo",
        eutils=_server(EUTILS, environment.get(EUTILS) or GEO_EUTILS).rstrip("/") + "/",
        files=origin_of(_server(FILES, environment.get(FILES) or GEO_FILES)),
        api_key=api_key,
        email=environment.get(EMAIL, "").strip() or None,
        gap_s=GAP_WITH_KEY_S if api_key else GAP_S,
    )


def _server(variable: str, address: str) -> str:
    """Return an address to which a key and questions may be sent."""
    origin = origin_of(address)
    is_here = urlsplit(origin).hostname in LOOPBACK
    if not origin or "?" in address or "#" in address or (origin.startswith("http://") and not is_here):
        raise GeoError(f"{variable} is {harmless(address)!r}; give the address of a server with https://")
    return address
