"""Serve the files of a folder on the loopback interface, slowly, and count what is asked for and sent.

The port is the first line on standard output. `/counters` tells the counts since it was last asked, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PIECE = 1 << 16


@dataclass
class Counters:
    """What was asked for and sent; `first` and `last` are when the first request came and the last byte went."""

    requests: int = 0
    bytes: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass(frozen=True)
class Service:
    """How the files are served; without ranges every request is answered with the whole file."""

    folder: Path
    delay: float
    ranges: bool
    bytes_per_second: float | None


class Server(ThreadingHTTPServer):
    """A server that counts."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, service: Service) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.service = service
        self.counters = Counters()
        self.lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that has seen enough closes its connection."""


class Handler(BaseHTTPRequestHandler):
    """Answers over persistent connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Send a file or a part of it."""
        self._answer(send_body=True)

    def do_HEAD(self) -> None:
        """Send what a GET would start with."""
        self._answer(send_body=False)

    def log_message(self, *args: object) -> None:
        """Write no line for each request."""

    def _answer(self, *, send_body: bool) -> None:
        if self.path == "/counters":
            self._tell_counters()
            return
        self._count_request()
        service = self.server.service
        time.sleep(service.delay)
        path = service.folder / Path(self.path).name
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        part = self._part(size) if service.ranges else None
        start, stop = part or (0, size)
        if start >= size:
            self.send_error(416)
            return
        self.send_response(206 if part else 200)
        self.send_header("Content-Length", str(stop - start))
        self.send_header("ETag", f'"{size:x}"')
        if part:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        if service.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if send_body:
            self._send(path, start, stop)

    def _part(self, size: int) -> tuple[int, int] | None:
        """Return the start and the end of the one range that is asked for, if it is one."""
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not found or found[0] == "bytes=-":
            return None
        first, last = found.groups()
        if not first:
            return max(0, size - int(last)), size
        return int(first), min(int(last) + 1, size) if last else size

    def _send(self, path: Path, start: int, stop: int) -> None:
        for piece in _pieces(path, start, stop):
            self.wfile.write(piece)
            with self.server.lock:
                self.server.counters.bytes += len(piece)
                self.server.counters.last = time.monotonic()
            if rate := self.server.service.bytes_per_second:
                time.sleep(len(piece) / rate)

    def _count_request(self) -> None:
        with self.server.lock:
            counters = self.server.counters
            counters.requests += 1
            counters.first = counters.first or time.monotonic()

    def _tell_counters(self) -> None:
        with self.server.lock:
            told = json.dumps(asdict(self.server.counters)).encode()
            self.server.counters = Counters()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


def _pieces(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        for place in range(start, stop, PIECE):
            yield os.pread(file.fileno(), min(PIECE, stop - place), place)


def main() -> None:
    """Read the arguments, serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds that every request waits")
    parser.add_argument("--no-ranges", action="store_true", help="send whole files, whatever is asked for")
    parser.add_argument("--bytes-per-second", type=float, help="how fast each connection sends")
    args = parser.parse_args()
    server = Server(Service(args.folder, args.delay, not args.no_ranges, args.bytes_per_second))
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
