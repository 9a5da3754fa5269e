"""Names for the cards of many files in one folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from edviz.card.writing import SUFFIX, stem_of
from edviz.collection.record import shown_path
from edviz.errors import OutputError

MOST_FOLDERS = 8
"""Folders of a path that a name may be made longer by."""


def card_paths(locations: Sequence[str], folder: Path) -> dict[str, str]:
    """Choose a path for the card of every file, and make the folder if it is needed and not there.

    Raises
    ------
    OutputError
        If there is no such folder and none can be made.
    """
    try:
        if locations:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the cards need a folder, and {folder} cannot be one: {error.strerror}") from error
    return {location: str(folder / name) for location, name in card_names(locations).items()}


def card_names(locations: Sequence[str]) -> dict[str, str]:
    """Choose a name for the card of every file: that of the file, with those folders in front that tell it apart.

    Names are also different where upper and lower case are not.

    Examples
    --------
    >>> card_names(["a/x.h5ad", "a/y.h5ad", "b/y.h5ad"])
    {'a/x.h5ad': 'x.design-card.md', 'a/y.h5ad': 'a-y.design-card.md', 'b/y.h5ad': 'b-y.design-card.md'}
    """
    stems = {location: _stem(location, 0) for location in locations}
    for n_folders in range(1, MOST_FOLDERS + 1):
        often = Counter(map(str.casefold, stems.values()))
        for location, stem in stems.items():
            if often[stem.casefold()] > 1:
                stems[location] = _stem(location, n_folders)
    return {location: f"{stem}{SUFFIX}" for location, stem in _numbered(stems).items()}


def _stem(location: str, n_folders: int) -> str:
    """Name a file by the last parts of its path."""
    name = stem_of(location)
    path = shown_path(location).partition("://")[2] or location
    folders = [part for part in PurePath(path).parts[:-1] if part.strip("/\\.")]
    return "-".join([*folders[-n_folders:], name]) if n_folders else name


def _numbered(stems: dict[str, str]) -> dict[str, str]:
    """Number what no folder tells apart."""
    taken: set[str] = set()
    different = {}
    for location, stem in stems.items():
        number, name = 1, stem
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        different[location] = name
    return different
