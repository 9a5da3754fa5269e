"""Which machines are asked."""

import socket
import threading
import time
from dataclasses import replace

import pytest

from edviz.remote import RangeFile, RemoteError, RemoteSettings, addresses
from edviz.remote.addresses import checked_addresses, is_public
from tests.remote.conftest import located

PUBLIC = [
    "8.8.8.8",
    "193.62.193.80",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
CLOSED = {
    "loopback": ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"],
    "private": ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fc00::1", "fd00:ec2::254", "::ffff:10.0.0.1"],
    "link-local": ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "fec0::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.192", "198.18.0.1", "203.0.113.1", "2001:db8::1", "4000::1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"],
    "translated": [
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "2001:0:1::1",
        "::127.0.0.1",
    ],
    "inside a cloud": ["168.63.129.16", "100.100.100.200"],
}
SPELLINGS_OF_LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:7f00:1]",
    "0",
]


def found(monkeypatch, *hosts: str) -> list[str]:
    """Let every name stand for these addresses; return the list of names that were looked up."""
    looked_up: list[str] = []

    def look_up(host, port, **_):
        looked_up.append(host)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in hosts
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return looked_up


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_are_public(host):
    assert is_public(host)


@pytest.mark.parametrize("host", [host for hosts in CLOSED.values() for host in hosts])
def test_addresses_inside_are_not_public(host):
    assert not is_public(host)


@pytest.mark.parametrize("host", SPELLINGS_OF_LOOPBACK)
def test_a_private_address_is_refused_however_it_is_spelled(host):
    with pytest.raises(RemoteError, match=r"private or reserved network address.*EDVIZ_ALLOW_PRIVATE_ADDRESSES=1"):
        checked_addresses(located(f"http://{host}/my.h5ad"), RemoteSettings())


def test_one_private_address_among_public_ones_is_refused(monkeypatch):
    found(monkeypatch, "8.8.8.8", "10.0.0.1")
    with pytest.raises(RemoteError, match="private"):
        checked_addresses(located("http://host.org/"), RemoteSettings())


def test_the_refusal_does_not_say_which_address_it_was(monkeypatch):
    found(monkeypatch, "10.1.2.3")
    with pytest.raises(RemoteError) as caught:
        checked_addresses(located("http://inside.org/"), RemoteSettings())
    assert "10.1.2.3" not in str(caught.value)


def test_nothing_is_sent_to_a_private_address(server):
    with pytest.raises(RemoteError, match="private"):
        RangeFile(located(server.url()), RemoteSettings())
    assert server.connections == 0


def test_an_unknown_host_is_an_error(monkeypatch):
    def look_up(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(RemoteError, match=r"^http://host\.org/ names a host that is not found; check the address"):
        checked_addresses(located("http://host.org/"), RemoteSettings())


def test_a_name_that_is_looked_up_for_ever_ends_by_the_time_limit(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(10) and [])
    start = time.monotonic()
    with pytest.raises(RemoteError, match="not found"):
        checked_addresses(located("http://host.org/"), RemoteSettings(timeout_s=0.1))
    assert time.monotonic() - start < 8
    released.set()


def test_connections_go_to_the_address_that_was_checked(server, quick, monkeypatch):
    looked_up = found(monkeypatch, "127.0.0.1")
    with RangeFile(located(server.url(host="host.org")), replace(quick, block_bytes=1024)) as file:
        # From now on the name leads elsewhere, as a hostile one does after the check.
        found(monkeypatch, "127.0.0.2")
        file.fetch([(start, start + 1) for start in range(0, 300_000, 10_000)])
    assert looked_up == ["host.org"]
    assert server.connections > 1
    assert {one.headers["Host"] for one in server.asked} == {f"host.org:{server.port}"}


def test_an_address_that_cannot_be_reached_is_followed_by_the_next(server, quick, monkeypatch):
    found(monkeypatch, "::1", "127.0.0.1")
    with RangeFile(located(server.url(host="host.org")), quick) as file:
        assert file.size == len(server.body)


def test_a_server_that_takes_no_connections_is_an_error(quick):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RemoteError, match="takes no connections"):
        RangeFile(located(f"http://127.0.0.1:{port}/my.h5ad"), quick)


@pytest.fixture
def public_loopback(monkeypatch):
    """Let 127.0.0.1 pass for a public address, and nothing else that is not one."""
    monkeypatch.setattr(addresses, "is_public", lambda host: host == "127.0.0.1" or is_public(host))


@pytest.mark.parametrize("inside", ["http://127.0.0.2/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/"])
def test_a_redirect_to_a_private_address_is_refused(server, quick, public_loopback, inside):
    server.fault = lambda asked, reply: type(reply)(302, b"", {"Location": inside})
    with pytest.raises(RemoteError, match="private or reserved"):
        RangeFile(located(server.url()), replace(quick, allow_private=False))
    assert len(server.asked) == 1
