"""A small reader of diagrams: it knows how they are to be understood, and nothing of how they are drawn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

from edviz.model import Aliasing, BatchEffect, Classification, Crossing, Nesting, Relation

HEADINGS = ("Confounded", "Partly confounded", "Partly crossed", "Also", "Batch", "Treatment", "Observational", "Unit",
            "Classification", "Totals")  # fmt: skip
ARMS = {
    "│": "ud", "─": "lr", "┌": "dr", "┐": "dl", "└": "ur", "┘": "ul",
    "├": "udr", "┤": "udl", "┬": "dlr", "┴": "ulr", "┼": "udlr",
    "║": "UD", "═": "LR", "╔": "DR", "╗": "DL", "╚": "UR", "╝": "UL",
    "╠": "UDR", "╣": "UDL", "╦": "DLR", "╩": "ULR", "╬": "UDLR", "╪": "udLR", "╫": "UDlr",
}  # fmt: skip
STEPS = {"u": (-1, 0), "d": (1, 0), "l": (0, -1), "r": (0, 1)}
OPPOSITE = {"u": "d", "d": "u", "l": "r", "r": "l"}
CROSSINGS = ("┼", "╪", "╫")


@dataclass(frozen=True)
class Label:
    name: str
    y: int
    start: int
    end: int


@dataclass
class Sheet:
    """The cells of the picture, its labels, and its notes."""

    cells: list[list[str]]
    labels: list[Label]
    notes: list[str]
    text: list[str]
    repeated: list[str] = field(default_factory=list)

    def cell(self, y: int, x: int) -> str:
        return self.cells[y][x] if 0 <= y < len(self.cells) and 0 <= x < len(self.cells[y]) else " "

    def label_at(self, y: int, x: int) -> str | None:
        return next((label.name for label in self.labels if label.y == y and label.start <= x < label.end), None)


def cells_of(row: str) -> list[str]:
    """Split a row into columns; a wide character is followed by an empty cell."""
    cells: list[str] = []
    for character in row:
        if unicodedata.category(character).startswith("M"):
            cells[-1] += character
        else:
            cells.append(character)
            cells.extend([""] if unicodedata.east_asian_width(character) in "WF" else [])
    return cells


def read_sheet(diagram: str, labels: dict[str, str]) -> Sheet:
    """Take a diagram apart; `labels` maps the text of each label to the name of its factor."""
    rows = [row[2:-2].rstrip(" ") for row in diagram.split("\n")[1:-1]]
    blocks = list(_blocks(rows[1:]))
    text = blocks.pop()
    notes = blocks.pop() if blocks and _is_notes(blocks[-1]) else []
    notes = list(_paragraphs(notes))
    labels |= {key: labels[label] for key, label in read_legend(notes, labels).items()}
    body = [row for block in blocks for row in ("", *block)]
    found = [label for y, row in enumerate(body) for label in _labels(y, row, labels)]
    return Sheet([cells_of(row) for row in body], found, notes, [line.removeprefix("  ") for line in text])


def read_legend(notes: list[str], labels: dict[str, str]) -> dict[str, str]:
    """Map each short name to the label that it stands for; a long label may be broken anywhere."""
    whole = {label.replace(" ", ""): label for label in labels}
    legends = (re.fullmatch(r"([A-Z]+) = (.*)", note) for note in notes)
    return {legend[1]: whole[legend[2].replace(" ", "")] for legend in legends if legend}


def read_relations(sheet: Sheet) -> set[Relation]:
    """Return the relations that the lines and signs of the picture say; batches are apart."""
    return set(_abreast(sheet)) | set(_arrows(sheet))


def read_lanes(sheet: Sheet) -> set[BatchEffect]:
    """Return the batch effects that double lines say."""
    return set(_lanes(sheet))


def read_tags(sheet: Sheet) -> dict[int, set[str]]:
    """Return the names of the factors that bear each numbered tag."""
    tagged: dict[int, set[str]] = {}
    for label in sheet.labels:
        after = "".join(sheet.cells[label.y][label.end :])
        if match := re.match(r" [═=]((?:\[\d+\])+)", after):
            for number in re.findall(r"\d+", match[1]):
                tagged.setdefault(int(number), set()).add(label.name)
    return tagged


def read_notes(sheet: Sheet, names: dict[str, str]) -> set[Relation]:
    """Return the relations that the notes say; `names` maps a name as shown to the name of the factor."""
    relations: set[Relation] = set()
    for note in sheet.notes:
        heading, _, rest = note.partition(": ")
        if heading in ("Confounded", "Partly confounded", "Partly crossed", "Also", "Batch"):
            relations |= {_relation(entry, names) for entry in rest.split(", ") if len(entry.split(" ")) > 1}
    return relations


def _relation(entry: str, names: dict[str, str]) -> Relation:
    entry = re.sub(r"^\[\d+\] ", "", entry)
    parts = re.split(r" (≈≈|≈|◊|×|>|:|══) ", entry)
    factors, signs = [names[part] for part in parts[::2]], set(parts[1::2])
    makers = {
        "≈≈": lambda: Aliasing(tuple(factors)),
        "≈": lambda: Aliasing(tuple(factors), partial=True),
        "◊": lambda: Crossing(*factors, partial=True),
        "×": lambda: Crossing(*factors),
        ">": lambda: Nesting(*factors),
        ":": lambda: Classification(*factors),
        "══": lambda: BatchEffect(*factors),
    }
    (sign,) = signs
    return makers[sign]()


def _blocks(rows: list[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for row in [*rows, ""]:
        if row:
            block.append(row)
        elif block:
            yield block
            block = []


def _is_notes(block: list[str]) -> bool:
    return re.match(rf"  (({'|'.join(HEADINGS)}):|[A-Z]+ =)( |$)", block[0]) is not None


def _paragraphs(lines: list[str]) -> Iterator[str]:
    paragraph = ""
    for line in lines:
        if line.startswith("    ") and paragraph:
            paragraph += " " + line[4:]
        else:
            if paragraph:
                yield paragraph
            paragraph = line[2:]
    if paragraph:
        yield paragraph


def _labels(y: int, row: str, labels: dict[str, str]) -> Iterator[Label]:
    longest_first = sorted(labels, key=len, reverse=True)
    pattern = "|".join(re.escape(label) for label in longest_first)
    for match in re.finditer(rf"(?<!\S)(?:{pattern})(?!\S)", row) if labels else ():
        start = len(cells_of(row[: match.start()]))
        yield Label(labels[match[0]], y, start, start + len(cells_of(match[0])))


def _abreast(sheet: Sheet) -> Iterator[Relation]:
    """Yield what the signs between labels of a row, and at the end of a row that goes on below, say."""
    lines = [[label for label in sheet.labels if label.y == y] for y in sorted({label.y for label in sheet.labels})]
    chain: list[tuple[str, str]] = []  # each name with the sign before it
    carried = ""
    for line in lines:
        for index, label in enumerate(line):
            before = line[index - 1].end if index else 0
            sign = _sign("".join(sheet.cells[label.y][before : label.start])) if index else carried
            chain.append((label.name, sign))
        carried = _sign("".join(sheet.cells[line[-1].y][line[-1].end :]))
    yield from _runs(chain)


def _sign(between: str) -> str:
    between = re.sub(r"^ ═(\[\d+\])+", "", between)
    between = re.sub(r"═[═╪╩]+[╗╝╣].*|[│║╪]", " ", between).strip()
    if re.fullmatch(r"≈{4,}", between):
        return "≈≈"
    for sign in "×◊":
        if re.fullmatch(rf"──+{sign}(──+)?", between):
            return sign
    assert between in ("", "≈"), between
    return between


def _runs(chain: list[tuple[str, str]]) -> Iterator[Relation]:
    for first, last in combinations(range(len(chain)), 2):
        signs = {sign for _, sign in chain[first + 1 : last + 1]}
        pair = chain[first][0], chain[last][0]
        if signs == {"≈"} and last == first + 1:
            yield Aliasing(pair, partial=True)
        elif signs <= {"×", "◊", "≈≈"} and signs != {"≈≈"}:
            yield Crossing(*pair, partial="◊" in signs)
    group: tuple[str, ...] = ()
    for name, sign in [*chain, ("", "")]:
        if sign == "≈≈":
            group += (name,)
        else:
            if len(group) > 1:
                yield Aliasing(group)
            group = (name,)


def _arrows(sheet: Sheet) -> Iterator[Relation]:
    for parents, heads in _nets(sheet):
        for parent in parents:
            for y, x in heads:
                child = sheet.label_at(y + 1, x)
                assert child is not None, (y, x)
                yield Nesting(parent, child) if sheet.cell(y, x) == "↓" else Classification(parent, child)


def _nets(sheet: Sheet) -> Iterator[tuple[set[str], set[tuple[int, int]]]]:
    """Follow single lines from each label downwards; yield the labels and heads that they join."""
    done: set[str] = set()
    for label in sheet.labels:
        for x in range(label.start, label.end):
            if label.name not in done and _goes_up(sheet, label.y + 1, x):
                parents: set[str] = set()
                heads: set[tuple[int, int]] = set()
                _follow(sheet, label.y + 1, x, "u", parents, heads, set())
                done |= parents
                yield parents, heads


def _goes_up(sheet: Sheet, y: int, x: int) -> bool:
    if sheet.label_at(y, x) is not None:
        return False
    return sheet.cell(y, x) in ("↓", ":") if sheet.cell(y, x) not in ARMS else "u" in ARMS[sheet.cell(y, x)]


def _follow(sheet, y, x, came_from, parents, heads, seen) -> None:
    if (y, x, came_from) in seen:
        return
    seen.add((y, x, came_from))
    name = sheet.label_at(y, x)
    cell = sheet.cell(y, x)
    if name is not None:
        assert came_from == "d", "a line runs into a label from above without the head of an arrow"
        parents.add(name)
        return
    if cell in ("↓", ":"):
        heads.add((y, x))
        if came_from == "u":
            _follow_on(sheet, y, x, "u", parents, heads, seen)
        return
    arms = set(ARMS[cell]) & set("udlr")
    if cell in CROSSINGS:
        arms = {came_from, OPPOSITE[came_from]}
    assert came_from in arms, f"{cell} at {y}, {x} has no arm {came_from}"
    for arm in arms:
        _follow_on(sheet, y, x, arm, parents, heads, seen)


def _follow_on(sheet, y, x, arm, parents, heads, seen) -> None:
    down, right = STEPS[arm]
    _follow(sheet, y + down, x + right, OPPOSITE[arm], parents, heads, seen)


def _lanes(sheet: Sheet) -> Iterator[BatchEffect]:
    for label in sheet.labels:
        for y, x in _ports(sheet, label):
            x += 1
            while sheet.cell(y, x) in ("═", "╩", "╪", "╦"):
                assert not (sheet.cell(y, x) == "╦" and sheet.label_at(y + 1, x) is None), "two lanes run together"
                x += 1
            if sheet.cell(y, x) == "╗":
                for stop in _stops(sheet, y + 1, x):
                    yield BatchEffect(label.name, stop)


def _ports(sheet: Sheet, label: Label) -> Iterator[tuple[int, int]]:
    row = "".join(cell or " " for cell in sheet.cells[label.y])
    after = re.match(r"( ═(?:\[\d+\])+)? ═[═╪╩]", row[label.end :])
    if after:
        yield label.y, label.end + after.end() - 1
    for x in range(label.start, label.end):
        if sheet.cell(label.y - 1, x) in ("╔", "╦", "╠"):
            yield label.y - 1, x
        if sheet.cell(label.y + 1, x) in ("╚", "╩", "╠"):
            yield label.y + 1, x


def _stops(sheet: Sheet, y: int, x: int) -> Iterator[str]:
    """Go down a lane; yield the labels that it reaches."""
    while sheet.cell(y, x) in ("║", "╣", "╝", "╩"):
        if sheet.cell(y, x) != "║":
            yield from _reached(sheet, y, x - 1)
        if sheet.cell(y, x) in ("╝", "╩"):
            return
        y += 1
    raise AssertionError(f"a lane ends in {sheet.cell(y, x)!r}")


def _reached(sheet: Sheet, y: int, x: int) -> Iterator[str]:
    """Go left from a lane; yield the labels above and below the line, or the one beside its end."""
    while "R" in ARMS.get(sheet.cell(y, x), ""):
        arms = ARMS[sheet.cell(y, x)]
        if "D" in arms and (below := sheet.label_at(y + 1, x)):
            yield below
        if "U" in arms and (above := sheet.label_at(y - 1, x)):
            yield above
        if "L" not in arms:
            return
        x -= 1
    # A tag may stand between the label and the line.
    yield next(label.name for label in reversed(sheet.labels) if label.y == y and label.end <= x + 1)
