"""The server over HTTP: for this machine alone, unless a token is asked of every request."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_server.settings import Binding


@dataclass(frozen=True)
class TokenGate:
    """Lets only requests in that carry the token.

    Attributes
    ----------
    app
        What is behind the gate.
    token
        What follows "Bearer" in the header Authorization.
    """

    app: ASGIApp
    token: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 to a request without the token."""
        if scope["type"] == "http" and not self._opens(Headers(scope=scope).get("authorization", "")):
            refusal = PlainTextResponse("a token is needed", 401, headers={"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _opens(self, authorization: str) -> bool:
        return hmac.compare_digest(authorization.encode(), f"Bearer {self.token}".encode())


def web_app(server: MCPServer[None], binding: Binding) -> ASGIApp:
    """Make the application: hosts and origins are checked whatever address it is bound to."""
    # The SDK would check them for loopback addresses only.
    hosts = _hosts(binding)
    security = TransportSecuritySettings(
        allowed_hosts=[*hosts, *(f"{host}:{binding.port}" for host in hosts)],
        allowed_origins=[f"{scheme}://{host}:{binding.port}" for host in hosts for scheme in ("http", "https")],
    )
    app = server.streamable_http_app(host=binding.host, transport_security=security)
    return app if binding.token is None else TokenGate(app, binding.token)


def serve_web(server: MCPServer[None], binding: Binding) -> None:
    """Serve until interrupted."""
    import uvicorn

    uvicorn.run(web_app(server, binding), host=binding.host, port=binding.port, log_level="warning")


def _hosts(binding: Binding) -> tuple[str, ...]:
    names = ("localhost", "127.0.0.1", "[::1]", _in_address(binding.host), *binding.names)
    return tuple(dict.fromkeys(names))


def _in_address(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host
