"""Which file of a series is meant by `GSE123456` or `GSE123456/name`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase

from edviz.h5ad.strings import harmless
from mcp_server.geo.download.sizes import shown_size
from mcp_server.geo.errors import AskedError
from mcp_server.geo.files import GeoFile, GeoFiles
from mcp_server.geo.kinds import is_h5ad

ANY = frozenset("*?")
MOST_NAMED = 20


class SeveralFilesError(AskedError):
    """Several files where one is meant; the text lists them and says how to name one."""


def choose_files(found: GeoFiles, pattern: str | None) -> tuple[GeoFile, ...]:
    """Return the files that are meant.

    Parameters
    ----------
    pattern
        A name, or a pattern in which `*` stands for any characters and `?` for one; of a pattern the .h5ad files are
        meant. Without one: the .h5ad files of the series itself, or else those of its samples.

    Raises
    ------
    AskedError
        If there is no such file; the text says what there is.
    """
    h5ad = [file for file in found.files if is_h5ad(file.name)]
    if pattern is None:
        own = [file for file in h5ad if file.sample is None]
        chosen = own or h5ad
    else:
        named = [file for file in found.files if file.name == pattern]
        chosen = named or [file for file in h5ad if fnmatchcase(file.name.lower(), pattern.lower())]
    if not chosen:
        raise AskedError(_missing(found, h5ad, pattern))
    return tuple(chosen)


def require_one(files: Sequence[GeoFile], accession: str) -> GeoFile:
    """Return the one file that is meant.

    Raises
    ------
    SeveralFilesError
        If there are several.
    """
    if len(files) == 1:
        return files[0]
    example = next((file for file in files if file.in_place), files[0])
    raise SeveralFilesError(
        f"{accession} has {len(files):,} .h5ad files; name one, such as {shlex.quote(f'{accession}/{example.name}')}, "
        f"or all of them with '{accession}/*':{_lines(files, accession)}"
    )


def in_words(file: GeoFile) -> str:
    """Say what a file is called and how much it is."""
    told = [*([] if file.size is None else [shown_size(file.size)]), *(["compressed"] if file.compression else [])]
    return f"{file.name} ({', '.join(told)})" if told else file.name


def _missing(found: GeoFiles, h5ad: Sequence[GeoFile], pattern: str | None) -> str:
    accession = found.accession
    if pattern is not None and h5ad:
        return f"{accession} has no .h5ad file '{harmless(pattern)}'; it has:{_lines(h5ad, accession)}"
    wanted = "no .h5ad file" if pattern is None else f"no file '{harmless(pattern)}', nor any .h5ad file"
    unknown = f" ({'; '.join(found.notes)})" if found.notes else ""
    has = f"it has:{_lines(found.files, accession)}" if found.files else f"see {found.page}"
    return f"{accession} has {wanted}{unknown}; {has}"


def _lines(files: Sequence[GeoFile], accession: str) -> str:
    more = len(files) - MOST_NAMED
    lines = [f"\n  {in_words(file)}" for file in files[:MOST_NAMED]]
    return "".join(lines) + (f"\n  and {more:,} more, which list_geo_files.py {accession} names" if more > 0 else "")
