"""Writing a file so that it is whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edviz.errors import EdvizError, OutputError


@contextmanager
def writing(target: Path) -> Iterator[TextIO]:
    """Write beside the target and rename at the end, so that there is never half a file; a link stays one.

    Parameters
    ----------
    target
        The file to write or to replace.

    Yields
    ------
    The stream to write to.

    Raises
    ------
    OutputError
        If it cannot be written; what was there before stays as it was.
    """
    with replacing(target) as part, part.open("w", encoding="utf-8", newline="\n") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a place beside the target to write to, and put what is there in the target's place at the end.

    Raises
    ------
    OutputError
        If it cannot be written; what was there before stays as it was.
    """
    target = target.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        os.close(handle)
    except OSError as error:
        raise OutputError(f"cannot write in the folder {target.parent}: {error.strerror}") from error
    part = Path(name)
    try:
        yield part
        part.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        part.replace(target)
    except (EdvizError, BrokenPipeError):
        raise  # trouble of the one who writes, not of the file
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def is_same_file(target: Path, source: str | os.PathLike[str]) -> bool:
    """Say whether a target is where something comes from; a text or an address is no file."""
    try:
        return target.samefile(source)
    except (OSError, ValueError):
        return False


def refuse_to_replace(target: Path, *sources: str) -> None:
    """Refuse to write where data is: in the place of a source, or of any HDF5 or compressed file.

    Raises
    ------
    OutputError
        If that would be so; the text names another way.
    """
    for source in sources:
        if is_same_file(target, source):
            raise OutputError(f"{target} is the file that is read; choose another output")
    if not target.is_file():
        return
    with target.open("rb") as file:
        start = file.read(8)
    if start.startswith((b"\x89HDF", b"\x1f\x8b")):
        raise OutputError(f"{target} is a file of data, which is not replaced; choose another output")


def require_place(target: Path, ending: str) -> None:
    """Refuse a target before anything is computed: another ending than that of its kind, or no folder to write in.

    Raises
    ------
    OutputError
        If that is so; the text says what would be right.
    """
    if target.suffix.lower() != ending:
        raise OutputError(f"{target} does not end in {ending}, which is what is written; name the output so")
    if not target.parent.is_dir():
        raise OutputError(f"cannot write in the folder {target.parent}: there is none; make it first")
    _require_writable(target.parent)


def require_place_of_folder(target: Path) -> None:
    """Refuse a folder that is to be made, with those above it, before anything is computed.

    Raises
    ------
    OutputError
        If a file is where a folder should be, or the folder that is there may not be written in.
    """
    above = next(folder for folder in target.absolute().parents if folder.exists())
    if not above.is_dir():
        raise OutputError(f"cannot make the folder {target}: {above} is a file; name another output")
    _require_writable(above)


def _require_writable(folder: Path) -> None:
    try:
        # Permissions say little: root has all, and some file systems take no files.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"cannot write in the folder {folder}: it may not be written in") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
