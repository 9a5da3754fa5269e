"""Folders of GEO's file server, read from the pages that it makes of them.

What a page shows is rounded and cut; only the addresses of its links are whole, and only those that lie in the folder
itself are files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from edviz.h5ad.strings import harmless
from mcp_server.geo.errors import GeoError

INDEX = re.compile(r"<title>\s*Index of /", re.IGNORECASE)
LONGEST_NAME = 255
MOST_FILES = 20_000


def is_index(page: str) -> bool:
    """Say whether a page is that of a folder, rather than one that says why there is none.

    Examples
    --------
    >>> is_index("<html><head><title>Index of /geo/series"), is_index("<html><title>Access forbidden!</title>")
    (True, False)
    """
    return INDEX.search(page) is not None


def read_index(page: str, folder: str) -> tuple[str, ...]:
    """Return the names of the files in a folder.

    Parameters
    ----------
    page
        What the server answered.
    folder
        The address of the folder, with a slash at its end.

    Raises
    ------
    GeoError
        If the page is not that of a folder.
    """
    if not is_index(page):
        raise GeoError(f"{harmless(folder, longest=300)} answers with a page that is no list of files; try again later")
    names: dict[str, None] = {}
    for address in _addresses(page):
        name = name_in(address, folder)
        if name is not None:
            names[name] = None
        if len(names) > MOST_FILES:
            raise GeoError(f"{harmless(folder, longest=300)} lists more than {MOST_FILES:,} files, which is too many")
    return tuple(names)


def name_in(address: str, folder: str) -> str | None:
    """Return the name of the file that a link leads to, or None if it leads anywhere but to a file of the folder.

    Examples
    --------
    >>> name_in("a%20b%231.h5ad", "https://host.org/suppl/"), name_in("/suppl/", "https://host.org/suppl/")
    ('a b#1.h5ad', None)
    """
    try:
        there, here = urlsplit(urljoin(folder, address)), urlsplit(folder)
    except ValueError:
        return None
    if (there.scheme, there.netloc) != (here.scheme, here.netloc) or "?" in address or "#" in address:
        return None
    if not there.path.startswith(here.path):
        return None
    return _decoded(there.path.removeprefix(here.path))


def _decoded(segment: str) -> str | None:
    try:
        name = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return None
    is_name = name not in ("", ".", "..") and not {"/", "\\"}.intersection(name)
    # What is hidden in a name could make one file look like another.
    return name if is_name and harmless(name, longest=LONGEST_NAME) == name else None


def _addresses(page: str) -> Iterator[str]:
    links = _Links()
    links.feed(page)
    links.close()
    yield from links.addresses


class _Links(HTMLParser):
    """The addresses of all links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.addresses += [value for name, value in attrs if name == "href" and value]
