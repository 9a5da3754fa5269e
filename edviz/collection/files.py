"""Which files are meant: paths, patterns, folders and addresses, each file once."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from edviz.collection.record import Record
from edviz.h5ad.strings import harmless

SUFFIXES = (".h5ad", ".h5ad.gz")
MARKS_OF_ZARR = frozenset((".zgroup", ".zattrs", "zarr.json"))
"""A folder with one of these is a Zarr store: one data set, and not a folder of files."""


@dataclass(frozen=True)
class Files:
    """Files that were found.

    Attributes
    ----------
    locations
        Paths and addresses, in the order of the arguments; below a folder, in alphabetical order.
    missing
        A record for every argument, or folder below one, that led to no file, with the reason as its error.
    """

    locations: tuple[str, ...]
    missing: tuple[Record[None], ...]


def find_files(arguments: Iterable[str]) -> Files:
    """Find the files that arguments name.

    An address stays as it is, and so does the path of a file, even of one that does not exist: reading it
    says so. A folder stands for the .h5ad and .h5ad.gz files below it, but for hidden ones; links to folders
    are not followed. Anything else with one of the characters * ? [ is a pattern, in which ** stands for
    folders however deep. A file that is reached twice counts once.

    Examples
    --------
    >>> find_files(["b.h5ad", "a.h5ad", "./b.h5ad", "https://host.org/c.h5ad"]).locations
    ('b.h5ad', 'a.h5ad', 'https://host.org/c.h5ad')
    """
    found: dict[str, str] = {}
    missing: list[Record[None]] = []
    for argument in arguments:
        for location in _named_by(argument, missing):
            found.setdefault(location if _is_address(location) else os.path.realpath(location), location)
    return Files(tuple(found.values()), tuple(missing))


def is_one_file(arguments: Sequence[str]) -> bool:
    """Say whether the arguments name one file by its path or address, rather than a folder, a pattern or several."""
    return len(arguments) == 1 and not _is_folder(arguments[0]) and not _is_pattern(arguments[0])


def holds_files(folder: str) -> bool:
    """Say whether there are .h5ad or .h5ad.gz files below a folder."""
    return next(_in_folder(folder, []), None) is not None


def common_folder(locations: Iterable[str]) -> str:
    """Return the folder that holds all local files, or "" where they have none in common.

    Examples
    --------
    >>> common_folder(["data/a/x.h5ad", "data/b/y.h5ad"]), common_folder(["x.h5ad", "data/y.h5ad"])
    ('data', '')
    """
    folders = [os.path.dirname(os.path.normpath(location)) for location in locations if not _is_address(location)]
    if len({os.path.isabs(folder) for folder in folders}) != 1:
        return ""
    return os.path.commonpath(folders)


def _named_by(argument: str, missing: list[Record[None]]) -> Iterator[str]:
    if _is_folder(argument):
        yield from _in_folder(argument, missing)
    elif _is_pattern(argument):
        matches = sorted(glob.glob(argument, recursive=True))
        if not matches:
            missing.append(Record(argument, f"{harmless(argument, longest=1000)} matches no file.", None))
        for match in matches:
            # `**` matches folders, too; their files are matched by themselves.
            if not _is_folder(match):
                yield match
            elif "**" not in argument:
                yield from _in_folder(match, missing)
    else:
        yield argument


def _in_folder(folder: str, missing: list[Record[None]]) -> Iterator[str]:
    """Yield the files below a folder; say so if there is none."""
    n_found = n_missing = 0

    def cannot_be_listed(error: OSError) -> None:
        nonlocal n_missing
        n_missing += 1
        path = error.filename or folder
        said = f"{harmless(path, longest=1000)} is a folder that cannot be listed ({error.strerror})."
        missing.append(Record(path, said, None))

    for here, folders, names in os.walk(folder, onerror=cannot_be_listed):
        folders[:] = [] if MARKS_OF_ZARR.intersection(names) else sorted(filter(_is_visible, folders))
        for name in sorted(names):
            if _is_visible(name) and name.lower().endswith(SUFFIXES):
                n_found += 1
                yield os.path.normpath(os.path.join(here, name))
    if not n_found and not n_missing:
        said = f"{harmless(folder, longest=1000)} is a folder without .h5ad files; name one that holds some."
        missing.append(Record(folder, said, None))


def _is_visible(name: str) -> bool:
    return not name.startswith(".")


def _is_folder(argument: str) -> bool:
    if _is_address(argument) or not os.path.isdir(argument):
        return False
    return not any(os.path.exists(os.path.join(argument, mark)) for mark in MARKS_OF_ZARR)


def _is_pattern(argument: str) -> bool:
    return not _is_address(argument) and glob.has_magic(argument) and not os.path.lexists(argument)


def _is_address(argument: str) -> bool:
    return "://" in argument
