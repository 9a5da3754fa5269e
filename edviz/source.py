"""Designs from wherever they are written: a text, a text file, a design card or an .h5ad file."""

from __future__ import annotations

import json
from pathlib import Path

from edviz.errors import DesignError
from edviz.grammar import loads
from edviz.model import Design

LARGEST_TEXT = 1_000_000
"""A design is a few lines; a file with more bytes than this is something else."""
FIRST_BYTES = (b"\x89HDF", b"\x1f\x8b")
"""Of an HDF5 file, and of one compressed with gzip."""
FILE_SUFFIXES = (".h5ad", ".h5ad.gz", ".md", ".txt", ".edviz")


def design_of(text_or_path: str) -> Design:
    """Return the design in a text, or in the file of that path if there is one.

    Raises
    ------
    DesignError
        If this is the name of a file that does not exist, or of one without a design.
    GrammarError
        If the text is not in the edviz language.
    H5adError
        If it is an .h5ad file that cannot be read.
    """
    if text_or_path and _exists(text_or_path):
        return design_of_file(Path(text_or_path))
    if "://" in text_or_path and "\n" not in text_or_path:
        return _infer(text_or_path)
    if text_or_path.strip().lower().endswith(FILE_SUFFIXES):
        raise DesignError(f"no such file: {text_or_path}")
    return design_of_text(text_or_path)


def design_of_file(path: Path) -> Design:
    """Return the design in a text file or a design card, or infer that of an .h5ad file.

    Raises
    ------
    DesignError
        If the file holds no design.
    GrammarError
        If its text is not in the edviz language.
    H5adError
        If it is an .h5ad file that cannot be read.
    """
    if path.is_dir():
        raise DesignError(f"{path} is a folder; name a file with a design, a design card or an .h5ad file")
    with path.open("rb") as file:
        start = file.read(LARGEST_TEXT + 1)
    if path.suffix == ".h5ad" or start.startswith(FIRST_BYTES):
        return _infer(path)
    if len(start) > LARGEST_TEXT:
        raise DesignError(f"{path} holds more than {LARGEST_TEXT:,} bytes, which is too long for a design")
    try:
        return design_of_text(start.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise DesignError(f"{path} is neither text nor an .h5ad file") from None


def design_of_text(text: str) -> Design:
    """Return the design that a text or a design card holds.

    Raises
    ------
    DesignError
        If the text has the front matter of a card, but no design in it.
    GrammarError
        If it is not in the edviz language.
    """
    card = text.startswith(("---\n", "---\r\n"))
    design = loads(_written_on_card(text) if card else text)
    if not design.factors:
        raise DesignError("the text holds no design; write one such as 'donor(8) > sample(2)'")
    return design


def _infer(path: Path | str) -> Design:
    # Only this kind of source needs numpy.
    from edviz.infer import infer_design
    from edviz.supervised import start_reading

    with start_reading(path, factors=True) as reading:
        return infer_design(reading.factors()).design


def _written_on_card(card: str) -> str:
    """Take the entry `design` out of the front matter, whose values are JSON."""
    for line in card.splitlines()[1:]:
        if line == "---":
            break
        key, _, value = line.partition(": ")
        if key == "design":
            return _string_of(value)
    raise DesignError("the text starts like a design card, but its front matter has no entry 'design'")


def _string_of(value: str) -> str:
    try:
        text = json.loads(value)
    except ValueError:
        text = None
    if not isinstance(text, str):
        raise DesignError("the entry 'design' of the card is not a string in double quotes")
    return text


def _exists(text_or_path: str) -> bool:
    try:
        return Path(text_or_path).exists()
    except (OSError, ValueError):
        # Longer than a path may be, or with a character that no path has.
        return False
