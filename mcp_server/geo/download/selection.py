"""Which files of a series are meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from edviz.h5ad.strings import harmless
from mcp_server.geo.download.errors import DownloadError
from mcp_server.geo.download.record import Source

H5AD = ("*.h5ad", "*.h5ad.gz")
MOST_NAMED = 8


def select_files(files: Sequence[Source], patterns: Sequence[str], accession: str) -> tuple[Source, ...]:
    """Return the files that patterns name, or the .h5ad files if there are no patterns.

    Parameters
    ----------
    patterns
        Names in which `*` stands for any characters and `?` for one; upper and lower case are the same.
    accession
        What errors call the series.

    Raises
    ------
    DownloadError
        If a pattern fits no file.

    Examples
    --------
    >>> files = [Source("https://host.org/" + name, name, 1) for name in ("A.h5ad.gz", "B.csv", "C.H5AD")]
    >>> [file.name for file in select_files(files, [], "GSE1")]
    ['A.h5ad.gz', 'C.H5AD']
    >>> [file.name for file in select_files(files, ["b*"], "GSE1")]
    ['B.csv']
    """
    for pattern in patterns:
        if not any(_fits(file, [pattern]) for file in files):
            raise DownloadError(f"{accession} has no file {harmless(pattern)!r}; it has {_names(files)}")
    wanted = tuple(file for file in files if _fits(file, patterns or H5AD))
    if not wanted:
        raise DownloadError(
            f"{accession} has no .h5ad file; it has {_names(files)}: say by name or pattern which are meant"
        )
    return wanted


def _fits(file: Source, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(file.name.lower(), pattern.lower()) for pattern in patterns)


def _names(files: Sequence[Source]) -> str:
    shown = [harmless(file.name, longest=80) for file in files[:MOST_NAMED]]
    more = len(files) - len(shown)
    return (", ".join(shown) or "no files") + (f" and {more:,} more" if more else "")
