"""What the server may read and write, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edviz.errors import EdvizError

READ_ROOTS = "EDVIZ_READ_ROOTS"
WRITE_ROOTS = "EDVIZ_WRITE_ROOTS"


class PlaceError(EdvizError):
    """A path outside the folders that the server may use, or a setting that names no folder."""


@dataclass(frozen=True)
class Settings:
    """Folders that the server may use; everything below them is included.

    Attributes
    ----------
    read_roots
        Folders to read from, or None for every folder that the user can read.
    write_roots
        Folders to write to; a relative output lies in the first of them.
    """

    read_roots: tuple[Path, ...] | None
    write_roots: tuple[Path, ...]


def settings_from(environment: Mapping[str, str], working_directory: Path) -> Settings:
    """Read the settings: by default anything is read, and only the working directory is written.

    Parameters
    ----------
    environment
        Variables; the two that matter hold folders separated like those of PATH.
    working_directory
        Where relative paths start.

    Raises
    ------
    PlaceError
        If a variable names something that is no folder.
    """
    read_roots = _roots(READ_ROOTS, environment, working_directory)
    write_roots = _roots(WRITE_ROOTS, environment, working_directory)
    if not write_roots:
        here = working_directory.resolve()
        # Desktop clients start servers in the root of the file system, which nobody chose for writing.
        write_roots = () if here == Path(here.anchor) else (here,)
    return Settings(read_roots or None, write_roots)


def place_to_read(path: str, settings: Settings) -> Path | str:
    """Return the absolute path of a file to read, symbolic links resolved, or its address on a server.

    Raises
    ------
    PlaceError
        If it lies outside the folders that may be read.
    """
    if "://" in path:
        if settings.read_roots is not None:
            raise PlaceError(f"the server reads nothing from other servers while {READ_ROOTS} limits it to folders")
        return path
    place = _resolved(Path(path))
    if settings.read_roots is not None and not _is_in(place, settings.read_roots):
        raise PlaceError(_refusal("read", place, settings.read_roots, READ_ROOTS))
    return place


def place_to_write(path: str, settings: Settings) -> Path:
    """Return the absolute path of a file to write, symbolic links resolved.

    Raises
    ------
    PlaceError
        If it lies outside the folders that may be written.
    """
    if not settings.write_roots:
        raise PlaceError(f"the server may not write anywhere: set {WRITE_ROOTS} to the folders that it may write to")
    place = _resolved(settings.write_roots[0] / Path(path).expanduser())
    if not _is_in(place, settings.write_roots):
        raise PlaceError(_refusal("write", place, settings.write_roots, WRITE_ROOTS))
    return place


def _roots(variable: str, environment: Mapping[str, str], working_directory: Path) -> tuple[Path, ...]:
    named = [name for name in environment.get(variable, "").split(os.pathsep) if name]
    roots = [_resolved(working_directory / Path(name).expanduser()) for name in named]
    for name, root in zip(named, roots, strict=True):
        if not root.is_dir():
            raise PlaceError(f"{variable} names {name}, which is not a folder")
    return tuple(roots)


def _resolved(path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise PlaceError(f"{str(path)!r} is not a path: {error}") from error


def _is_in(place: Path, roots: tuple[Path, ...]) -> bool:
    return any(place.is_relative_to(root) for root in roots)


def _refusal(verb: str, place: Path, roots: tuple[Path, ...], variable: str) -> str:
    named = ", ".join(map(str, roots))
    return f"the server may not {verb} {place}; it may {verb} below {named} (set by {variable})"
