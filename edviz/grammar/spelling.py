"""How names and sizes are spelled: names bare where they can be, quoted with escapes otherwise."""

from __future__ import annotations

import re
import unicodedata

from edviz.grammar.mistakes import MistakeError, look_alike_hint
from edviz.model import Count

_BARE = re.compile(r"[^\W\d]\w*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_SIMPLE_ESCAPES = {'"': '"', "\\": "\\", "n": "\n"}
_HIGHEST_CODE_POINT = 0x10FFFF


def read_bare(spelling: str, place: int) -> str:
    """Return the name that a bare spelling stands for, in Unicode normal form C.

    Raises
    ------
    MistakeError
        If a character cannot be part of a bare name.
    """
    name = unicodedata.normalize("NFC", spelling)
    if name.isidentifier():
        return name
    odd = next(index for index, character in enumerate(spelling) if not ("a" + character).isidentifier())
    hint = look_alike_hint(spelling[odd]) or f"write the name in quotes: {spell_quoted(name)}"
    raise MistakeError(f"{spelling[odd]!r} cannot be part of a name without quotes", place + odd, hint=hint)


def read_quoted(spelling: str, place: int) -> str:
    r"""Return the name that a quoted spelling stands for.

    What is typed is brought into Unicode normal form C; what is escaped stays as it is.

    Raises
    ------
    MistakeError
        If a backslash does not begin one of the escapes ``\"``, ``\\``, ``\n``, ``\uXXXX`` and ``\UXXXXXXXX``.
    """
    pieces = []
    position = 1
    for index, piece in enumerate(_ESCAPE.split(spelling[1:-1])):
        is_escape = index % 2 == 1
        pieces.append(_unescape(piece, place + position) if is_escape else unicodedata.normalize("NFC", piece))
        position += len(piece) + is_escape
    return "".join(pieces)


def _unescape(code: str, place: int) -> str:
    if code in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[code]
    if len(code) > 1 and int(code[1:], 16) <= _HIGHEST_CODE_POINT:
        return chr(int(code[1:], 16))
    raise MistakeError(
        rf"'\{code}' is not an escape",
        place,
        hint=r"the escapes are \" \\ \n \uXXXX and \UXXXXXXXX; write \\ for a backslash",
    )


def spell(name: str, *, ascii: bool = False) -> str:
    """Write a name so that it reads back as the same name, with quotes only where they are needed."""
    bare = _BARE.fullmatch(name) and name.isidentifier() and name.isprintable() and _is_composed(name)
    return name if bare and (name.isascii() or not ascii) else spell_quoted(name, ascii=ascii)


def spell_quoted(name: str, *, ascii: bool = False) -> str:
    r"""Write a name in quotes; what cannot be printed, or would change when typed, is escaped."""
    only_ascii = ascii or not _is_composed(name)
    return '"' + "".join(_spell_character(character, only_ascii) for character in name) + '"'


def _is_composed(name: str) -> bool:
    return unicodedata.is_normalized("NFC", name)


def _spell_character(character: str, only_ascii: bool) -> str:
    if character == "\n":
        return r"\n"
    if character in '"\\':
        return "\\" + character
    if character.isprintable() and (character.isascii() or not only_ascii):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def spell_size(size: tuple[Count, ...] | None) -> str:
    """Write a size as it stands beside a factor."""
    if size is None:
        return "(?)"
    counts = [f"~{count.number}" if count.approximate else str(count.number) for count in size]
    return f"({counts[0]})" if len(counts) == 1 else f"[{'|'.join(counts)}]"
