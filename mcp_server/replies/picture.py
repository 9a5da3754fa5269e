"""A picture as what a tool answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """A PNG file with what is to be said of it.

    Attributes
    ----------
    uri
        Of the resource by which it can be had again.
    alt_text
        What is to be seen, in a sentence.
    caption
        What it shows, with numbers; it may hold names from a file.
    """

    path: Path
    uri: str
    alt_text: str
    caption: str
