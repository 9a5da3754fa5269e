"""What an answer of NCBI means, judged by what is in it, because its status may say 200 whatever it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edviz.h5ad.strings import harmless
from edviz.remote.answers import asked_wait
from mcp_server.geo.errors import AskedError, BusyError, ExpiredError, GeoError

if TYPE_CHECKING:
    from httpx import Headers

OK, REDIRECTS, BAD_REQUEST, NOT_FOUND, TOO_LONG, TOO_OFTEN = 200, range(300, 400), 400, 404, 414, 429
BUSY = (403, 408, 425)
"""Statuses that may pass; NCBI also answers 403 when it has too much to do."""
EXPECTED = {"esearch": "esearchresult", "esummary": "result", "elink": "linksets", "einfo": "einforesult"}
"""What holds the answers of a utility."""
PAGE_MARKS = (b"recaptcha", b"captcha")
LONGEST_QUOTE = 200


def check_status(status: int, headers: Headers, server: str) -> None:
    """Accept 200 and refuse all else.

    Raises
    ------
    BusyError
        If it may pass.
    GeoError
        If it will not.
    """
    if status == OK:
        return
    if status == TOO_OFTEN:
        raise BusyError(f"{server} has been asked too often (HTTP 429)", wait_s=asked_wait(headers.get("Retry-After")))
    if status in BUSY or status >= 500:
        raise BusyError(f"{server} does not answer now (HTTP {status})", wait_s=asked_wait(headers.get("Retry-After")))
    if status == TOO_LONG:
        raise AskedError(f"the question is too long for {server} (HTTP 414); shorten it")
    if status in REDIRECTS:
        raise GeoError(f"{server} sends on to another address (HTTP {status}), which is not followed")
    raise GeoError(f"{server} refuses the request (HTTP {status})")


def json_of(body: bytes, server: str) -> dict[str, Any]:
    """Return the JSON of an answer.

    Raises
    ------
    BusyError
        If it is a web page, cut off, or something else.
    """
    check_no_page(body, server)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BusyError(f"the answer of {server} is cut off or garbled: it is no whole JSON") from error
    if not isinstance(answer, dict):
        raise BusyError(f"{server} answers with JSON that is no object")
    return answer


def check_no_page(body: bytes, server: str) -> None:
    """Refuse a web page in the place of an answer.

    Raises
    ------
    BusyError
        If it is one.

    Examples
    --------
    >>> check_no_page(b'{"header": {}}', "NCBI")
    """
    check_no_captcha(body, server)
    if body.lstrip()[:1] == b"<":
        raise BusyError(f"{server} sends a web page instead of an answer, as it does when it is overloaded")


def check_no_captcha(body: bytes, server: str) -> None:
    """Refuse a page that wants to see a person.

    Raises
    ------
    BusyError
        If it is one.
    """
    start = body.lstrip()[:4096].lower()
    if start.startswith(b"<") and any(mark in start for mark in PAGE_MARKS):
        raise BusyError(f"{server} asks whether a person is there (a page with a captcha), so no program gets through")


def check_utility(answer: dict[str, Any], utility: str) -> None:
    """Accept an answer of one of the E-utilities if what was asked for is in it.

    Raises
    ------
    BusyError
        If NCBI was asked too often, or one of its servers failed.
    ExpiredError
        If it has forgotten the search that was referred to.
    AskedError
        If it does not accept the question.
    """
    said = _complaint(answer, utility)
    if said is None:
        if not isinstance(answer.get(EXPECTED.get(utility, "header")), dict | list):
            raise BusyError(f"the answer of NCBI holds nothing that {utility} should say")
        return
    quoted, told = harmless(said, longest=LONGEST_QUOTE), said.lower()
    if "rate limit" in told:
        raise BusyError("NCBI has been asked too often by this address; NCBI_API_KEY allows more")
    if "exception" in told or "backend failed" in told or "temporarily" in told:
        raise BusyError(f"a server behind NCBI failed: {quoted}")
    if "obtain query" in told or "webenv" in told or "query_key" in told or "expired" in told:
        raise ExpiredError(f"NCBI has forgotten the search: {quoted}")
    if "api key" in told:
        raise AskedError(f"NCBI does not accept the key in NCBI_API_KEY: {quoted}")
    raise AskedError(f"NCBI does not accept the question: {quoted}")


def _complaint(answer: dict[str, Any], utility: str) -> str | None:
    """Return what an answer says in the place of a result."""
    result = answer.get(EXPECTED.get(utility, ""))
    # What is said in place of summaries stands under the name that other utilities have for results.
    messages = answer.get("esummaryresult")
    if "error" in answer:
        return str(answer["error"])
    if isinstance(result, dict) and "ERROR" in result:
        return str(result["ERROR"])
    if isinstance(messages, list) and messages:
        return str(messages[0])
    return None
