"""A server on this machine that sends parts of files, well or badly, and remembers what it was asked."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ETAG = '"first"'
LAST_MODIFIED = "Wed, 01 Jan 2025 00:00:00 GMT"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Message
    connection: int
    method: str = "GET"

    @property
    def range(self) -> str | None:
        return self.headers.get("Range")


@dataclass
class Reply:
    """An answer before it is sent; a fault changes it.

    Attributes
    ----------
    send
        How many bytes of the body are sent, if not all.
    hang_s
        Seconds of silence before the body is sent, or where it is cut.
    drip_s
        Seconds between the bytes of a body that is sent byte by byte.
    is_cut
        Whether the connection ends after what is sent.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    send: int | None = None
    hang_s: float = 0
    drip_s: float = 0
    is_cut: bool = False


Fault = Callable[[Asked, Reply], Reply | None]
"""Changes a reply, or returns another one in its place."""


class RangeServer:
    """A server of one file, for all paths.

    Attributes
    ----------
    body
        The file.
    etag, last_modified
        What tells its version; None is not sent.
    delay_s
        Seconds before each answer.
    fault
        Applied to every reply.
    faults
        Applied to one reply each, in order, before `fault`; None is no fault.
    asked
        The requests so far.
    """

    def __init__(self, body: bytes = b"", *, tls: ssl.SSLContext | None = None) -> None:
        self.body = body
        self.etag: str | None = ETAG
        self.last_modified: str | None = LAST_MODIFIED
        self.delay_s = 0.0
        self.fault: Fault | None = None
        self.faults: deque[Fault | None] = deque()
        self.asked: list[Asked] = []
        self.sent_bytes = 0
        self.connections = 0
        self.is_closing = threading.Event()
        self.lock = threading.Lock()
        self._scheme = "http" if tls is None else "https"
        self._server = _Server(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> RangeServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, name: str = "my.h5ad", *, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}/{name}"

    def ranges(self) -> list[str | None]:
        return [one.range for one in self.asked]

    def reply_to(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
            fault = self.faults.popleft() if self.faults else self.fault
        reply = self.plain_reply(asked)
        return (fault(asked, reply) or reply) if fault is not None else reply

    def plain_reply(self, asked: Asked) -> Reply:
        """Answer as long as nothing goes wrong; a server of several files looks at the path."""
        return self.reply_with(self.body, asked)

    def reply_with(self, body: bytes, asked: Asked) -> Reply:
        """Answer with a file, or with the part of it that is asked for."""
        named = {"ETag": self.etag, "Last-Modified": self.last_modified}
        headers = {name: value for name, value in named.items() if value is not None}
        condition = asked.headers.get("If-Range")
        if asked.range is None or (condition is not None and condition not in headers.values()):
            return Reply(200, body, headers)
        first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.range).groups()
        first, last = int(first), int(last or len(body))
        if first >= len(body):
            return Reply(416, b"", {"Content-Range": f"bytes */{len(body)}"})
        part = body[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(body)}"
        return Reply(206, part, headers)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True

    def __init__(self, owner: RangeServer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        # What waits in a large buffer here would count as sent, though it never travels.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        self.owner = owner
        self.tls = tls

    def process_request_thread(self, request, client_address):
        # In the thread of the connection, so that a slow handshake holds up no other.
        if self.tls is not None:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except OSError:
                request.close()
                return
        super().process_request_thread(request, client_address)

    def handle_error(self, request, client_address):
        """Say nothing: clients that hang up are what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self):
        super().setup()
        owner = self.server.owner
        with owner.lock:
            owner.connections += 1
            self.number = owner.connections

    def do_HEAD(self):
        owner = self.server.owner
        reply = owner.reply_to(Asked(self.path, self.headers, self.number, "HEAD"))
        self.send_response_only(reply.status)
        for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self):
        owner = self.server.owner
        reply = owner.reply_to(Asked(self.path, self.headers, self.number))
        self._wait(owner.delay_s)
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        is_chunked = reply.headers.get("Transfer-Encoding") == "chunked"
        if "Content-Length" not in reply.headers and not is_chunked:
            self.send_header("Content-Length", str(len(reply.body)))
        body = reply.body[: reply.send] if reply.send is not None else reply.body
        if reply.hang_s and reply.send is None:
            self.wfile.flush()
            self._wait(reply.hang_s)
        self._send_body(_chunked(body) if is_chunked else body, reply.drip_s)
        if reply.hang_s and reply.send is not None:
            self._wait(reply.hang_s)
        if reply.is_cut:
            self.close_connection = True

    def _send_body(self, body: bytes, drip_s: float) -> None:
        head = b"".join([*self._headers_buffer, b"\r\n"])
        self._headers_buffer = []
        # Small steps, so that what was sent is known even when the client hangs up.
        step = 1 if drip_s else 64 * 1024
        self.wfile.write(head + body[:step] if not drip_s else head)
        self._count(min(step, len(body)) if not drip_s else 0)
        for start in range(0 if drip_s else step, len(body), step):
            self._wait(drip_s)
            self.wfile.write(body[start : start + step])
            self._count(min(step, len(body) - start))

    def _count(self, number: int) -> None:
        with self.server.owner.lock:
            self.server.owner.sent_bytes += number

    def _wait(self, seconds: float) -> None:
        if seconds:
            self.server.owner.is_closing.wait(seconds)

    def log_message(self, format, *args):
        """Say nothing."""


class Tunnel:
    """A proxy that lets CONNECT through to one server, whatever host was asked for."""

    def __init__(self, port: int, *, status: str = "200 Connection established") -> None:
        self._port = port
        self._status = status
        self.heads: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Tunnel:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        with client:
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            self.heads.append(head.decode())
            client.sendall(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
            if self._status.startswith("200"):
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            back = threading.Thread(target=_pipe, args=(server, client), daemon=True)
            back.start()
            _pipe(client, server)
            back.join()


def wait_until(is_so: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait until something that another thread does is done."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    return is_so()


def _pipe(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def _chunked(body: bytes) -> bytes:
    half = max(1, len(body) // 2)
    pieces = [piece for piece in (body[:half], body[half:]) if piece]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
