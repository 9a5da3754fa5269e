"""Texts from files, which may hold anything: shown as they are where that is harmless, and never too long."""

from __future__ import annotations

from typing import Any

from edviz.diagram.width import escaped

LONGEST_TEXT = 1_000
"""The sentences of the library are shorter, whatever names they quote."""
LONGEST_ERROR = 4_000
LONGEST_DRAWING = 50_000
IN_LINES = frozenset({"call", "design", "diagram", "hasse"})
"""Written by the library over several lines; names in them are quoted and escaped already."""


def safe(value: Any, entry: str = "") -> Any:
    r"""Escape and shorten all texts of a plain value.

    Parameters
    ----------
    value
        Dicts, lists, texts and numbers.
    entry
        Name of the entry that holds it.

    Examples
    --------
    >>> safe({"level": "a\x1b[31m" + "b" * 5000})["level"][:20]
    'a\\u001b[31mbbbbbbbbb'
    """
    if isinstance(value, dict):
        return {shortened(escaped(key), LONGEST_TEXT): safe(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [safe(part, entry) for part in value]
    if isinstance(value, str):
        return _safe_text(value, entry)
    return value


def safe_error(text: str) -> str:
    """Escape and shorten an error of one or several lines: it may name what is in a file."""
    return _in_lines(text, LONGEST_ERROR)


def shortened(text: str, most: int) -> str:
    """Cut a text and say how much is missing.

    >>> shortened("abcdef", 4)
    'abcd… (2 more characters)'
    """
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def _safe_text(text: str, entry: str) -> str:
    if entry in IN_LINES:
        return _in_lines(text, LONGEST_DRAWING)
    return shortened(escaped(text), LONGEST_TEXT)


def _in_lines(text: str, most: int) -> str:
    return shortened("\n".join(map(escaped, text.split("\n"))), most)
