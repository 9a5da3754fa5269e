"""Text that comes from a file, made harmless once, where it enters."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable

LONGEST_TEXT = 120
"""Names and level names are cut at this many characters."""


def harmless(text: str | bytes, *, longest: int = LONGEST_TEXT) -> str:
    r"""Show text from a file so that it cannot act on a terminal, a document or a reader.

    Control characters, direction overrides and invisible characters become visible escapes,
    undecodable bytes become U+FFFD, and long text is cut.

    Parameters
    ----------
    text
        Text, or bytes that should be UTF-8.
    longest
        The most characters in the answer.

    Examples
    --------
    >>> print(harmless("\x1b[31mred"))
    \x1b[31mred
    >>> print(harmless(b"caf\xe9"))
    caf�
    """
    decoded = text if isinstance(text, str) else text.decode("utf-8", "replace")
    if decoded.isascii() and decoded.isprintable() and len(decoded) <= longest:
        return decoded
    shown = "".join(map(_visible, decoded[: longest + 1]))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def unlike(names: Iterable[str]) -> list[str]:
    """Number names that look equal after they were made harmless, so that each stands for one thing.

    Examples
    --------
    >>> unlike(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    seen: set[str] = set()
    copies: Counter[str] = Counter()
    shown = []
    for name in names:
        different = name
        while different in seen:
            copies[name] += 1
            different = f"{name} ({copies[name] + 1})"
        seen.add(different)
        shown.append(different)
    return shown


def _visible(character: str) -> str:
    if not _is_hidden(character):
        return character
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"  # h5py hands undecodable bytes on as lone surrogates
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _is_hidden(character: str) -> bool:
    # Variation selectors count as printable, yet a row of them can carry a whole hidden message.
    if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return True
    return not character.isprintable() and unicodedata.category(character) != "Zs"
