"""Parts of a file on a server: asking for one, and making sure that it is the one asked for, of the same file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edviz.remote.answers import WRONG_RANGE, Answer, check_encoding, check_status
from edviz.remote.client import Client
from edviz.remote.errors import NoRangesError, PassingError, RemoteError
from edviz.remote.locations import Location

WHOLE, PART = 200, 206
CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.IGNORECASE)
CONTENT_RANGE_OF_NOTHING = re.compile(r"bytes \*/0+", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """Bytes of a file from `start` up to `stop`."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.stop - self.start


@dataclass(frozen=True)
class Version:
    """What tells whether a file is still the same.

    Attributes
    ----------
    size
        Bytes of the whole file.
    etag
        The name of the version, if the server vouches that equal names mean equal bytes (a strong ETag).
    last_modified
        The time of the last change, as the server writes it.
    """

    size: int
    etag: str | None
    last_modified: str | None

    @property
    def condition(self) -> str | None:
        """The value of If-Range: with it, a server answers with a part of this version only."""
        return self.etag or self.last_modified


@dataclass(frozen=True)
class Part:
    """A part that was read.

    Attributes
    ----------
    span
        Where it lies in the file.
    body
        Its bytes.
    version
        The version of the file that it is a part of.
    location
        Where it came from, after redirects.
    """

    span: Span
    body: bytearray
    version: Version
    location: Location


def read_part(
    client: Client, location: Location, span: Span, *, version: Version | None = None, fresh: bool = False
) -> Part:
    """Ask for a part of a file and read it.

    Parameters
    ----------
    client
        The connections.
    location
        The file.
    span
        The part; one that ends behind the file ends with it.
    version
        The version that other parts were read of, or None for the first part.
    fresh
        Whether to use a new connection.

    Raises
    ------
    NoRangesError
        If the server sends whole files only; nothing but headers is read then.
    RemoteError
        If the part cannot be read, or is one of another version.
    """
    client.meter.check_bytes(span.size)
    answer = client.open(location, _headers(span, version), fresh=fresh)
    try:
        _check_answer(answer, version)
        found = _version_of(answer, _total(answer, span))
        if version is not None:
            _check_same(version, found, answer)
        part = Span(span.start, min(span.stop, found.size))
        return Part(part, _body(answer, part.size), found, answer.location)
    finally:
        client.release(answer)


def _headers(span: Span, version: Version | None) -> dict[str, str]:
    headers = {"Range": f"bytes={span.start}-{span.stop - 1}"}
    if version is not None and version.condition is not None:
        headers["If-Range"] = version.condition
    return headers


def _check_answer(answer: Answer, version: Version | None) -> None:
    if version is None and answer.status == WRONG_RANGE and _is_of_nothing(answer):
        raise RemoteError(f"{answer.location.shown} is empty; check the address.")
    if version is not None and (answer.status == WRONG_RANGE or (answer.status == WHOLE and version.condition)):
        raise _changed(answer)
    check_status(answer, wanted=(PART, WHOLE))
    check_encoding(answer)
    if answer.status == WHOLE:
        raise _without_ranges(answer)


def _is_of_nothing(answer: Answer) -> bool:
    return CONTENT_RANGE_OF_NOTHING.fullmatch((answer.header("Content-Range") or "").strip()) is not None


def _without_ranges(answer: Answer) -> RemoteError:
    size, shown = answer.length, answer.location.shown
    if size == 0:
        return RemoteError(f"{shown} is empty; check the address.")
    if (answer.header("Content-Type") or "").lower().startswith("text/html"):
        return RemoteError(
            f"{shown} is a web page, perhaps a login or error page; give the address of the .h5ad file itself."
        )
    amount = "of unknown size" if size is None else f"of {size:,} bytes"
    return NoRangesError(
        f"{shown} is a file {amount} on a server that does not send parts of files; "
        "download it and give the path of the copy.",
        size=size,
    )


def _changed(answer: Answer) -> RemoteError:
    return RemoteError(f"{answer.location.shown} changed while it was read; start again.")


def _total(answer: Answer, span: Span) -> int:
    shown = answer.location.shown
    match = CONTENT_RANGE.fullmatch((answer.header("Content-Range") or "").strip())
    if match is None:
        raise RemoteError(
            f"{shown} is sent in parts, but the server does not say which (Content-Range); "
            "download it and give the path of the copy."
        )
    first, last, total = map(int, match.groups())
    if (first, last + 1) != (span.start, min(span.stop, total)):
        raise RemoteError(
            f"{shown} is on a server that sends other parts than those asked for (Content-Range); "
            "download it and give the path of the copy."
        )
    return total


def _version_of(answer: Answer, size: int) -> Version:
    etag = (answer.header("ETag") or "").strip()
    is_strong = etag.startswith('"') and _is_header_text(etag)
    last_modified = (answer.header("Last-Modified") or "").strip()
    return Version(
        size, etag if is_strong else None, last_modified if last_modified and _is_header_text(last_modified) else None
    )


def _is_header_text(text: str) -> bool:
    # It is sent back, so it must be nothing but one header.
    return text.isascii() and text.isprintable() and len(text) <= 1_000


def _check_same(before: Version, now: Version, answer: Answer) -> None:
    pairs = (before.etag, now.etag) if before.etag and now.etag else (before.last_modified, now.last_modified)
    if before.size != now.size or (all(pairs) and pairs[0] != pairs[1]):
        raise _changed(answer)


def _body(answer: Answer, size: int) -> bytearray:
    shown = answer.location.shown
    if answer.length not in (None, size):
        raise RemoteError(
            f"{shown} is on a server that sends parts of another length than it says; "
            "download it and give the path of the copy."
        )
    body = bytearray(size)
    view = memoryview(body)
    received = 0
    while received < size:
        number = answer.readinto(view[received:])
        if number == 0:
            raise PassingError(f"{shown} is not sent: parts of it end too early; try again later.")
        received += number
    # An answer without a length has an end of its own, which has to be read before the connection can go on.
    if answer.response.chunked and answer.readinto(memoryview(bytearray(1))):
        raise RemoteError(
            f"{shown} is on a server that sends more than it says; download it and give the path of the copy."
        )
    return body
