"""t-SNE by a server that the user names, such as a function on a rented GPU (serving.py); it is sent the coordinates.

The contract is one POST: the body is a .npy file of float32, a row a cell; the header `X-Tsne-Settings` holds
perplexity and seed as JSON; the answer is a .npy file with as many rows and two columns, or an error with a status.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import SplitResult, urlsplit

import numpy as np

from edviz.h5ad.strings import harmless
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.reading import Coordinates
from mcp_server.embeddings.reporting import Tell
from mcp_server.embeddings.tsne import TsneSettings, require_enough

URL, TOKEN = "EDVIZ_TSNE_URL", "EDVIZ_TSNE_TOKEN"
SETTINGS_HEADER = "X-Tsne-Settings"
CONTENT_TYPE = "application/x-npy"
SECONDS = 900
LONGEST_COMPLAINT = 300
HEADER_BYTES = 4096
OK = 200


def gpu_tsne(points: Coordinates, settings: TsneSettings, tell: Tell) -> Coordinates:
    """Send points to the server of `$EDVIZ_TSNE_URL`, with the token of `$EDVIZ_TSNE_TOKEN`, and return its answer.

    Raises
    ------
    EmbeddingError
        If none is named, it cannot be reached, or its answer is not a place for each cell.
    """
    require_enough(len(points))
    sent = {"perplexity": settings.perplexity_of(len(points)), "seed": asdict(settings)["seed"]}
    headers = {"Content-Type": CONTENT_TYPE, SETTINGS_HEADER: json.dumps(sent)}
    token = os.environ.get(TOKEN)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    answer = _post(_server(), _packed(points), headers, most_bytes=len(points) * 2 * 8 + HEADER_BYTES)
    tell(1.0)
    return _unpacked(answer, len(points))


def _server() -> SplitResult:
    named = os.environ.get(URL, "")
    if not named:
        raise EmbeddingError(f"the backend remote needs the address of a server in {URL}; it is sent the coordinates")
    server = urlsplit(named)
    if server.scheme == "https" or (server.scheme == "http" and _is_loopback(server.hostname or "")):
        return server
    raise EmbeddingError(f"{URL} is to begin with https://, or others could read what is sent")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _post(server: SplitResult, body: bytes, headers: Mapping[str, str], *, most_bytes: int) -> bytes:
    """Send a request and read the answer; redirections are not followed, as they would take the data elsewhere."""
    kind = http.client.HTTPSConnection if server.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(server.hostname or "", server.port, timeout=SECONDS)
        try:
            path = (server.path or "/") + (f"?{server.query}" if server.query else "")
            connection.request("POST", path, body, dict(headers))
            response = connection.getresponse()
            answer = response.read(most_bytes + 1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EmbeddingError(f"the server of {URL} cannot be used: {harmless(str(error))}") from error
    if response.status != OK:
        said = harmless(answer, longest=LONGEST_COMPLAINT)
        raise EmbeddingError(f"the server of {URL} answered {response.status}: {said}")
    if len(answer) > most_bytes:
        raise EmbeddingError(f"the server of {URL} answered more than {most_bytes:,} bytes, which is no embedding")
    return answer


def _packed(points: Coordinates) -> bytes:
    packed = io.BytesIO()
    np.save(packed, np.ascontiguousarray(points, dtype=np.float32), allow_pickle=False)
    return packed.getvalue()


def _unpacked(answer: bytes, n: int) -> Coordinates:
    try:
        found: Any = np.load(io.BytesIO(answer), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise EmbeddingError(f"the server of {URL} answered something that is no .npy file") from error
    if found.shape != (n, 2) or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise EmbeddingError(f"the server of {URL} answered no place for each of the {n:,} cells")
    return np.asarray(found, dtype=np.float32)
