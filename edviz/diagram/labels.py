"""A factor as it is named in a diagram: its name and size, written as in the language."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import count, product
from string import ascii_uppercase

from edviz.diagram.width import display_width, printable
from edviz.model import Count, Factor

LONGEST_LIST = 20
"""Columns of the longest list of sizes that is shown whole; the width of the diagram does not change it."""


def name_label(name: str, *, ascii: bool = False) -> str:
    """Return a name as it is shown: as in the language, in quotes if it is not a plain word.

    >>> print(name_label("Cell"), name_label("cell type"))
    Cell "cell type"
    """
    name = unicodedata.normalize("NFC", name)
    if name.isidentifier() and printable(name, ascii=ascii) == name:
        return name
    return '"' + printable(name.replace("\\", "\\\\").replace('"', '\\"'), ascii=ascii) + '"'


def factor_label(factor: Factor, *, ascii: bool = False, ellipsis: str = "…") -> str:
    """Return the name and size of a factor as they are shown.

    >>> factor_label(Factor("Patient", (Count(30), Count(25), Count(18))))
    'Patient[30|25|18]'
    >>> factor_label(Factor("Cell", (Count(5000, approximate=True),)))
    'Cell(~5000)'
    """
    return name_label(factor.name, ascii=ascii) + size_label(factor.size, ellipsis)


def size_label(size: tuple[Count, ...] | None, ellipsis: str = "…") -> str:
    """Return a size as in the language; of a long list only the first two entries and the last.

    >>> size_label(tuple(Count(number) for number in range(10, 40)))
    '[10|11|…|39]'
    """
    if size is None:
        return "(?)"
    entries = [count_label(entry) for entry in size]
    if len(entries) == 1:
        return f"({entries[0]})"
    return f"[{'|'.join([*entries[:2], ellipsis, entries[-1]] if is_shortened(size) else entries)}]"


def is_shortened(size: tuple[Count, ...] | None) -> bool:
    """Tell whether a size is too long to be shown whole."""
    entries = [count_label(entry) for entry in size or ()]
    return len(entries) > 4 and display_width("|".join(entries)) > LONGEST_LIST


def count_label(count: Count) -> str:
    """Return a count as in the language.

    >>> count_label(Count(8, approximate=True))
    '~8'
    """
    return f"~{count.number}" if count.approximate else str(count.number)


def keys() -> Iterator[str]:
    """Yield A, B, … Z, AA, AB, … to stand for labels where there is no room for them."""
    for length in count(1):
        yield from ("".join(letters) for letters in product(ascii_uppercase, repeat=length))
