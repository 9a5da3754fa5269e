"""Servers that do not do what they should: each ends in one sentence, soon."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from edviz.remote import NoRangesError, PassingError, RangeFile, RemoteError, StatusError, answers, open_download
from tests.remote.conftest import QUICK, located
from tests.remote.server import Asked, Fault, RangeServer, Reply

LATER = 100_000


def opened(server: RangeServer, **changes: object) -> RangeFile:
    return RangeFile(located(server.url()), replace(QUICK, **changes))


def status(number: int, **headers: str) -> Fault:
    return lambda _asked, reply: Reply(number, b"no", {key.replace("_", "-"): value for key, value in headers.items()})


def changed(**changes: object) -> Fault:
    return lambda _asked, reply: replace(reply, **changes)


def with_headers(**headers: str) -> Fault:
    new = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda _asked, reply: replace(reply, headers={**reply.headers, **new})


def whole(asked: Asked, reply: Reply) -> Reply:
    return Reply(200, b"x" * 50_000_000)


AT_ONCE = {
    "403": (status(403), r"may not be read: the server refuses it \(HTTP 403\); give an address that is public"),
    "401": (status(401), r"may not be read: the server refuses it \(HTTP 401\)"),
    "404": (status(404), r"is not on the server \(HTTP 404\); check the address"),
    "410": (status(410), r"is not on the server \(HTTP 410\)"),
    "416": (status(416), r"finds no such part of it \(HTTP 416\); download it"),
    "418": (status(418), r"answers with HTTP 418; check the address"),
    "204": (status(204), r"answers with HTTP 204"),
    "304": (status(304), r"answers with HTTP 304"),
    "gzip": (with_headers(Content_Encoding="gzip"), r"compressed by the server although that was not asked for"),
    "br": (with_headers(Content_Encoding="br"), r"compressed by the server"),
    "another range": (with_headers(Content_Range="bytes 5-70/300000"), r"sends other parts than those asked for"),
    "no Content-Range": (with_headers(Content_Range=""), r"does not say which \(Content-Range\)"),
    "no size": (with_headers(Content_Range="bytes 0-65535/*"), r"does not say which \(Content-Range\)"),
    "negative": (with_headers(Content_Range="bytes 0--1/-5"), r"does not say which \(Content-Range\)"),
    "several ranges": (with_headers(Content_Range="bytes 0-1/9, 2-3/9"), r"does not say which \(Content-Range\)"),
    "another length": (with_headers(Content_Length="70000"), r"parts of another length than it says"),
    "no place": (status(302), r"elsewhere, and the server does not say where \(HTTP 302\)"),
    "ftp": (status(302, Location="ftp://127.0.0.1/"), r"redirects to something that is no http\(s\) address"),
    "an odd port": (status(302, Location="http://127.0.0.1:x/"), r"no port that can be"),
}
PASSING = {
    "429": (status(429), r"gets too many requests \(HTTP 429\); try again later"),
    "500": (status(500), r"has a fault or is overloaded \(HTTP 500\); try again later"),
    "503": (status(503), r"has a fault or is overloaded \(HTTP 503\)"),
    "a short body": (changed(send=1000, is_cut=True), r"end too early; try again later"),
    "no body": (changed(send=0, is_cut=True), r"end too early"),
    "a short chunked body": (
        lambda _, reply: replace(
            reply, body=reply.body[:-1], headers={**reply.headers, "Transfer-Encoding": "chunked"}
        ),
        r"end too early",
    ),
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_will_not_pass_is_an_error_at_once(server, name):
    server.fault, complaint = AT_ONCE[name]
    with pytest.raises(RemoteError, match=rf"^.*127\.0\.0\.1.*{complaint}|{complaint}") as caught:
        opened(server)
    assert str(caught.value).endswith(".")
    assert not isinstance(caught.value, PassingError)
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_will_not_pass_is_an_error_later_too(server, name):
    with opened(server) as file:
        server.fault = AT_ONCE[name][0]
        with pytest.raises(RemoteError) as caught:
            file.read_range(LATER, LATER + 10)
        assert file.failure is caught.value
        assert len(server.asked) == 2


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_tried_again_a_few_times(server, name):
    server.fault, complaint = PASSING[name]
    with pytest.raises(PassingError, match=complaint) as caught:
        opened(server, attempts=3)
    assert str(caught.value).endswith(".")
    assert len(server.asked) == 3


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_not_seen(server, name):
    server.faults.extend([PASSING[name][0], PASSING[name][0], None, PASSING[name][0]])
    with opened(server) as file:
        assert file.read_range(0, file.size) == server.body
    assert len(server.asked) == 5


def test_a_connection_that_breaks_in_one_of_many_ranges_is_not_seen(server):
    with opened(server, block_bytes=1024) as file:
        server.faults.extend([None, changed(send=10, is_cut=True), status(500), None] * 8)
        file.fetch([(place, place + 1) for place in range(0, 300_000, 4_000)])
        assert file.read_range(0, file.size) == server.body


def test_an_error_status_tells_its_number(server):
    server.fault = status(404)
    with pytest.raises(StatusError) as caught:
        opened(server)
    assert caught.value.status == 404


def test_a_server_that_asks_to_wait_is_waited_for(server):
    server.faults.append(status(429, Retry_After="1"))
    start = time.monotonic()
    with opened(server):
        assert 1.0 <= time.monotonic() - start < 10


def test_a_server_may_name_the_moment_to_come_again(server):
    server.faults.append(
        status(503, Retry_After=format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True))
    )
    with opened(server, first_wait_s=5.0):
        assert len(server.asked) == 2


@pytest.mark.parametrize("retry_after", ["3600", "99999999999999999999", "Fri, 01 Jan 2199 00:00:00 GMT"])
def test_a_server_that_asks_to_wait_long_is_not_waited_for(server, retry_after):
    server.fault = status(429, Retry_After=retry_after)
    start = time.monotonic()
    with pytest.raises(PassingError, match="too many requests"):
        opened(server)
    assert time.monotonic() - start < 10
    assert len(server.asked) == 1


def test_a_retry_after_that_says_nothing_is_no_obstacle(server):
    server.faults.append(status(503, Retry_After="soon"))
    with opened(server):
        assert len(server.asked) == 2


def test_a_server_without_ranges_is_left_with_an_offer(server):
    server.fault = whole
    with pytest.raises(
        NoRangesError, match=r"50,000,000 bytes on a server that does not send parts.*download it"
    ) as caught:
        opened(server)
    assert caught.value.size == 50_000_000
    assert server.sent_bytes < 2 * 2**20
    assert len(server.asked) == 1


def test_the_size_of_a_file_on_a_server_without_ranges_may_be_unknown(server):
    server.fault = lambda _asked, reply: Reply(200, server.body, {"Transfer-Encoding": "chunked"})
    with pytest.raises(NoRangesError, match="of unknown size") as caught:
        opened(server)
    assert caught.value.size is None


def test_a_web_page_in_place_of_a_file_is_called_one(server):
    page = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    server.fault = lambda *_: Reply(200, page, {"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(RemoteError, match="is a web page, perhaps a login"):
        opened(server)


@pytest.mark.parametrize("fault", [None, lambda *_: Reply(200, b"")], ids=["ranges", "no ranges"])
def test_an_empty_file_is_called_empty(server, fault):
    server.body = b""
    server.fault = fault
    with pytest.raises(RemoteError, match="is empty"):
        opened(server)


def test_a_web_page_is_read_like_any_file(server):
    server.body = b"<!doctype html><html></html>"
    with opened(server) as file:
        assert file.read_range(0, file.size) == server.body


def test_a_part_without_a_length_is_read_and_the_connection_goes_on(server):
    server.fault = with_headers(Transfer_Encoding="chunked")
    with opened(server) as file:
        assert file.read_range(0, file.size) == server.body
    assert server.connections == 1


def test_a_part_that_is_longer_than_said_is_an_error(server):
    server.fault = lambda _, reply: replace(
        reply, body=reply.body + b"x", headers={**reply.headers, "Transfer-Encoding": "chunked"}
    )
    with pytest.raises(RemoteError, match="sends more than it says"):
        opened(server)


CHANGES = {
    "the etag, and the server minds If-Range": {"etag": '"second"'},
    "the size": {"body": b"x" * 299_999, "etag": None, "last_modified": None},
    "the size, so that the part is not there": {"body": b"x" * 1000, "etag": None, "last_modified": None},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_an_error(server, name):
    with opened(server) as file:
        for attribute, value in CHANGES[name].items():
            setattr(server, attribute, value)
        with pytest.raises(RemoteError, match=r"changed while it was read; start again\.$"):
            file.read_range(LATER, LATER + 10)
        # Not even what is held is told any more, as it belongs to another version.
        with pytest.raises(RemoteError, match="changed"):
            file.read_range(0, 10)


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_a_change_is_seen_even_if_the_server_does_not_mind_if_range(server, header):
    if header == "Last-Modified":
        server.etag = None
    with opened(server) as file:
        server.fault = with_headers(**{header: '"second"'})
        with pytest.raises(RemoteError, match="changed while it was read"):
            file.fetch([(LATER, LATER + 10)])


def test_a_server_that_stops_sending_parts_is_left(server):
    server.etag = server.last_modified = None
    with opened(server) as file:
        server.fault = whole
        with pytest.raises(NoRangesError):
            file.read_range(LATER, LATER + 10)


def test_after_a_failure_every_reading_fails_without_asking(server):
    with opened(server, attempts=1) as file:
        server.fault = status(500)
        with pytest.raises(PassingError):
            file.read_range(LATER, LATER + 10)
        n_requests = len(server.asked)
        for read in (lambda: file.read_range(LATER, LATER + 10), lambda: file.fetch([(LATER, LATER + 10)]), file.read):
            with pytest.raises(PassingError, match="HTTP 500"):
                read()
        assert len(server.asked) == n_requests


STALLS = {
    "before the answer": lambda server: setattr(server, "delay_s", 20),
    "before the body": lambda server: setattr(server, "fault", changed(hang_s=20)),
    "within the body": lambda server: setattr(server, "fault", changed(send=1000, hang_s=20)),
    "byte by byte": lambda server: setattr(server, "fault", changed(drip_s=0.05)),
}


@pytest.mark.parametrize("name", STALLS)
def test_a_server_that_falls_silent_is_left_after_the_time_limit(server, name):
    STALLS[name](server)
    start = time.monotonic()
    with pytest.raises(RemoteError, match=r"silent or too slow; try again later\."):
        opened(server, timeout_s=0.5)
    assert time.monotonic() - start < 10
    assert len(server.asked) == 1


def test_one_stalled_range_of_many_ends_them_all(server):
    with opened(server, block_bytes=1024, timeout_s=0.5) as file:
        server.faults.extend([None, None, changed(hang_s=20)])
        start = time.monotonic()
        with pytest.raises(RemoteError, match="silent"):
            file.fetch([(place, place + 1) for place in range(0, 300_000, 4_000)])
        assert time.monotonic() - start < 10


def test_one_refused_range_of_many_ends_those_that_wait(server):
    with opened(server, block_bytes=1024, timeout_s=20.0) as file:
        server.fault = changed(hang_s=20)
        server.faults.extend([changed(hang_s=20)] * 8 + [status(404)])
        start = time.monotonic()
        with pytest.raises(StatusError, match="HTTP 404"):
            file.fetch([(place, place + 1) for place in range(0, 300_000, 4_000)])
        assert time.monotonic() - start < 10


def test_idle_connections_that_the_server_closed_are_replaced_without_waiting(server):
    with opened(server, block_bytes=1024, first_wait_s=30.0, longest_wait_s=30.0, attempts=2) as file:
        server.fault = changed(is_cut=True)
        # Each answer is complete, yet the connection ends after it, unannounced.
        start = time.monotonic()
        for place in range(2_000, 300_000, 30_000):
            file.read_range(place, place + 10)
        assert time.monotonic() - start < 10


def test_an_answer_that_is_not_http_is_an_error(quick):
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            client.recv(1000)
            client.sendall(b"220 mail.example ESMTP\r\n\r\n")
            client.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(RemoteError, match="does not speak HTTP"):
            RangeFile(located(f"http://127.0.0.1:{listener.getsockname()[1]}/"), quick)
        thread.join()


def test_bytes_are_limited(server):
    with opened(server, most_bytes=150_000) as file:
        with pytest.raises(
            RemoteError, match=r"more than 150,000 bytes, which is the limit; raise EDVIZ_MOST_REMOTE_BYTES"
        ):
            file.read()
        assert file.report.bytes <= 150_000


def test_bytes_are_limited_when_many_ranges_are_fetched(server):
    with opened(server, most_bytes=100_000, block_bytes=1024) as file:
        with pytest.raises(RemoteError, match="is the limit"):
            file.fetch([(0, 300_000)])
        assert server.sent_bytes < 300_000


def test_requests_are_limited(server):
    with opened(server, most_requests=3, block_bytes=1024) as file:
        file.read_range(2_000, 2_001)
        file.read_range(4_000, 4_001)
        with pytest.raises(RemoteError, match=r"more than 3 requests.*raise EDVIZ_MOST_REMOTE_REQUESTS"):
            file.read_range(8_000, 8_001)
    assert len(server.asked) == 3


def to(place: str) -> Fault:
    return status(302, Location=place)


@pytest.mark.parametrize("number", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server, number):
    server.faults.append(status(number, Location="/elsewhere.h5ad"))
    with opened(server) as file:
        assert file.read_range(0, file.size) == server.body
    assert [one.path for one in server.asked] == ["/my.h5ad", "/elsewhere.h5ad", "/elsewhere.h5ad"]


def test_five_redirects_are_followed_and_no_more(server):
    server.faults.extend([to("/a")] * 5)
    with opened(server) as file:
        assert file.size == len(server.body)
    server.faults.extend([to("/a")] * 6)
    with pytest.raises(RemoteError, match="more than 5 redirects"):
        opened(server)


def test_a_loop_of_redirects_ends(server):
    server.fault = to("/my.h5ad")
    with pytest.raises(RemoteError, match="more than 5 redirects"):
        opened(server)
    assert len(server.asked) == 6


def test_a_password_is_sent_to_its_server_and_not_to_another(server):
    with RangeServer(server.body) as other:
        server.faults.extend([to("/here"), to(other.url())])
        with RangeFile(located(server.url(host="user:word@127.0.0.1")), QUICK) as file:
            file.read_range(0, file.size)
    assert [one.headers["Authorization"] for one in server.asked] == ["Basic dXNlcjp3b3Jk"] * 2
    assert [one.headers["Authorization"] for one in other.asked] == [None] * 2
    assert not any("word" in str(value) for one in other.asked for value in one.headers.values())


def test_a_redirect_that_expires_is_asked_for_again(server):
    """Archives redirect to signed addresses that are good for some seconds."""

    def sign(asked: Asked, reply: Reply) -> Reply | None:
        if asked.path == "/my.h5ad":
            return Reply(302, b"", {"Location": f"/signed?token={len(server.asked)}"})
        is_good = int(asked.path.rpartition("=")[2]) + 2 > len(server.asked) - 1
        return None if is_good else Reply(403, b"expired")

    server.fault = sign
    with opened(server, block_bytes=1024, connections=1) as file:
        for place in range(2_000, 300_000, 30_000):
            assert file.read_range(place, place + 10) == server.body[place : place + 10]


def test_an_address_that_was_given_and_is_refused_is_not_asked_again(server):
    with opened(server) as file:
        server.fault = status(403)
        with pytest.raises(StatusError, match="HTTP 403"):
            file.read_range(LATER, LATER + 10)
    assert len(server.asked) == 2


def test_a_refusal_of_a_host_that_refuses_when_overloaded_may_pass(server, monkeypatch):
    monkeypatch.setattr(answers, "REFUSE_WHEN_OVERLOADED", ("127.0.0.1",))
    server.faults.extend([status(403), None, status(403)])
    with opened(server) as file:
        assert file.read_range(0, file.size) == server.body
        server.fault = status(403)
    with pytest.raises(PassingError, match="as it does when it is overloaded"):
        opened(server, attempts=3)


TOKEN = "s3cr3t"


@pytest.mark.parametrize("fault", [fault for fault, _ in (*AT_ONCE.values(), *PASSING.values())])
def test_no_error_shows_a_token(server, fault):
    server.fault = fault
    for url in (server.url(f"my.h5ad?token={TOKEN}"), server.url(host=f"user:{TOKEN}@127.0.0.1")):
        with pytest.raises(RemoteError) as caught:
            RangeFile(located(url), replace(QUICK, attempts=1))
        assert TOKEN not in str(caught.value) + repr(caught.value.__cause__)


def test_a_download_comes_in_order(server):
    seen = []
    with open_download(located(server.url()), QUICK) as download:
        assert download.size == len(server.body)
        while data := download.read(70_000):
            seen.append(data)
        assert download.report.requests == 1
        assert 300_000 < download.report.bytes < 301_000
    assert b"".join(seen) == server.body
    assert server.ranges() == [None]
    assert download.closed


def test_a_download_may_have_no_size(server):
    server.fault = with_headers(Transfer_Encoding="chunked")
    with open_download(located(server.url()), QUICK) as download:
        assert download.size is None
        assert download.read() == server.body


def test_a_download_that_is_left_closes_its_connection(server):
    server.fault = whole
    with open_download(located(server.url()), QUICK) as download:
        download.read(1000)
    with pytest.raises(ValueError, match="closed"):
        download.read(1)


BROKEN_DOWNLOADS = {
    "403": (status(403), r"HTTP 403"),
    "206": (changed(status=206), r"HTTP 206"),
    "br": (with_headers(Content_Encoding="br"), "compressed by the server"),
    "500": (status(500), r"HTTP 500"),
    "cut": (changed(send=70_000, is_cut=True), r"ended after 70,000 of 300,000 bytes; try again later\."),
    "stall": (changed(send=70_000, hang_s=20), "silent or too slow"),
    "drip": (changed(drip_s=0.05), "silent or too slow"),
    "size": (
        with_headers(Content_Length="5000000"),
        r"5,000,000 bytes are more than the limit of 400,000; raise EDVIZ_MOST_DOWNLOAD_BYTES",
    ),
    "unknown size": (
        lambda _, reply: replace(reply, body=b"x" * 5_000_000, headers={"Transfer-Encoding": "chunked"}),
        "more than 400,000 bytes",
    ),
}


@pytest.mark.parametrize("name", BROKEN_DOWNLOADS)
def test_a_download_that_goes_wrong_ends_in_one_sentence(server, name):
    server.fault, complaint = BROKEN_DOWNLOADS[name]
    settings = replace(QUICK, timeout_s=2.0, attempts=2, most_download_bytes=400_000)
    with (
        pytest.raises(RemoteError, match=complaint),
        open_download(located(server.url()), settings) as download,
    ):
        while download.read(10_000):
            pass


def test_a_download_that_fails_at_first_is_tried_again(server):
    server.faults.extend([status(503), status(429)])
    with open_download(located(server.url()), QUICK) as download:
        assert download.read() == server.body


def test_a_download_of_a_compressed_file_may_say_how_it_is_compressed(server):
    server.fault = with_headers(Content_Encoding="x-gzip")
    with open_download(located(server.url("my.h5ad.gz")), QUICK) as download:
        assert download.read() == server.body
