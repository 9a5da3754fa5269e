"""Drawing a plot: panels of cells, a legend that can be read, and a PNG that is small enough."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import bidirectional

import numpy as np
from numpy.typing import NDArray

from edviz.output import replacing
from mcp_server.embeddings.blocks import Block, Panel, shown
from mcp_server.embeddings.colours import LIGHT_GREY, OKABE_ITO, Entry, Key
from mcp_server.embeddings.errors import needs
from mcp_server.embeddings.placing import label_places
from mcp_server.embeddings.reading import Coordinates

LEFT_TO_RIGHT = "\u200e"
"""A mark of Unicode without a shape of its own."""
MOST_PIXELS = 1568
PREFERRED_RATIO = 1.3
"""Width by height of a sheet that suits a screen."""
MOST_BYTES = 750_000
FINEST = 160
"""Dots per inch; text of 8 points has 18 dots then."""
COLOURS, N_GREYS, N_OF_NUMBERS = 256, 16, 64
TEXT, SMALL_TEXT, TITLE = 8.5, 7.0, 10.0
ROW, SWATCH, GAP, MARGIN = 0.185, 0.2, 0.28, 0.12
"""Inches: a line of a legend, its dot, what is between things, the margin."""
TITLE_ROOM, PANEL_TITLE_ROOM, AXIS_ROOM = 0.34, 0.26, 0.17
BAR_WIDTH, BAR_ROOM = 0.16, 0.85
WIDTHS = {1: 6.0, 2: 4.4, 3: 3.3, 4: 2.7}
FLATTEST, TALLEST = 0.55, 1.5
MOST_LABELS_BY_NAME, LONGEST_LABEL, SHORT_LABEL = 20, 14, 4
FEWEST_LEVELS_WITH_LABELS = 9
LONGEST_NAME, LONGEST_NAME_OF_SEVERAL = 38, 24
FEW_CELLS = 100
RARE, SIZE_OF_RARE, TOP = 0.005, 8.0, 2
"""Levels with a smaller share of the cells are drawn last and not too small, or no dot of them might be seen."""
FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", "Microsoft YaHei")


@dataclass(frozen=True)
class PngSize:
    """A picture as it was written.

    Attributes
    ----------
    boxes
        Characters that no font here has, and that are drawn as boxes.
    """

    width: int
    height: int
    n_bytes: int
    boxes: str


@dataclass(frozen=True)
class _Place:
    """A rectangle in inches from the upper left."""

    x: float
    y: float
    width: float
    height: float


def draw(blocks: Sequence[Block], target: Path, *, title: str, description: str, seed: int) -> PngSize:
    """Draw blocks below each other, or side by side where each has one panel, and write them as PNG.

    Parameters
    ----------
    description
        Alternative text, which goes into the file, too.

    Raises
    ------
    EmbeddingError
        If matplotlib is missing.
    OutputError
        If the file cannot be written.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.font_manager import get_font_names
    except ImportError as error:
        raise needs("matplotlib", "plots") from error
    known = set(get_font_names())
    look: dict[Any, Any] = {
        "font.family": [font for font in FONTS if font in known],
        "font.size": TEXT,
        "text.parse_math": False,
    }
    with mpl.rc_context({**look, "axes.linewidth": 0.6}), warnings.catch_warnings(record=True) as complaints:
        warnings.filterwarnings("always", message="Glyph")
        figure = Figure(dpi=FINEST)
        FigureCanvasAgg(figure)
        width, height = _Sheet(figure, seed).fill(blocks)
        dpi = min(FINEST, (MOST_PIXELS - 1) / max(width, height))
        png = _small_png(figure, dpi, title, description, _palette_of(blocks))
    with replacing(target) as part:
        part.write_bytes(png.data)
    return PngSize(png.width, png.height, len(png.data), _without_glyph(complaints))


def _without_glyph(complaints: Sequence[warnings.WarningMessage]) -> str:
    """Return the characters of which matplotlib complained that no font has them, each once."""
    found = (re.match(r"Glyph (\d+) ", str(complaint.message)) for complaint in complaints)
    return "".join(dict.fromkeys(chr(int(match[1])) for match in found if match))


@dataclass(frozen=True)
class _Grid:
    """Widths of columns and heights of rows, in inches."""

    widths: tuple[float, ...]
    heights: tuple[float, ...]

    @property
    def width(self) -> float:
        """Width of the sheet."""
        return sum(self.widths) + GAP * (len(self.widths) - 1) + 2 * MARGIN

    @property
    def height(self) -> float:
        """Height of the sheet."""
        return sum(self.heights) + GAP * (len(self.heights) - 1) + 2 * MARGIN


class _Sheet:
    """A figure that grows: everything is placed in inches first, and drawn once the size is known."""

    def __init__(self, figure: Any, seed: int) -> None:
        self._figure = figure
        self._random = np.random.default_rng(seed)
        self._longest_name = LONGEST_NAME

    def fill(self, blocks: Sequence[Block]) -> tuple[float, float]:
        """Draw blocks in a grid, and return the size of the whole in inches."""
        self._longest_name = LONGEST_NAME if len(blocks) == 1 else LONGEST_NAME_OF_SEVERAL
        grids = [self._grid_of(blocks, n_columns) for n_columns in self._column_numbers(blocks)]
        # What is smaller in inches has larger text in pixels.
        grid = min(grids, key=lambda grid: max(grid.width, PREFERRED_RATIO * grid.height))
        self._figure.set_size_inches(grid.width, grid.height)
        for number, block in enumerate(blocks):
            row, column = divmod(number, len(grid.widths))
            x = MARGIN + sum(grid.widths[:column]) + GAP * column
            y = MARGIN + sum(grid.heights[:row]) + GAP * row
            self._draw_block(block, x, y, len(grid.widths))
        return grid.width, grid.height

    @staticmethod
    def _column_numbers(blocks: Sequence[Block]) -> tuple[int, ...]:
        return (1, 2) if len(blocks) > 1 and all(len(block.panels) == 1 for block in blocks) else (1,)

    def _grid_of(self, blocks: Sequence[Block], n_columns: int) -> _Grid:
        sizes = [self._size(block, n_columns) for block in blocks]
        widths = [max(size[0] for size in sizes[column::n_columns]) for column in range(n_columns)]
        rows = [sizes[start : start + n_columns] for start in range(0, len(sizes), n_columns)]
        return _Grid(tuple(widths), tuple(max(size[1] for size in row) for row in rows))

    def _size(self, block: Block, n_side_by_side: int) -> tuple[float, float]:
        grid = self._grid(block, n_side_by_side)
        legend = self._legend_size(block, grid.height)
        room = GAP / 2 + legend[0] if legend[0] else 0
        height = (TITLE_ROOM if block.title else 0) + max(grid.height + AXIS_ROOM, legend[1])
        return AXIS_ROOM + grid.width + room, height

    def _grid(self, block: Block, n_side_by_side: int) -> _Place:
        """Return the size of all panels of a block, and in x and y how many columns and rows they make."""
        n = len(block.panels)
        n_columns = n if n <= 3 else min(4, math.ceil(math.sqrt(n)))
        n_rows = math.ceil(n / n_columns)
        width = WIDTHS[max(n_columns, n_side_by_side)]
        height = width * block.ratio + (PANEL_TITLE_ROOM if block.panels[0].title else 0)
        gap = GAP / 2
        return _Place(n_columns, n_rows, n_columns * (width + gap) - gap, n_rows * (height + gap) - gap)

    def _draw_block(self, block: Block, x: float, y: float, n_side_by_side: int) -> None:
        if block.title:
            self._text(x + AXIS_ROOM, y + TITLE_ROOM * 0.6, shown(block.title, 60), size=TITLE, weight="bold")
            y += TITLE_ROOM
        x += AXIS_ROOM
        grid = self._grid(block, n_side_by_side)
        n_columns, n_rows = int(grid.x), int(grid.y)
        gap = GAP / 2
        width = (grid.width + gap) / n_columns - gap
        height = (grid.height + gap) / n_rows - gap
        for number, panel in enumerate(block.panels):
            row, column = divmod(number, n_columns)
            place = _Place(x + column * (width + gap), y + row * (height + gap), width, height)
            self._draw_panel(panel, block, place, is_first=number == 0)
        if block.key is not None:
            self._draw_legend(block, block.key, x + grid.width + GAP / 2, y, grid.height)
        elif block.bar is not None:
            self._draw_bar(block, x + grid.width + GAP / 2, y, grid.height)

    def _draw_panel(self, panel: Panel, block: Block, place: _Place, *, is_first: bool) -> None:
        top = PANEL_TITLE_ROOM if panel.title else 0
        axes = self._axes(_Place(place.x, place.y + top, place.width, place.height - top))
        if panel.title:
            most = max(int(place.width / 0.075), 8)
            self._text(place.x + 0.02, place.y + top * 0.6, shown(panel.title, most), size=TEXT)
        _prepare(axes, panel.points if panel.everything is None else panel.everything, place.width, place.height - top)
        size = _dot_size(panel, place.width)
        if panel.everything is not None:
            axes.scatter(*panel.everything.T, s=size, c=LIGHT_GREY, linewidths=0)
        self._scatter(axes, panel, block, size)
        if panel.axes:
            look: dict[str, Any] = {"transform": axes.transAxes, "size": SMALL_TEXT, "color": "#555555"}
            axes.text(0.5, -0.012, panel.axes[0], ha="center", va="top", **look)
            if is_first:
                axes.text(-0.012, 0.5, panel.axes[1], ha="right", va="center", rotation=90, **look)
        if block.key is not None:
            self._draw_labels(axes, panel, block.key, place)

    def _scatter(self, axes: Any, panel: Panel, block: Block, size: float) -> None:
        if not len(panel.points):
            return
        order = self._random.permutation(len(panel.points))
        if block.key is not None and panel.places is not None:
            colours = np.array([entry.colour for entry in block.key.entries])
            # What has no name lies behind what has one; among these, chance decides, and no level hides another.
            layer = np.array([_layer(entry, sum(each.n for each in block.key.entries)) for entry in block.key.entries])
            order = order[np.argsort(layer[panel.places[order]], kind="stable")]
            sizes = np.where(layer == TOP, max(size, SIZE_OF_RARE), size)[panel.places[order]]
            axes.scatter(*panel.points[order].T, s=sizes, c=colours[panel.places[order]], linewidths=0)
        elif block.bar is not None and panel.values is not None:
            known = np.isfinite(panel.values)
            axes.scatter(*panel.points[~known].T, s=size, c=LIGHT_GREY, linewidths=0)
            order = order[known[order]]
            low, high = block.bar
            axes.scatter(
                *panel.points[order].T, s=size, c=panel.values[order], cmap="viridis", vmin=low, vmax=high, linewidths=0
            )
        else:
            axes.scatter(*panel.points[order].T, s=size, c=OKABE_ITO[0], linewidths=0)

    def _draw_labels(self, axes: Any, panel: Panel, key: Key, place: _Place) -> None:
        """Name the levels where they are, if there are too many to be told apart by colour alone."""
        if len(key.named) < FEWEST_LEVELS_WITH_LABELS or panel.places is None:
            return
        from matplotlib.patheffects import withStroke

        labels = labels_of(key)
        per_unit = place.width / max(float(np.diff(axes.get_xlim())[0]), 1e-9)
        sizes = [(0.062 * len(label) + 0.05, 0.14) for label in labels]
        for label, where in label_places(panel.points, panel.places, labels, sizes, per_unit):
            axes.text(
                *where, label, size=SMALL_TEXT, ha="center", va="center", weight="bold", color="#111111",
                path_effects=[withStroke(linewidth=2.2, foreground="white", alpha=0.9)], clip_on=False,
            )  # fmt: skip

    def _legend_size(self, block: Block, height: float) -> tuple[float, float]:
        if block.bar is not None:
            return BAR_WIDTH + BAR_ROOM, 0
        if block.key is None:
            return 0, 0
        widths = self._column_widths(block.key, height)
        n_rows = math.ceil(len(block.key.entries) / len(widths))
        return sum(widths), n_rows * ROW

    def _column_widths(self, key: Key, height: float) -> list[float]:
        n_rows = max(int(height / ROW), 4)
        n_columns = math.ceil(len(key.entries) / n_rows)
        n_rows = math.ceil(len(key.entries) / n_columns)
        lines = legend_lines(key, self._longest_name)
        columns = [lines[start : start + n_rows] for start in range(0, len(lines), n_rows)]
        return [SWATCH + GAP / 2 + max(map(self._text_width, column)) for column in columns]

    def _draw_legend(self, block: Block, key: Key, x: float, y: float, height: float) -> None:
        widths = self._column_widths(key, height)
        n_rows = math.ceil(len(key.entries) / len(widths))
        for number, (entry, line) in enumerate(zip(key.entries, legend_lines(key, self._longest_name), strict=True)):
            column, row = divmod(number, n_rows)
            left, middle = x + sum(widths[:column]), y + (row + 0.5) * ROW
            self._dot(left + SWATCH / 2, middle, entry.colour)
            self._text(left + SWATCH, middle, line, size=TEXT)

    def _draw_bar(self, block: Block, x: float, y: float, height: float) -> None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        low, high = block.bar or (0.0, 1.0)
        axes = self._axes(_Place(x, y + height * 0.15, BAR_WIDTH, height * 0.7))
        bar = self._figure.colorbar(ScalarMappable(Normalize(low, high), "viridis"), cax=axes, extend=block.extend)
        bar.ax.tick_params(labelsize=SMALL_TEXT, width=0.6, length=2.5)
        bar.outline.set_linewidth(0.4)
        if block.n_missing:
            self._dot(x + 0.08, y + height * 0.93, LIGHT_GREY)
            self._text(x + SWATCH, y + height * 0.93, f"missing ({block.n_missing:,})", size=SMALL_TEXT)

    def _axes(self, place: _Place) -> Any:
        width, height = self._figure.get_size_inches()
        box = [place.x / width, 1 - (place.y + place.height) / height, place.width / width, place.height / height]
        return self._figure.add_axes(box)

    def _text(self, x: float, y: float, text: str, **look: object) -> None:
        width, height = self._figure.get_size_inches()
        self._figure.text(x / width, 1 - y / height, text, ha="left", va="center", **look)

    def _dot(self, x: float, y: float, colour: str) -> None:
        from matplotlib.lines import Line2D

        width, height = self._figure.get_size_inches()
        dot = Line2D([x / width], [1 - y / height], marker="o", markersize=6, color=colour, markeredgewidth=0,
                     linestyle="", transform=self._figure.transFigure)  # fmt: skip
        self._figure.add_artist(dot)

    def _text_width(self, text: str) -> float:
        drawn = self._figure.text(0, 0, text, size=TEXT)
        width = drawn.get_window_extent(self._figure.canvas.get_renderer()).width / self._figure.dpi
        drawn.remove()
        return float(width)


def _layer(entry: Entry, n_all: int) -> int:
    """Return where the dots of a level lie: those that stand for the rest lowest, rare ones on top."""
    if entry.is_rest:
        return 0
    return TOP if entry.n < RARE * n_all else 1


def labels_of(key: Key) -> list[str]:
    """Return what stands in the picture for each level: its name if that is short, else its number in the legend."""
    names = [entry.name for entry in key.named]
    longest = max(map(len, names), default=0)
    if longest <= SHORT_LABEL or (len(names) <= MOST_LABELS_BY_NAME and longest <= LONGEST_LABEL):
        return names
    return [str(number) for number in range(1, len(names) + 1)]


def legend_lines(key: Key, longest: int = LONGEST_NAME) -> list[str]:
    """Return the lines of a legend: numbered where the picture has numbers, with how many cells there are."""
    labels = labels_of(key)
    are_numbered = len(key.named) >= FEWEST_LEVELS_WITH_LABELS and labels != [entry.name for entry in key.named]
    lines = []
    for number, entry in enumerate(key.entries):
        number_shown = f"{labels[number]}  " if are_numbered and number < len(labels) else ""
        lines.append(_from_left(number_shown, shown(entry.name, longest), f" ({entry.n:,})"))
    return lines


def _from_left(number: str, name: str, n: str) -> str:
    """Join the parts of a line so that they stay in this order where the name is written from the right."""
    is_from_right = any(bidirectional(letter) in ("R", "AL") for letter in name)
    return f"{LEFT_TO_RIGHT}{number}{name}{LEFT_TO_RIGHT}{n}" if is_from_right else f"{number}{name}{n}"


@dataclass(frozen=True)
class _Png:
    data: bytes
    width: int
    height: int


def _prepare(axes: Any, points: Coordinates, width: float, height: float) -> None:
    """Show all points in equal units, without ticks."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#BBBBBB")
    if not len(points):
        return
    low, high = points.min(axis=0), points.max(axis=0)
    middle, extent = (low + high) / 2, np.maximum(high - low, 1e-6) * 1.06
    unit = max(extent[0] / width, extent[1] / height)
    axes.set_xlim(middle[0] - unit * width / 2, middle[0] + unit * width / 2)
    axes.set_ylim(middle[1] - unit * height / 2, middle[1] + unit * height / 2)


def ratio_of(points: NDArray[np.float32]) -> float:
    """Return height by width of a panel that suits the points, within what looks well."""
    if len(points) < 2:
        return 1.0
    extent = np.maximum(np.ptp(points, axis=0), 1e-6)
    return float(np.clip(extent[1] / extent[0], FLATTEST, TALLEST))


def _dot_size(panel: Panel, width: float) -> float:
    """Return the area of a dot in points squared: smaller for more cells, and for smaller panels."""
    n = len(panel.points) if panel.everything is None else len(panel.everything)
    largest = 40 if n < FEW_CELLS else 22
    return float(np.clip(90_000 / max(n, 1), 0.7, largest) * (width / WIDTHS[1]) ** 2)


def _palette_of(blocks: Sequence[Block]) -> list[int]:
    """Return the colours that a picture of few colours has: those of the levels, each also half on white.

    A palette that is chosen by frequency loses the colours of rare levels.
    """
    from matplotlib import colormaps

    named = {entry.colour for block in blocks if block.key for entry in block.key.entries} | {OKABE_ITO[0], LIGHT_GREY}
    solid = np.array([[int(colour[start : start + 2], 16) for start in (1, 3, 5)] for colour in sorted(named)])
    greys = np.linspace(0, 255, N_GREYS)[:, None].repeat(3, axis=1)
    maps = (
        colormaps["viridis"](np.linspace(0, 1, N_OF_NUMBERS))[:, :3] * 255 if any(b.bar for b in blocks) else greys[:0]
    )
    room = (COLOURS - len(greys) - len(maps)) // len(solid)
    shades = [255 - (255 - solid) * part for part in np.linspace(1, 0, min(room, 6), endpoint=False)]
    palette: list[int] = np.concatenate([*shades, greys, maps]).round().astype(int).ravel().tolist()
    return palette


def _in_colours(picture: Any, palette: Sequence[int]) -> Any:
    """Give every pixel the nearest colour of a palette, exactly: Pillow itself looks at the first bits only."""
    from PIL import Image
    from scipy.spatial import cKDTree

    pixels = np.asarray(picture).astype(np.int64)
    red, green, blue = np.moveaxis(pixels, -1, 0)
    packed, place = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
    found = np.column_stack([packed >> 16, packed >> 8 & 255, packed & 255])
    nearest = cKDTree(np.reshape(palette, (-1, 3))).query(found)[1].astype(np.uint8)
    image = Image.fromarray(nearest[place].reshape(pixels.shape[:2]))
    image.putpalette(list(palette))
    return image


def _small_png(figure: Any, dpi: float, title: str, description: str, palette: list[int]) -> _Png:
    """Render with fewer colours, then with fewer dots, until the file is small enough."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_itxt("Title", title)
    words.add_itxt("Description", description)
    for scale in (1.0, 0.85, 0.7, 0.55, 0.4, 0.25):
        raw = io.BytesIO()
        figure.savefig(raw, format="png", dpi=dpi * scale, facecolor="white")
        picture = Image.open(raw).convert("RGB")
        picture.thumbnail((MOST_PIXELS, MOST_PIXELS))
        for image in (picture, _in_colours(picture, palette)):
            packed = io.BytesIO()
            image.save(packed, format="png", optimize=True, pnginfo=words)
            if packed.tell() <= MOST_BYTES:
                return _Png(packed.getvalue(), *picture.size)
    raise AssertionError("a picture of a quarter of its size is never too large")
