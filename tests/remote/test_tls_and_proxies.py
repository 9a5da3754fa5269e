"""Encrypted connections and ways through a proxy."""

import datetime
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from edviz.remote import RangeFile, RemoteError, client, location_of
from edviz.remote.proxies import proxy_for
from tests.remote.conftest import QUICK, located, numbered
from tests.remote.server import RangeServer, Tunnel

HOST = "data.example"
BODY = numbered(200_000)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """Return a file with the key and the certificate of a server whose name is HOST, signed by itself."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + signed.public_bytes(encoding))
    return path


@pytest.fixture
def secure(certificate, monkeypatch):
    """Return an https server whose certificate is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with RangeServer(BODY, tls=context) as running:
        yield running


@pytest.fixture
def every_name_is_here(monkeypatch):
    """Let every name stand for this machine."""

    def look_up(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture
def only_figures(monkeypatch):
    """Let no name be known, as behind many proxies."""
    look_up = socket.getaddrinfo

    def look_up_figures(host, *rest, **options):
        if host != "127.0.0.1":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_figures)


def test_an_encrypted_file_is_read_over_many_connections(secure, every_name_is_here):
    with RangeFile(located(secure.url(host=HOST)), replace(QUICK, block_bytes=1024)) as file:
        file.fetch([(start, start + 1) for start in range(0, len(BODY), 4096)])
        assert file.read_range(0, len(BODY)) == BODY
    assert 1 < secure.connections <= 16


def test_the_certificate_must_be_valid_for_the_name_and_not_for_the_address(secure, every_name_is_here):
    with pytest.raises(RemoteError, match=r"certificate is not valid for it \(Hostname mismatch.*check the address\."):
        RangeFile(located(secure.url(host="other.example")), QUICK)
    with pytest.raises(RemoteError, match="certificate is not valid for it"):
        RangeFile(located(secure.url(host="127.0.0.1")), QUICK)
    assert secure.asked == []


def test_a_certificate_of_nobody_known_is_refused(secure, every_name_is_here, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(RemoteError, match="certificate is not valid for it"):
        RangeFile(located(secure.url(host=HOST)), QUICK)
    assert secure.asked == []


def test_a_server_that_does_not_encrypt_is_an_error(server, every_name_is_here):
    url = server.url(host=HOST).replace("http:", "https:")
    with pytest.raises(RemoteError, match=r"cannot be reached safely \(TLS\)|connection broke"):
        RangeFile(located(url), replace(QUICK, attempts=1))


def test_https_does_not_lead_to_http(secure, server, every_name_is_here):
    secure.fault = lambda asked, reply: type(reply)(302, b"", {"Location": server.url()})
    with pytest.raises(RemoteError, match="redirects from https to http, which is not followed"):
        RangeFile(located(secure.url(host=HOST)), QUICK)
    assert server.asked == []


def test_http_may_lead_to_https(secure, server, every_name_is_here):
    server.fault = lambda asked, reply: type(reply)(302, b"", {"Location": secure.url(host=HOST)})
    with RangeFile(located(server.url()), QUICK) as file:
        assert file.size == len(BODY)


def test_tls_is_at_least_1_2_and_checks_names():
    context = client._tls_context()
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_proxy_is_asked_for_a_tunnel_to_an_https_server(secure, only_figures):
    with Tunnel(secure.port) as tunnel:
        settings = replace(QUICK, allow_private=False, https_proxy=f"http://user:word@127.0.0.1:{tunnel.port}")
        with RangeFile(located(secure.url(host=HOST)), settings) as file:
            assert file.read_range(0, len(BODY)) == BODY
    assert tunnel.heads[0].splitlines() == [
        f"CONNECT {HOST}:{secure.port} HTTP/1.1",
        f"Host: {HOST}:{secure.port}",
        "Proxy-Authorization: Basic dXNlcjp3b3Jk",
        "",
    ]
    assert all(one.headers["Proxy-Authorization"] is None for one in secure.asked)


def test_the_name_is_verified_through_a_tunnel_too(secure, only_figures):
    with Tunnel(secure.port) as tunnel:
        settings = replace(QUICK, https_proxy=f"http://127.0.0.1:{tunnel.port}")
        with pytest.raises(RemoteError, match="certificate is not valid"):
            RangeFile(located(secure.url(host="other.example")), settings)


def test_a_proxy_that_refuses_is_an_error(secure, only_figures):
    with Tunnel(secure.port, status="407 Proxy Authentication Required") as tunnel:
        settings = replace(QUICK, https_proxy=f"http://user:word@127.0.0.1:{tunnel.port}")
        with pytest.raises(RemoteError, match=r"the proxy 127\.0\.0\.1:\d+ does not lead to .* \(HTTP 407\)") as caught:
            RangeFile(located(secure.url(host=HOST)), settings)
    assert "word" not in str(caught.value)


def test_a_proxy_is_asked_for_the_whole_address_of_an_http_file(server, only_figures):
    settings = replace(QUICK, allow_private=False, http_proxy=server.url(""))
    with RangeFile(located("http://data.example/my.h5ad"), settings) as file:
        assert file.read_range(0, len(server.body)) == server.body
    assert {one.path for one in server.asked} == {"http://data.example/my.h5ad"}
    assert {one.headers["Host"] for one in server.asked} == {"data.example"}


def test_a_private_address_is_refused_through_a_proxy_too(server):
    settings = replace(QUICK, allow_private=False, http_proxy=server.url(""))
    with pytest.raises(RemoteError, match="private or reserved"):
        RangeFile(located("http://10.0.0.1/my.h5ad"), settings)
    assert server.asked == []


def test_a_proxy_that_is_not_found_is_an_error(only_figures):
    with pytest.raises(RemoteError, match=r"the proxy proxy\.example:3128 is not found"):
        RangeFile(located("http://data.example/"), replace(QUICK, http_proxy="proxy.example:3128"))


WAYS = {
    ("http://ebi.ac.uk/", ()): "proxy:80",
    ("https://ebi.ac.uk/", ()): None,
    ("http://ebi.ac.uk/", ("ac.uk",)): None,
    ("http://ebi.ac.uk/", ("ebi.ac.uk",)): None,
    ("http://xebi.ac.uk/", ("ebi.ac.uk",)): "proxy:80",
    ("http://ebi.ac.uk/", ("*",)): None,
}


@pytest.mark.parametrize(("address", "no_proxy"), WAYS)
def test_some_servers_are_reached_without_the_proxy(address, no_proxy):
    settings = replace(QUICK, http_proxy="proxy:80", no_proxy=no_proxy)
    found = proxy_for(location_of(address).origin, settings)
    expected = WAYS[address, no_proxy]
    assert (found and f"{found.location.origin.host}:{found.location.origin.port}") == expected


@pytest.mark.parametrize("proxy", ["socks5://proxy:1080", "https://proxy:3128", "http://"])
def test_a_proxy_of_another_kind_is_an_error(proxy):
    with pytest.raises(RemoteError, match="no http one; set http_proxy to one like"):
        proxy_for(location_of("http://ebi.ac.uk/").origin, replace(QUICK, http_proxy=proxy))
