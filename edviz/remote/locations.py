"""Where a file is, if it is on a server: an http(s) address, or the name of a public object of S3 or Google Storage."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field, replace
from os import PathLike
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urljoin, urlsplit

from edviz.remote.errors import RemoteError

PORTS = {"http": 80, "https": 443}
BUCKETS = ("s3", "gs")
LONGEST_ADDRESS = 8_000
LONGEST_SHOWN = 300
LONGEST_NAME = 120

MARKS_OF_ADDRESSES = "%/:=&?~+!$,;'@()*[]"
"""Characters that mean something in an address, and stay as they are."""
HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")

SHOWN_FIELDS = ("acc", "accession", "file", "filename", "format")
"""Fields of a query that archives use to name files (GEO for one); any other may be a token that opens them."""
NAMING_FIELDS = ("file", "filename")
HARMLESS_VALUE = re.compile(r"[\w.+-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Origin:
    """A server: what connections and passwords belong to.

    Attributes
    ----------
    scheme
        `http` or `https`.
    host
        Its name in ASCII, or its address in figures.
    port
        Its port.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as they stand in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True)
class Location:
    """A file on a server.

    Attributes
    ----------
    origin
        The server.
    target
        What to ask it for: path and query. May hold a token, so it is for requests only.
    authorization
        The header made of the user and password in the address, if there were any; for this server alone.
    shown
        The address for people: ASCII, without user, password, and those parts of the query that may be a token.
    name
        The file name for a card, without a folder.
    """

    origin: Origin
    target: str = field(repr=False)
    authorization: str | None = field(repr=False)
    shown: str
    name: str


def location_of(text: str | PathLike[str]) -> Location | None:
    """Say where on a server a file is, or None if the text is a path of this machine.

    Parameters
    ----------
    text
        An address that starts with `http://`, `https://`, `s3://` or `gs://`; anything else is a path.

    Raises
    ------
    RemoteError
        If it starts like an address and is none.

    Examples
    --------
    >>> location_of("s3://bucket/a folder/my.h5ad").shown
    'https://bucket.s3.amazonaws.com/a%20folder/my.h5ad'
    >>> location_of("https://user:word@host.org/my.h5ad?format=file&token=x").shown
    'https://host.org/my.h5ad?format=file&…'
    >>> location_of("my.h5ad") is None
    True
    """
    # A Path has lost one of the two slashes, and whoever made it meant a path.
    if not isinstance(text, str):
        return None
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme.lower() not in (*PORTS, *BUCKETS):
        return None
    if len(rest) > LONGEST_ADDRESS:
        raise RemoteError(f"an address of {len(text):,} characters is too long; give one below {LONGEST_ADDRESS:,}.")
    address = f"{scheme.lower()}://{rest}"
    return _located(_address_of_object(scheme.lower(), rest) if scheme.lower() in BUCKETS else address)


def redirected(location: Location, address: str) -> Location:
    """Return where a server leads on to; a password goes along only if the server stays the same.

    Raises
    ------
    RemoteError
        If that is no http(s) address, or would leave https.
    """
    if len(address) > LONGEST_ADDRESS:
        raise RemoteError(f"{location.shown} redirects to an address that is too long; give the address of the file.")
    origin = location.origin
    # Headers arrive as Latin-1; what was UTF-8 becomes its bytes again.
    ascii_address = quote(address, safe=MARKS_OF_ADDRESSES + "#", encoding="latin-1", errors="replace")
    try:
        absolute = urljoin(f"{origin.scheme}://{origin.authority}{location.target}", ascii_address)
        scheme = urlsplit(absolute).scheme
    except ValueError:
        scheme = ""
    if scheme not in PORTS:
        raise RemoteError(
            f"{location.shown} redirects to something that is no http(s) address; give the address of the file."
        )
    if (origin.scheme, scheme) == ("https", "http"):
        raise RemoteError(f"{location.shown} redirects from https to http, which is not followed.")
    there = _located(absolute)
    return replace(there, authorization=location.authorization if there.origin == origin else None)


def _address_of_object(scheme: str, rest: str) -> str:
    bucket, _, key = rest.partition("/")
    if not BUCKET_NAME.fullmatch(bucket) or not key or key.endswith("/"):
        raise RemoteError(
            f"an address with {scheme}:// is {scheme}://bucket/key; give the bucket and the key of a file."
        )
    path = _quoted(key, "/~")
    if scheme == "gs":
        return f"https://storage.googleapis.com/{bucket}/{path}"
    # The certificate of S3 covers one label before its name, so a bucket with dots goes into the path.
    return f"https://s3.amazonaws.com/{bucket}/{path}" if "." in bucket else f"https://{bucket}.s3.amazonaws.com/{path}"


def _located(address: str) -> Location:
    if not address.isprintable():
        raise RemoteError("an address has characters that cannot be shown; copy it again.")
    try:
        parts = urlsplit(address)
        origin = Origin(parts.scheme, _host(parts), parts.port or PORTS[parts.scheme])
    except ValueError:
        raise RemoteError(
            "an address has no host or no port that can be; give one like https://host/folder/my.h5ad."
        ) from None
    path = _quoted(parts.path or "/", MARKS_OF_ADDRESSES)
    query = _quoted(parts.query, MARKS_OF_ADDRESSES)
    shown_fields = _shown_fields(query)
    return Location(
        origin=origin,
        target=f"{path}?{query}" if query else path,
        authorization=_authorization(parts),
        shown=_shown(origin, path, query, shown_fields),
        name=_name(origin, path, shown_fields),
    )


def _quoted(text: str, marks: str) -> str:
    return quote(text, safe=marks, errors="replace")


def _host(parts: SplitResult) -> str:
    # Browsers read a backslash as a slash, and so may whoever judged the address before.
    # A percent sign in an IPv6 address names an interface of this machine.
    if "\\" in parts.netloc or "%" in (parts.hostname or ""):
        raise ValueError
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    # Raises UnicodeError, a ValueError, for labels that are empty or too long.
    name = host if host.isascii() else host.encode("idna").decode("ascii")
    if not HOST_NAME.fullmatch(name) or len(name) > 253:
        raise ValueError
    return name


def _authorization(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


def _shown_fields(query: str) -> dict[str, str]:
    try:
        fields = parse_qsl(query, max_num_fields=100)
    except ValueError:
        return {}
    return {name: value for name, value in fields if name in SHOWN_FIELDS and HARMLESS_VALUE.fullmatch(value)}


def _shown(origin: Origin, path: str, query: str, fields: dict[str, str]) -> str:
    listed = [f"{name}={value}" for name, value in fields.items()]
    if query.count("&") + 1 > len(listed):
        listed.append("…")
    shown = f"{origin.scheme}://{origin.authority}{path}" + (f"?{'&'.join(listed)}" if query else "")
    return shown if len(shown) <= LONGEST_SHOWN else shown[: LONGEST_SHOWN - 1] + "…"


def _name(origin: Origin, path: str, fields: dict[str, str]) -> str:
    named = [fields[name] for name in NAMING_FIELDS if name in fields]
    last = path.rpartition("/")[2]
    decoded = unquote(last)
    name = named[0] if named else decoded if _is_plain(decoded) else last
    return (name or origin.host)[:LONGEST_NAME]


def _is_plain(text: str) -> bool:
    return "/" not in text and all(one.isalnum() or " " <= one <= "~" for one in text)
