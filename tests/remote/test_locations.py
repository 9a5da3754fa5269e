"""What is a remote location, and what of it is shown."""

from pathlib import Path

import pytest

from edviz.errors import H5adError
from edviz.remote import RemoteError, location_of
from edviz.remote.locations import redirected

SHOWN = {
    "https://host.org/a/my.h5ad": "https://host.org/a/my.h5ad",
    "  https://host.org/my.h5ad\n": "https://host.org/my.h5ad",
    "HTTPS://HOST.org:443/my.h5ad": "https://host.org/my.h5ad",
    "http://host.org:8080": "http://host.org:8080/",
    "http://[2A00::1]:81/my.h5ad": "http://[2a00::1]:81/my.h5ad",
    "https://host.org./my.h5ad": "https://host.org/my.h5ad",
    "https://münchen.de/größe.h5ad": "https://xn--mnchen-3ya.de/gr%C3%B6%C3%9Fe.h5ad",
    "https://host.org/my file.h5ad": "https://host.org/my%20file.h5ad",
    "https://host.org/my.h5ad#part": "https://host.org/my.h5ad",
    "s3://bucket/folder/my.h5ad": "https://bucket.s3.amazonaws.com/folder/my.h5ad",
    "s3://bucket.with.dots/my.h5ad": "https://s3.amazonaws.com/bucket.with.dots/my.h5ad",
    "s3://bucket/what? a+b#c.h5ad": "https://bucket.s3.amazonaws.com/what%3F%20a%2Bb%23c.h5ad",
    "gs://bucket/folder/my.h5ad": "https://storage.googleapis.com/bucket/folder/my.h5ad",
}
SECRETS = {
    "https://user:secret@host.org/my.h5ad": "https://host.org/my.h5ad",
    "https://secret@host.org/my.h5ad": "https://host.org/my.h5ad",
    "https://host.org/my.h5ad?X-Amz-Signature=secret&X-Amz-Expires=10": "https://host.org/my.h5ad?…",
    "https://host.org/my.h5ad?secret": "https://host.org/my.h5ad?…",
    "https://host.org/get?acc=GSM1&format=file&file=GSM1.h5ad.gz": "https://host.org/get?acc=GSM1&format=file&file=GSM1.h5ad.gz",
    "https://host.org/get?file=GSM1.h5ad&key=secret": "https://host.org/get?file=GSM1.h5ad&…",
    "https://host.org/get?file=https://other/?secret": "https://host.org/get?…",
}
NAMES = {
    "https://host.org/a/my.h5ad": "my.h5ad",
    "https://host.org/a/my%20file.h5ad.gz?token=x": "my file.h5ad.gz",
    "https://host.org/größe.h5ad": "größe.h5ad",
    "https://host.org/%1b[31m.h5ad": "%1b[31m.h5ad",
    "https://host.org/..%2f..%2fmy.h5ad": "..%2f..%2fmy.h5ad",
    "https://host.org/%ff.h5ad": "%ff.h5ad",
    "https://host.org/get?acc=GSM1&file=GSM1.h5ad.gz": "GSM1.h5ad.gz",
    "https://host.org/files/123": "123",
    "https://host.org": "host.org",
    "s3://bucket/folder/my.h5ad": "my.h5ad",
}
PATHS = ["my.h5ad", "/data/my.h5ad", "C:\\data\\my.h5ad", "file:///my.h5ad", "ftp://host/my.h5ad", "https:/host/my", ""]
NO_ADDRESSES = {
    "https://": "no host",
    "https:///my.h5ad": "no host",
    "https://:80/my.h5ad": "no host",
    "https://host.org:99999/my.h5ad": "no port",
    "https://host.org:port/my.h5ad": "no port",
    "https://ho st/my.h5ad": "no host",
    "https://-host/my.h5ad": "no host",
    "https://host..org/my.h5ad": "no host",
    "https://host.org\\@evil.org/my.h5ad": "no host",
    "http://[::1%25eth0]/my.h5ad": "no host",
    "http://[::1/my.h5ad": "no host",
    "https://host.org/my\r\nHost: evil": "cannot be shown",
    "https://host.org/my\x1b[31m": "cannot be shown",
    "https://host.org/" + "a" * 9_000: "too long",
    "s3://bucket": "s3://bucket/key",
    "s3://bucket/": "s3://bucket/key",
    "s3://bucket/folder/": "s3://bucket/key",
    "s3://evil.org:80@x/my.h5ad": "s3://bucket/key",
    "gs://Bucket!/my.h5ad": "gs://bucket/key",
}


@pytest.mark.parametrize("text", SHOWN)
def test_an_address_is_shown_in_one_form(text):
    assert location_of(text).shown == SHOWN[text]


@pytest.mark.parametrize("text", SECRETS)
def test_what_may_be_a_secret_is_not_shown(text):
    location = location_of(text)
    assert location.shown == SECRETS[text]
    assert "secret" not in repr(location) + location.name
    assert "secret" not in text or "secret" in location.target or location.authorization is not None


@pytest.mark.parametrize("text", NAMES)
def test_a_file_has_a_name_for_a_card(text):
    assert location_of(text).name == NAMES[text]


@pytest.mark.parametrize("text", PATHS)
def test_anything_else_is_a_path(text):
    assert location_of(text) is None


def test_a_path_object_is_a_path():
    assert location_of(Path("https://host.org/my.h5ad")) is None


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_starts_like_an_address_and_is_none_is_an_error_in_one_sentence(text):
    with pytest.raises(RemoteError, match=NO_ADDRESSES[text]) as caught:
        location_of(text)
    assert isinstance(caught.value, H5adError)
    assert str(caught.value).endswith(".")
    assert "evil" not in str(caught.value)


def test_a_long_address_is_cut_where_it_is_shown():
    location = location_of(f"https://host.org/{'a' * 1000}/my.h5ad")
    assert len(location.shown) == 300
    assert len(location.target) > 1000


def test_a_password_goes_along_to_the_same_server_only():
    location = location_of("https://user:word@host.org/a/my.h5ad?token=x")
    assert redirected(location, "/b/my.h5ad").authorization == location.authorization
    assert redirected(location, "b.h5ad").target == "/a/b.h5ad"
    for elsewhere in ("https://other.org/my.h5ad", "https://host.org:8443/my.h5ad", "//other.org/my.h5ad"):
        there = redirected(location, elsewhere)
        assert there.authorization is None
        assert "token" not in there.target


def test_a_password_in_a_redirect_is_not_used():
    assert redirected(location_of("https://host.org/"), "https://user:word@other.org/").authorization is None


def test_a_redirect_may_be_written_in_utf8():
    header = "/größe n.h5ad".encode().decode("latin-1")
    assert redirected(location_of("https://host.org/a"), header).shown == "https://host.org/gr%C3%B6%C3%9Fe%20n.h5ad"


@pytest.mark.parametrize(
    "address", ["http://host.org/", "ftp://host.org/", "file:///etc/passwd", "https://:80/", "//["]
)
def test_a_redirect_leads_to_http_and_never_away_from_https(address):
    with pytest.raises(RemoteError, match=r"https://host\.org/a redirects|no host"):
        redirected(location_of("https://host.org/a"), address)
