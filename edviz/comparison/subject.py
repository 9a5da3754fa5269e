"""What is compared: a design with its name and all that its source tells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edviz.counts import CountRange, total_levels
from edviz.diagram.width import elide, printable
from edviz.model import Design
from edviz.source import KnownDesign, known_design_of, known_design_of_file, known_design_of_text

LONGEST_NAME = 60


@dataclass(frozen=True)
class Subject:
    """One of the designs that are compared.

    Attributes
    ----------
    name
        What it is called: the path or address as given, or the text itself, shortened.
    known
        The design and what its source tells.
    """

    name: str
    known: KnownDesign

    @property
    def design(self) -> Design:
        """The design."""
        return self.known.design

    def total(self, factor: str) -> CountRange:
        """Return the levels of a factor in all: as counted, or as they follow from the sizes."""
        return self._totals[factor]

    @cached_property
    def _totals(self) -> dict[str, CountRange]:
        counted = {name: CountRange(n, n, approximate=False) for name, n in self.known.totals.items()}
        left = [name for name in self.design.names if name not in counted]
        return counted | {name: total_levels(self.design, name) for name in left}

    def levels(self, factor: str) -> tuple[str, ...]:
        """Return the names of the levels of a factor, none if they are not known."""
        return self.known.levels.get(factor, ())


def subject_of_text(text: str) -> Subject:
    """Read a text in the edviz language, JSON or a card; raises as `subject_of` does."""
    return Subject(_shortened(text), known_design_of_text(text))


def subject_of_file(path: Path) -> Subject:
    """Read a file; raises as `subject_of` does, or an OSError if there is none."""
    return Subject(printable(str(path)), known_design_of_file(path, contents=True))


def subject_of(text_or_path: str) -> Subject:
    """Read a design: a text in the edviz language, or a file with one, a card, JSON or an .h5ad file.

    Parameters
    ----------
    text_or_path
        A text, a path, or the address of a file on a server.

    Raises
    ------
    DesignError
        If there is no such file, or no design in it.
    GrammarError
        If the text is not in the edviz language.
    H5adError
        If it is an .h5ad file that cannot be read.
    """
    return Subject(_shown(text_or_path), known_design_of(text_or_path, contents=True))


def _shown(text_or_path: str) -> str:
    if "://" in text_or_path and "\n" not in text_or_path:
        from edviz.remote import location_of

        # Passwords and tokens are not shown.
        location = location_of(text_or_path)
        return printable(text_or_path) if location is None else location.name
    if _is_file(text_or_path):
        return printable(text_or_path)
    return _shortened(text_or_path)


def _shortened(text: str) -> str:
    return elide(printable("; ".join(text.splitlines())), LONGEST_NAME, "…")


def _is_file(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False
