"""How many columns a text takes in a terminal, and how to shorten or break it to fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

VARYING = {*range(0x1F1E6, 0x1F200), *range(0x1F3FB, 0x1F400), *range(0xFE00, 0xFE10), 0x115F, 0x1160, 0x3164, 0xFFA0}
"""Parts of flags, skin tones, variation selectors and fillers: terminals do not agree on their width."""


def display_width(text: str) -> int:
    """Return the number of terminal columns of `text`; a character of ambiguous width takes one.

    >>> display_width("Cell"), display_width("细胞"), display_width("é")
    (4, 4, 1)
    """
    return sum(_character_width(character) for character in text)


def printable(text: str, *, ascii: bool = False) -> str:
    r"""Return `text` in NFC with every character that does not print as itself shown as in a quoted name.

    Text from a file is data: it cannot move the cursor, change colours or turn the direction of writing.

    >>> print(printable("a\x1b[31m\u202eb"))
    a\u001b[31m\u202eb
    """
    return escaped(unicodedata.normalize("NFC", text), ascii=ascii)


def escaped(text: str, *, ascii: bool = False) -> str:
    """Do as `printable` does, but leave accents as they are stored, so that a name is still found by what is shown."""
    return "".join(_escaped(character, ascii) for character in text)


def elide(text: str, columns: int, ellipsis: str) -> str:
    """Shorten `text` to `columns`, ending in `ellipsis` where something was left out."""
    if display_width(text) <= columns:
        return text
    room = columns - display_width(ellipsis)
    return next(hard_pieces(text, room)) + ellipsis if room > 0 else ""


def pad(text: str, columns: int) -> str:
    """Fill `text` with spaces up to `columns`."""
    return text + " " * (columns - display_width(text))


def hard_pieces(text: str, columns: int) -> Iterator[str]:
    """Cut `text` into pieces of at most `columns`, wherever that falls; an accent stays with its letter."""
    piece = ""
    for character in text:
        if piece and display_width(piece + character) > columns:
            yield piece
            piece = ""
        piece += character
    yield piece


def _character_width(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character).startswith("M") or _joins_a_syllable(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _joins_a_syllable(character: str) -> bool:
    """Tell whether a Hangul vowel or final consonant is drawn inside the syllable before it."""
    return "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff"


def _escaped(character: str, ascii: bool) -> str:
    code = ord(character)
    if character.isprintable() and code not in VARYING and (character.isascii() or not ascii):
        return character
    if character == "\n":
        return r"\n"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
