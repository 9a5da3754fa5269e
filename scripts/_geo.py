"""Files of GEO among those that are named: `GSE123456`, or `GSE123456/name`, in the place of a path or an address."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from _cli import Page, counted, page_of

from mcp_server.geo.accession import is_meant

if TYPE_CHECKING:
    from edviz.deposit import Deposit
    from mcp_server.geo.files import GeoFile
    from mcp_server.geo.locating import Located


@dataclass(frozen=True)
class NamedPlaces:
    """Where the files are that were named.

    Attributes
    ----------
    places
        Paths and addresses, in the order of the names.
    deposits
        What GEO says of those that are its own, by address.
    """

    places: tuple[str, ...]
    deposits: Mapping[str, Deposit]


def find_places(names: Sequence[str], args: argparse.Namespace) -> NamedPlaces:
    """Find the files of GEO among those that are named, and say on standard error which are read."""
    places: list[str] = []
    deposits: dict[str, Deposit] = {}
    page = page_of(args)
    for name in names:
        if not _is_of_geo(name, page):
            places.append(name)
            continue
        from mcp_server.geo.locating import locate_h5ad  # asks servers, which most calls do not

        located = locate_h5ad(name)
        for line in _told(located):
            page.paragraph(line, file=sys.stderr)
        places += [file.url for file in located.files]
        deposits |= {deposit.url: deposit for deposit in located.deposits}
    return NamedPlaces(tuple(places), deposits)


def find_place(name: str, args: argparse.Namespace) -> str:
    """Find one file, of GEO or any other; patterns are for those who take several."""
    found = find_places([name], args).places
    if len(found) > 1:
        from mcp_server.geo.errors import AskedError

        raise AskedError(f"{name} means {len(found):,} files, and one is read here; give the whole name of one")
    return found[0]


def _is_of_geo(name: str, page: Page) -> bool:
    if not is_meant(name):
        return False
    if os.path.lexists(name):
        page.paragraph(f"{name} is here, so this is read and GEO is not asked", file=sys.stderr)
        return False
    return True


def _told(located: Located) -> Iterator[str]:
    """Say which files are read, how much they are, and what is not known."""
    from mcp_server.geo.choosing import in_words

    first, *others = [f"{in_words(file)} {_how(file, located.accession)}" for file in located.files]
    has = f"{located.accession} has {counted(located.n_others + len(located.files), '.h5ad file')}"
    if others:
        yield f"{has}: reading {len(located.files):,} of them"
        yield from (first, *others)
    else:
        yield f"{has}: reading {first}"
    yield from located.notes


def _how(file: GeoFile, accession: str) -> str:
    if file.in_place:
        return "in place"
    keeps = f"download_geo.py {accession} --file {shlex.quote(file.name)}"
    return f"after downloading it whole, for now only; {keeps} would keep it"
