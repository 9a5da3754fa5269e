"""The server over HTTP: who gets in."""

import httpx2
import pytest

from mcp_server.server import create_server
from mcp_server.settings import Binding, PlaceError, Settings, binding_from
from mcp_server.web import web_app

LOCAL = Binding("127.0.0.1", 8000)
TOKEN = "a token of some length"
OPEN = Binding("0.0.0.0", 8000, TOKEN, ("lab.example",))
DISCOVER = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


async def _status(binding: Binding, **headers: str) -> int:
    app = web_app(create_server(Settings((), ())), binding)
    lifespan = getattr(app, "app", app).router.lifespan_context
    async with lifespan(app), httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as client:
        accepted = {"accept": "application/json, text/event-stream"}
        answer = await client.post("http://127.0.0.1:8000/mcp", json=DISCOVER, headers=accepted | headers)
        return answer.status_code


REFUSED = {421: {"host": "evil.example"}, 403: {"origin": "http://evil.example"}}


@pytest.mark.anyio
@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("binding", [LOCAL, OPEN])
async def test_other_hosts_and_origins_are_refused_wherever_it_listens(status: int, binding: Binding) -> None:
    assert await _status(binding, authorization=f"Bearer {TOKEN}", **REFUSED[status]) == status


@pytest.mark.anyio
@pytest.mark.parametrize("origin", ["null", "http://127.0.0.1:8001"])
async def test_an_origin_is_a_scheme_a_host_and_a_port(origin: str) -> None:
    assert await _status(LOCAL, origin=origin) == 403


@pytest.mark.anyio
async def test_a_token_is_asked_of_every_request() -> None:
    assert await _status(OPEN) == 401
    assert await _status(OPEN, authorization="Bearer wrong") == 401
    for host in ("127.0.0.1:8000", "lab.example"):
        assert await _status(OPEN, authorization=f"Bearer {TOKEN}", host=host) not in (401, 403, 421)


@pytest.mark.parametrize("address", ["8000", "127.0.0.1:8000", "[::1]:8000", "localhost:8000"])
def test_loopback_needs_no_token(address: str) -> None:
    assert binding_from(address, {}).token is None


@pytest.mark.parametrize(
    ("address", "environment", "words"),
    [
        ("0.0.0.0:8000", {}, "set EDVIZ_HTTP_TOKEN"),
        ("lab.example:80", {}, "set EDVIZ_HTTP_TOKEN"),
        ("8000", {"EDVIZ_HTTP_TOKEN": "short"}, "at least 16"),
        ("here", {}, "is not HOST:PORT"),
        ("8000000", {}, "is not HOST:PORT"),
    ],
)
def test_a_wrong_binding_says_what_would_be_right(address: str, environment: dict, words: str) -> None:
    with pytest.raises(PlaceError, match=words):
        binding_from(address, environment)
