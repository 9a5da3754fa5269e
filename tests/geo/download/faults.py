"""What goes wrong on the way: each changes one answer of the server."""

from collections import deque

from tests.remote.server import Fault, Reply

PAGE = b"<!DOCTYPE html><html><title>Checking your browser</title></html>"


def status(number: int, **headers: str) -> Fault:
    return lambda asked, reply: Reply(number, b"no", {name.replace("_", "-"): text for name, text in headers.items()})


def cut(n_bytes: int) -> Fault:
    """Break the connection after so many bytes."""

    def fault(asked, reply):
        reply.send, reply.is_cut = n_bytes, True
        return

    return fault


def stall(n_bytes: int) -> Fault:
    """Fall silent after so many bytes, and keep the connection."""

    def fault(asked, reply):
        reply.send, reply.hang_s, reply.is_cut = n_bytes, 20, True
        return

    return fault


def page(asked, reply):
    return Reply(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})


def page_without_a_type(asked, reply):
    return Reply(200, PAGE + b" " * (len(reply.body) - len(PAGE)))


def of_length(n_bytes: int) -> Fault:
    """Announce and send a file of another length."""
    return lambda asked, reply: Reply(200, bytes(n_bytes), dict(reply.headers))


def endless(asked, reply):
    """Send more than the file has, and do not say how much."""
    return Reply(200, reply.body + b"more", {"Transfer-Encoding": "chunked"})


def encoded(asked, reply):
    reply.headers["Content-Encoding"] = "br"


def to(url: str) -> Fault:
    return lambda asked, reply: Reply(302, b"", {"Location": url})


def whole(server) -> Fault:
    """Answer with all of the file, whatever was asked for."""
    return lambda asked, reply: Reply(200, server.body, {"ETag": server.etag})


def other_range(text: str) -> Fault:
    """Say that the part is another one."""

    def fault(asked, reply):
        reply.headers["Content-Range"] = text

    return fault


def of_file(name: str, *faults: Fault) -> Fault:
    """Let these happen to the first requests for the content of a file, and nothing to all others."""
    left = deque(faults)

    def fault(asked, reply):
        is_meant = asked.method == "GET" and asked.path.endswith(name) and left
        return left.popleft()(asked, reply) if is_meant else None

    return fault
