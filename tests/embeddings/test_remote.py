"""The contract of the server that embeds, against a stand-in on loopback and against the real application."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from wsgiref.simple_server import WSGIRequestHandler, make_server

import numpy as np
import pytest

from mcp_server.embeddings.backends import choose_backend
from mcp_server.embeddings.errors import EmbeddingError
from mcp_server.embeddings.remote import TOKEN, URL, gpu_tsne
from mcp_server.embeddings.reporting import silent
from mcp_server.embeddings.serving import application
from mcp_server.embeddings.tsne import TsneSettings
from tests.embeddings.files import blobs, needs_tsne

SECRET = "a-token-of-the-test"


class StandIn(BaseHTTPRequestHandler):
    """Answers with the first two columns, and keeps what it was sent."""

    seen: ClassVar[dict] = {}
    status = 200
    answer: Callable[[np.ndarray], bytes] | None = None

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        points = np.load(io.BytesIO(body), allow_pickle=False)
        StandIn.seen = {"headers": dict(self.headers), "points": points, "path": self.path}
        packed = io.BytesIO()
        np.save(packed, points[:, :2])
        answer = packed.getvalue() if StandIn.answer is None else StandIn.answer(points)
        self.send_response(StandIn.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def _serving(server: HTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsne"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[StandIn]]:
    with _serving(HTTPServer(("127.0.0.1", 0), StandIn)) as url:
        monkeypatch.setenv(URL, url)
        monkeypatch.setenv(TOKEN, SECRET)
        monkeypatch.setattr(StandIn, "status", 200)
        monkeypatch.setattr(StandIn, "answer", None)
        yield StandIn


def test_points_and_settings_are_sent_and_the_answer_comes_back(stand_in: type[StandIn]) -> None:
    points = blobs(40, 2)[0]
    found = gpu_tsne(points, TsneSettings(seed=3), silent)
    assert np.array_equal(found, points[:, :2])
    assert found.dtype == np.float32
    assert np.array_equal(stand_in.seen["points"], points)
    assert stand_in.seen["path"] == "/tsne"
    headers = stand_in.seen["headers"]
    assert json.loads(headers["X-Tsne-Settings"]) == {"perplexity": 13.0, "seed": 3}
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["Content-Type"] == "application/x-npy"


def _npy(array: np.ndarray, **options: bool) -> bytes:
    packed = io.BytesIO()
    np.save(packed, array, **options)
    return packed.getvalue()


WRONG = {
    "a row too few": (200, lambda points: _npy(points[1:, :2]), "no place for each of the 40 cells"),
    "a missing number": (200, lambda points: _npy(points[:, :2] * np.nan), "no place for each"),
    "a pickle": (200, lambda points: _npy(np.array([[{}]]), allow_pickle=True), "no .npy file"),
    "text": (200, lambda points: b"hello", "no .npy file"),
    "far too much": (200, lambda points: b"\0" * 1_000_000, "which is no embedding"),
    "an error": (503, lambda points: b"busy \x1b[31m", "answered 503: busy"),
    "another place": (302, lambda points: b"", "answered 302"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_answer_is_an_error(case: str, stand_in: type[StandIn], monkeypatch: pytest.MonkeyPatch) -> None:
    status, answer, words = WRONG[case]
    monkeypatch.setattr(StandIn, "status", status)
    monkeypatch.setattr(StandIn, "answer", staticmethod(answer))
    with pytest.raises(EmbeddingError, match=words) as caught:
        gpu_tsne(blobs(40, 2)[0], TsneSettings(), silent)
    assert "\x1b" not in str(caught.value)


def test_data_are_sent_only_where_nobody_else_can_read_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL, raising=False)
    with pytest.raises(EmbeddingError, match="needs the address of a server"):
        gpu_tsne(blobs(40, 2)[0], TsneSettings(), silent)
    monkeypatch.setenv(URL, "http://example.org/tsne")
    with pytest.raises(EmbeddingError, match="https://"):
        gpu_tsne(blobs(40, 2)[0], TsneSettings(), silent)


def test_a_server_is_never_chosen_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "https://example.org/tsne")
    assert choose_backend("auto") != "remote"


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@needs_tsne
def test_the_application_keeps_the_contract_and_asks_for_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    points = blobs(60, 2)[0]
    with _serving(make_server("127.0.0.1", 0, application("opentsne"), handler_class=_Quiet)) as url:
        monkeypatch.setenv(URL, url)
        found = gpu_tsne(points, TsneSettings(), silent)
        assert found.shape == (60, 2)
        monkeypatch.setenv(TOKEN, "another-token-of-16")
        with pytest.raises(EmbeddingError, match="answered 401"):
            gpu_tsne(points, TsneSettings(), silent)


def test_an_application_without_a_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    with pytest.raises(EmbeddingError, match="at least 16 characters"):
        application()
