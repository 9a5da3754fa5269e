"""Answers of a server: reading them, and saying in one sentence what is wrong with one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead

from edviz.remote.connection import Connection
from edviz.remote.errors import PassingError, RemoteError, StatusError
from edviz.remote.locations import Location

REFUSED = (401, 403)
MISSING = (404, 410)
WRONG_RANGE = 416
TOO_MANY = 429
OVERLOADED = 503
PASSING = (408, 425, TOO_MANY, 500, 502, OVERLOADED, 504)
FORBIDDEN = 403
REFUSE_WHEN_OVERLOADED = ("ftp.ncbi.nlm.nih.gov",)
"""Hosts of public files that answer 403 when they have too much to do, and 200 a little later."""
PLAIN = ("", "identity")
GZIP = ("gzip", "x-gzip")


@dataclass(frozen=True)
class Answer:
    """An answer of a server whose body is still to be read.

    Attributes
    ----------
    location
        Where it came from, after redirects.
    response
        Status, headers and body.
    connection
        What it comes through.
    """

    location: Location
    response: HTTPResponse
    connection: Connection

    @property
    def status(self) -> int:
        """The number of the status."""
        return self.response.status

    def header(self, name: str) -> str | None:
        """Return a header, or None if it is absent."""
        return self.response.headers.get(name)

    @property
    def length(self) -> int | None:
        """Bytes of the body, if the server says so beforehand."""
        return self.response.length

    def readinto(self, buffer: memoryview) -> int:
        """Read the next bytes of the body into a buffer; 0 is its end.

        Raises
        ------
        RemoteError
            If they do not come.
        """
        try:
            return self.response.readinto(buffer)
        except (OSError, HTTPException) as error:
            raise told(self.location, error) from error


def told(location: Location, error: OSError | HTTPException) -> RemoteError:
    """Put an error of the network into one sentence; only that of a broken connection may pass."""
    if isinstance(error, TimeoutError):
        return RemoteError(f"{location.shown} is not sent: the server is silent or too slow; try again later.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return RemoteError(
            f"{location.shown} is on a server whose certificate is not valid for it ({error.verify_message}); "
            "check the address."
        )
    if isinstance(error, ConnectionRefusedError):
        return RemoteError(f"{location.shown} is on a server that takes no connections; check the address.")
    if isinstance(error, (ConnectionError, IncompleteRead, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return PassingError(f"{location.shown} is not sent: the connection broke several times; try again later.")
    if isinstance(error, ssl.SSLError):
        return RemoteError(f"{location.shown} is on a server that cannot be reached safely (TLS); check the address.")
    if isinstance(error, HTTPException):
        return RemoteError(f"{location.shown} is on a server that does not speak HTTP; check the address.")
    return RemoteError(
        f"{location.shown} cannot be reached ({error.strerror or type(error).__name__}); check the network."
    )


def check_status(answer: Answer, *, wanted: tuple[int, ...]) -> None:
    """Check that an answer has a status that is wanted.

    Raises
    ------
    PassingError
        If the server may answer better a little later.
    StatusError
        If it says no.
    """
    status, shown = answer.status, answer.location.shown
    if status in wanted:
        return
    refused_for_now = status == FORBIDDEN and answer.location.origin.host in REFUSE_WHEN_OVERLOADED
    if status in PASSING or refused_for_now:
        raise PassingError(f"{shown} {_complaint_on_passing(status)}.", wait_s=asked_wait(answer.header("Retry-After")))
    raise StatusError(f"{shown} {_complaint_on(status)}.", status=status)


def check_encoding(answer: Answer, *, wanted: tuple[str, ...] = PLAIN) -> None:
    """Check that a body is the file, and not the file compressed on the way.

    Raises
    ------
    RemoteError
        If it is.
    """
    if (answer.header("Content-Encoding") or "").strip().lower() not in wanted:
        raise RemoteError(
            f"{answer.location.shown} is compressed by the server although that was not asked for (Content-Encoding), "
            "so no part of it can be read; download the file and give the path of the copy."
        )


def _complaint_on_passing(status: int) -> str:
    if status == TOO_MANY:
        return "is not sent: the server gets too many requests (HTTP 429); try again later"
    if status == FORBIDDEN:
        return "is not sent: the server refuses it (HTTP 403), as it does when it is overloaded; try again later"
    return f"is not sent: the server has a fault or is overloaded (HTTP {status}); try again later"


def _complaint_on(status: int) -> str:
    if status in REFUSED:
        return (
            f"may not be read: the server refuses it (HTTP {status}); "
            "give an address that is public, or a signed one that has not expired"
        )
    if status in MISSING:
        return f"is not on the server (HTTP {status}); check the address"
    if status == WRONG_RANGE:
        return "is not sent: the server finds no such part of it (HTTP 416); download it and give the path of the copy"
    return f"is not sent: the server answers with HTTP {status}; check the address"


def asked_wait(retry_after: str | None) -> float | None:
    """Return for how many seconds a server asks to wait: its header holds a number of them, or a date."""
    value = (retry_after or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
