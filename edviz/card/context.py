"""The part of a card that belongs to its reader: kept, word for word, when the card is written again."""

from __future__ import annotations

import re

from edviz.errors import OutputError

BEGIN = "<!-- biological context: yours from here; writing the card again keeps it -->"
END = "<!-- biological context: end -->"
_BLOCK = re.compile(re.escape(BEGIN) + r"\n(.*?)\n" + re.escape(END), re.DOTALL)

EMPTY = """\
- **Experiment type:** *(not filled in)*
- **Research question:** *(not filled in)*
- **Meaning of the factors:** *(not filled in)*
- **Not in the file:** *(not filled in)*"""
"""What a new card holds; it names what a reader should add."""


def context_of(card: str, path: str) -> str:
    """Take what the reader wrote out of a card.

    Raises
    ------
    OutputError
        If the text is no design card, or the marks around the context are gone.
    """
    if not card.startswith("---\n") or '\ncard: "design"\n' not in card.split("\n---\n", 1)[0] + "\n":
        raise OutputError(f"{path} exists and is not a design card; choose another output, or remove it first")
    found = _BLOCK.search(card)
    if found is None:
        raise OutputError(
            f"{path} has lost the comments around its section 'Biological context', so what was written there "
            "cannot be kept; put them back, or choose another output"
        )
    return found.group(1)


def block(context: str) -> str:
    """Wrap what the reader wrote in the marks that find it again."""
    return f"{BEGIN}\n{context}\n{END}"
