"""The other side of remote.py: an application that embeds what it is sent, for any WSGI server.

On Modal, in a file that `modal deploy` is given::

    import modal
    from mcp_server.embeddings.serving import application

    image = modal.Image.debian_slim(python_version="3.12").pip_install("cuml-cu12", "h5py", "numpy", "lark")
    app = modal.App("tsne", image=image.add_local_python_source("edviz", "mcp_server"))

    @app.function(gpu="L4", timeout=900, secrets=[modal.Secret.from_name("tsne-token")])
    @modal.wsgi_app()
    def serve():
        return application("cuml")
"""

from __future__ import annotations

import hmac
import io
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from edviz.errors import EdvizError
from mcp_server.embeddings.backends import tsne_of
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.remote import CONTENT_TYPE, SETTINGS_HEADER, TOKEN
from mcp_server.embeddings.reporting import silent
from mcp_server.embeddings.requests import Backend
from mcp_server.embeddings.tsne import TsneSettings

MOST_BYTES = 1 << 30
SHORTEST_TOKEN = 16

Start = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]


def application(backend: Backend = "cuml") -> Application:
    """Return an application that embeds with a backend for who knows the token of `$EDVIZ_TSNE_TOKEN`.

    Raises
    ------
    EmbeddingError
        If there is no token, or a short one.
    """
    token = os.environ.get(TOKEN, "")
    if len(token) < SHORTEST_TOKEN:
        raise EmbeddingError(f"set {TOKEN} to at least {SHORTEST_TOKEN} characters that the clients know, too")

    def serve(environment: dict[str, Any], start: Start) -> Iterable[bytes]:
        status, kind, body = _answer(environment, backend, token)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return serve


def _answer(environment: dict[str, Any], backend: Backend, token: str) -> tuple[str, str, bytes]:
    said = environment.get("HTTP_AUTHORIZATION", "")
    if not hmac.compare_digest(said.encode(), f"Bearer {token}".encode()):
        return "401 Unauthorized", "text/plain", b"the token is not the one of this server"
    try:
        points, settings = _asked(environment)
        found = tsne_of(backend)(points, settings, silent)
    except (EdvizError, ValueError, KeyError, TypeError) as error:
        return "400 Bad Request", "text/plain", str(error).encode()
    packed = io.BytesIO()
    np.save(packed, found.astype(np.float32), allow_pickle=False)
    return "200 OK", CONTENT_TYPE, packed.getvalue()


def _asked(environment: dict[str, Any]) -> tuple[Any, TsneSettings]:
    size = int(environment.get("CONTENT_LENGTH") or 0)
    if not 0 < size <= MOST_BYTES:
        raise EmbeddingError(f"the body is to have from 1 to {MOST_BYTES:,} bytes")
    points = np.load(io.BytesIO(environment["wsgi.input"].read(size)), allow_pickle=False)
    if points.ndim != 2 or points.dtype.kind != "f" or not np.isfinite(points).all():
        raise EmbeddingError("the body is to be a .npy file of numbers, a row a cell")
    name = "HTTP_" + SETTINGS_HEADER.upper().replace("-", "_")
    said = json.loads(environment.get(name) or "{}")
    settings = TsneSettings(perplexity=float(said.get("perplexity", 30)), seed=int(said.get("seed", 0)))
    return points.astype(np.float32), settings
