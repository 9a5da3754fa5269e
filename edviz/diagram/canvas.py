"""A sheet of character cells to write on and to draw lines on."""

from __future__ import annotations

from collections.abc import Iterable

from edviz.diagram.styles import Arms, Style
from edviz.diagram.width import display_width


class Canvas:
    """Text and lines at places; lines that meet in a cell are joined there."""

    def __init__(self) -> None:
        self._texts: dict[int, dict[int, str]] = {}
        self._lines: dict[int, dict[int, Arms]] = {}

    @property
    def height(self) -> int:
        """Number of the rows down to the last one that is used."""
        return max((y + 1 for y in (*self._texts, *self._lines)), default=0)

    @property
    def width(self) -> int:
        """Number of the columns up to the last one that is used."""
        text_ends = [x + display_width(text) for row in self._texts.values() for x, text in row.items()]
        return max(text_ends + [x + 1 for row in self._lines.values() for x in row], default=0)

    def write(self, y: int, x: int, text: str) -> None:
        """Put `text` at row `y`, from column `x` on."""
        if text:
            self._texts.setdefault(y, {})[x] = text

    def join(self, y: int, x: int, arms: Arms) -> None:
        """Add arms to the line character at a cell."""
        row = self._lines.setdefault(y, {})
        row[x] = row.get(x, Arms()) | arms

    def vertical(self, x: int, rows: Iterable[int]) -> None:
        """Draw a single line downwards through all of the `rows`."""
        for y in rows:
            self.join(y, x, Arms(up=1, down=1))

    def is_clear(self, y: int, start: int, stop: int) -> bool:
        """Tell whether nothing is in the cells of row `y` from `start` up to, not including, `stop`."""
        texts = ((x, x + display_width(text)) for x, text in self._texts.get(y, {}).items())
        return all(end <= start or x >= stop for x, end in texts) and not any(
            start <= x < stop for x in self._lines.get(y, {})
        )

    def rows(self, style: Style) -> list[str]:
        """Return the sheet as one string a row, without spaces at the ends."""
        return [self._row(y, style) for y in range(self.height)]

    def _row(self, y: int, style: Style) -> str:
        pieces = dict(self._texts.get(y, {})) | {x: style.lines[arms] for x, arms in self._lines.get(y, {}).items()}
        row, end = "", 0
        for x, piece in sorted(pieces.items()):
            row += " " * (x - end) + piece
            end = x + display_width(piece)
        return row
