"""What the answer of a server to the request for a file, or for the rest of one, means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from edviz.h5ad.strings import harmless
from edviz.remote.answers import asked_wait
from mcp_server.geo.download.errors import PassingError, TransferError
from mcp_server.geo.download.record import DownloadRecord, Source
from mcp_server.geo.download.sizes import shown_size

if TYPE_CHECKING:
    from httpx import Headers, Response

Meaning = Literal["rest", "whole", "complete", "anew"]
"""The bytes that are missing, all bytes, no more bytes, or nothing that can be used: ask for all."""

OK, PARTIAL, NOT_SATISFIABLE = 200, 206, 416
BUSY = (403, 408, 425, 429)
"""Statuses that may pass; NCBI also answers 403 when it has too much to do."""
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
PLAIN_CODINGS = ("", "identity")
GZIP_CODINGS = ("gzip", "x-gzip")
PAGES = (".html", ".htm", ".xml", ".xhtml")
PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml", b"<head")
LONGEST_WAIT_S = 600.0
"""A server that asks for more is left alone."""
MEANINGS = {
    401: "it asks for a password",
    403: "it refuses, for now or for good: NCBI also does so when it is overloaded",
    404: "it is not there: not public, withdrawn, or renamed",
    410: "it was withdrawn",
    429: "it has been asked too often",
}


def meaning_of(answer: Response, *, start: int, record: DownloadRecord, source: Source) -> Meaning:
    """Say what to do with an answer.

    Parameters
    ----------
    answer
        Its headers; the body is not looked at.
    start
        Bytes that are there already, and were not asked for.
    record
        The version of the file that they are from.

    Raises
    ------
    PassingError
        If the server cannot answer now.
    TransferError
        If it will not give the file, or gives something else.
    """
    status = answer.status_code
    if status == NOT_SATISFIABLE and start:
        return "complete" if start == source.size else "anew"
    if status in (OK, PARTIAL):
        _refuse_pages(answer.headers, source.name)
        _refuse_coding(answer.headers, source)
    if status == OK:
        _check_length(answer.headers, source)
        return "whole"
    if status == PARTIAL and start:
        return "rest" if _goes_on(answer.headers, start, record, source) else "anew"
    raise refusal(status, answer.headers, source.name)


def validators_of(headers: Headers) -> tuple[str | None, str | None]:
    """Return Last-Modified and the strong ETag of an answer, by which this version of the file is known again."""
    etag = _text(headers, "ETag")
    return _text(headers, "Last-Modified"), None if etag and etag.startswith("W/") else etag


def is_page(start: bytes, name: str) -> bool:
    """Say whether bytes are the start of a web page that stands in for a file.

    Examples
    --------
    >>> is_page(b"<!DOCTYPE html><title>Busy", "cells.h5ad"), is_page(b"<html>", "report.html")
    (True, False)
    """
    return not name.lower().endswith(PAGES) and start.lstrip().lower().startswith(PAGE_STARTS)


def page_refusal(name: str) -> TransferError:
    """Return what to say of a web page in the place of a file."""
    return TransferError(
        f"the server sends a web page instead of {name}, as it does when it is overloaded or wants to see a "
        "person; nothing of it is kept, so try again later"
    )


def refusal(status: int, headers: Headers, name: str) -> TransferError:
    """Return what to say of an answer whose status says no."""
    told = MEANINGS.get(status, "it cannot answer now" if status >= 500 else "it answers in a way that is of no use")
    message = f"the server does not give {name} (HTTP {status}): {told}"
    if status not in BUSY and status < 500:
        return TransferError(message)
    wait_s = asked_wait(headers.get("Retry-After"))
    if wait_s is not None and wait_s > LONGEST_WAIT_S:
        return TransferError(f"{message}; it asks to wait for {wait_s / 60:.0f} minutes")
    return PassingError(message, wait_s=wait_s)


def _goes_on(headers: Headers, start: int, record: DownloadRecord, source: Source) -> bool:
    """Say whether an answer holds the bytes from `start` to the end, of the version that is there."""
    found = CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if found is None or tuple(map(int, found.groups())) != (start, source.size - 1, source.size):
        return False
    modified, etag = validators_of(headers)
    return (etag or record.etag) == record.etag and (modified or record.last_modified) == record.last_modified


def _check_length(headers: Headers, source: Source) -> None:
    said = headers.get("Content-Length", "")
    if said.isdecimal() and int(said) != source.size:
        raise TransferError(
            f"{source.name} is now of {int(said):,} bytes, and was listed with {source.size:,} "
            f"({shown_size(source.size)}): it was changed on the server; list the files again"
        )


def _refuse_pages(headers: Headers, name: str) -> None:
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml") and not name.lower().endswith(PAGES):
        raise page_refusal(name)


def _refuse_coding(headers: Headers, source: Source) -> None:
    # Some servers name the compression of a .gz file this way, though it is the file's own.
    known = PLAIN_CODINGS + (GZIP_CODINGS if source.name.lower().endswith((".gz", ".tgz")) else ())
    coding = headers.get("Content-Encoding", "").strip().lower()
    if coding not in known:
        raise TransferError(
            f"the server sends {source.name} encoded as {harmless(coding, longest=40)!r}, although it was asked "
            "not to, so its bytes cannot be compared with its size"
        )


def _text(headers: Headers, name: str) -> str | None:
    value = headers.get(name, "").strip()
    return value if 0 < len(value) <= 200 and value.isascii() and value.isprintable() else None
