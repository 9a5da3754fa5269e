"""The codes of obs columns, read from the file in runs that follow its chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edviz.counting import Ints, OutgrownError
from edviz.counting.blocks import BLOCK_ROWS, Block
from edviz.counting.rows import ordered
from edviz.h5ad.ahead import Ahead, NothingAhead
from edviz.h5ad.columns import Labelled, LeftOut, Plain
from edviz.h5ad.frame import Frame
from edviz.h5ad.parts import PartError
from edviz.h5ad.strings import harmless
from edviz.h5ad.values import Array, count_labels, read_labels
from edviz.hdf5 import Rows, Sample, Selection

R_MISSING_INTEGER = -(2**31)
"""How R stores a missing integer; its HDF5 writers leave it as it is."""
PROBE_ROWS = 4096
PROBE_BLOCKS = 8
PROBED_CODES = 512
LOOK, PROBE = Sample(PROBE_BLOCKS, PROBE_ROWS), Sample(PROBE_BLOCKS, PROBED_CODES)
LONGEST_RUN = 131_072
"""Rows by which a run may reach beyond the block that is asked for."""
MEASUREMENT = "floating-point measurement"
MOST_SLOTS = 1 << 16
ALL_ROWS = Rows(0, 2**31)
BYTES_OF_A_TEXT = 64
BYTES_AHEAD = 24 * 2**20
"""How much of the columns that are counted together is fetched at once from a server."""
Codes = NDArray[np.signedinteger]


class ColumnError(PartError):
    """A column cannot be counted; `name` says which, the text why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


class ColumnCodes(Protocol):
    """One column as codes."""

    content: Any
    size: int

    @property
    def paths(self) -> tuple[str, ...]:
        """Where in the file the values are."""

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in the file, about."""

    def runs(self) -> Iterator[Codes]:
        """Yield all codes, in runs that follow the chunks."""

    def some(self, start: int, stop: int) -> Codes:
        """Return the codes of some rows."""

    def make_room(self) -> bool:
        """Let `size` grow if codes have reached it; say whether it had to."""

    @property
    def note(self) -> str | None:
        """What was odd about the values of the last complete reading, or None."""


def column_codes(content: Labelled | Plain, n_obs: int, *, most_levels: int | None = None) -> ColumnCodes:
    """Take a column as codes.

    Parameters
    ----------
    most_levels
        Levels above which a plain column is no factor.

    Raises
    ------
    PartError
        If its level names are no list.
    """
    return LabelledCodes(content, n_obs) if isinstance(content, Labelled) else NumberedCodes(content, most_levels)


class LabelledCodes:
    """Codes as they are stored, all those outside the levels as -1."""

    def __init__(self, content: Labelled, n_obs: int) -> None:
        labels = content.labels
        self.size = len(labels) if isinstance(labels, tuple) else count_labels(labels, n_obs=n_obs)
        self.content = content
        self._n_outside = 0

    @property
    def paths(self) -> tuple[str, ...]:
        """Where in the file the codes are."""
        return (self.content.codes.dataset.name,)

    @property
    def row_bytes(self) -> int:
        """Bytes of a code in the file."""
        return self.content.codes.dtype.itemsize

    def runs(self) -> Iterator[Codes]:
        """Yield all codes."""
        self._n_outside = 0
        for block in self.content.codes.blocks():
            yield self._inside(block.values)

    def some(self, start: int, stop: int) -> Codes:
        """Return the codes of some rows."""
        return self._inside(self.content.codes.read(start, stop))

    def make_room(self) -> bool:
        """Stored levels do not become more."""
        return False

    @property
    def note(self) -> str | None:
        """How many codes are outside the levels."""
        return f"outside the levels and counted as missing: {self._n_outside:,}" if self._n_outside else None

    def _inside(self, values: Array) -> Codes:
        plain = values.dtype.kind == "i" and self.content.numbers is None
        if plain and (not len(values) or (values.min() >= -1 and values.max() < self.size)):
            return values.astype(values.dtype.newbyteorder("="), copy=False)
        whole = _whole_numbers(values, self.content.numbers)
        outside = (whole >= self.size) | (whole < -1)
        self._n_outside += int(np.count_nonzero(outside & (whole != R_MISSING_INTEGER)))
        return np.where(outside, -1, whole)


class NumberedCodes:
    """Values that are their own levels, numbered as they are met."""

    def __init__(self, content: Plain, most_levels: int | None) -> None:
        self.numbers: dict[object, int] = {}
        self.size = 0
        self.content = content
        self.n_looked_at = 0
        self._most_levels = most_levels
        self._n_sentinels = 0

    @property
    def paths(self) -> tuple[str, ...]:
        """Where in the file the values are, and what says which of them are missing."""
        return _paths_of(self.content)

    @property
    def row_bytes(self) -> int:
        """Bytes of a value in the file, about: a text is one in a heap as well."""
        return BYTES_OF_A_TEXT if self.content.kind == "string" else self.content.values.dtype.itemsize + 1

    def runs(self) -> Iterator[Codes]:
        """Yield all codes."""
        self._n_sentinels = 0
        for block in self.content.values.blocks():
            yield self._numbered(block.values, block.start)

    def some(self, start: int, stop: int) -> Codes:
        """Return the codes of some rows."""
        self.n_looked_at += stop - start
        return self._numbered(self.content.values.read(start, stop), start)

    @property
    def note(self) -> str | None:
        """How many values are R's missing integer."""
        if not self._n_sentinels:
            return None
        return f"{R_MISSING_INTEGER} is R's missing integer and counted as missing: {self._n_sentinels:,}"

    def sorted_levels(self) -> tuple[list[str], Ints]:
        """Return the names of the levels in sorted order, and for each number its place in that order."""
        levels = sorted(self.numbers)  # type: ignore[type-var]
        place = np.empty(len(levels), dtype=np.int64)
        place[[self.numbers[level] for level in levels]] = np.arange(len(levels))
        names = [harmless(level) if isinstance(level, (bytes, str)) else str(level) for level in levels]
        return names, place

    def make_room(self) -> bool:
        """Make room for more levels than have been met, if there is none left."""
        if len(self.numbers) <= self.size:
            return False
        self.size = 2 if self.content.kind == "boolean" else 8 + 2 * len(self.numbers)
        return True

    def _numbered(self, values: Array, start: int) -> Codes:
        if self.content.kind == "float" and self._most_levels is not None and not _are_whole(values):
            raise PartError(MEASUREMENT)
        number = _NUMBERING.get(self.content.kind, _number_scalars)
        present = self._present(values, start)
        if present is None:
            codes = number(values, self.numbers)
        else:
            codes = np.full(len(values), -1, dtype=np.int64)
            codes[present] = number(values[present], self.numbers)
        if self._most_levels is not None and len(self.numbers) > self._most_levels:
            raise PartError(self._why_too_many())
        return codes

    def _why_too_many(self) -> str:
        if self.content.kind == "string" and len(self.numbers) == self.n_looked_at:
            return "nearly unique: no text was found twice"
        return f"too many levels for a plain {self.content.kind} column: more than {self._most_levels}"

    def _present(self, values: Array, start: int) -> Array | None:
        """Say where there is a value; None if there is one everywhere."""
        present = None
        if self.content.mask is not None:
            present = np.asarray(self.content.mask.read(start, start + len(values)) == 0)
        elif self.content.kind == "float":
            present = ~np.isnan(values)
        if self.content.kind == "integer" and len(values) and values.min() <= R_MISSING_INTEGER:
            sentinels = values == R_MISSING_INTEGER
            sentinels = sentinels if present is None else sentinels & present
            self._n_sentinels += int(np.count_nonzero(sentinels))
            present = ~sentinels if present is None else present & ~sentinels
        return present


class FrameSource:
    """The codes of columns of a frame, for counting.

    Parameters
    ----------
    frame
        The frame while it is open.
    columns
        Each column as codes, by name.
    open_frame
        Opens the frame again, for a pass after it was closed.
    ahead
        Is told what will be read while the frame is open.
    """

    def __init__(
        self,
        frame: Frame,
        columns: Mapping[str, ColumnCodes],
        open_frame: Callable[[], AbstractContextManager[Frame]],
        ahead: Ahead,
    ) -> None:
        self._ahead = ahead
        self.n_obs = frame.n
        self._columns = columns
        self._frame: Frame | None = frame
        self._open_frame = open_frame

    def close(self) -> None:
        """Say that the frame is closed: the next pass opens it again."""
        self._frame = None
        self._ahead = NothingAhead()

    def size(self, name: str) -> int:
        """Return a number that no code of the column reaches."""
        return self._columns[name].size

    def blocks(self, names: Sequence[str]) -> Iterator[Block]:
        """Yield the codes of some columns, in blocks of one size."""
        with self._opened() as frame:
            streams = [_in_blocks(self._runs(name, frame)) for name in names]
            step = self._rows_ahead(names)
            for start in range(0, self.n_obs, BLOCK_ROWS):
                if start % step == 0:
                    self._expect(names, Rows(start, start + step + LONGEST_RUN))
                wanted = min(BLOCK_ROWS, self.n_obs - start)
                block = [next(stream, _NO_CODES) for stream in streams]
                for name, codes in zip(names, block, strict=True):
                    if len(codes) != wanted:
                        raise ColumnError(name, "its values end too early")
                yield block

    def probe(self, names: Sequence[str]) -> Block:
        """Return the codes of some rows, spread over all."""
        with self._opened() as frame:
            self._expect(names, PROBE)
            return [self._probed(name, frame) for name in names]

    def _expect(self, names: Sequence[str], rows: Selection) -> None:
        self._ahead.expect_rows({path: rows for name in names for path in self._columns[name].paths})

    def _rows_ahead(self, names: Sequence[str]) -> int:
        """Return how many rows to fetch at once: a whole number of blocks."""
        row_bytes = sum(self._columns[name].row_bytes for name in names)
        return max(1, BYTES_AHEAD // max(1, row_bytes) // BLOCK_ROWS) * BLOCK_ROWS

    def _opened(self) -> AbstractContextManager[Frame]:
        return self._open_frame() if self._frame is None else nullcontext(self._frame)

    def _column(self, name: str, frame: Frame) -> ColumnCodes:
        column = self._columns[name]
        stored = frame.column(name)
        if stored is None or isinstance(stored.content, LeftOut):
            raise ColumnError(name, "not there any more")
        column.content = stored.content
        return column

    def _probed(self, name: str, frame: Frame) -> Codes:
        column = self._column(name, frame)
        starts = sorted(set(np.linspace(0, max(0, self.n_obs - PROBED_CODES), PROBE_BLOCKS).astype(int).tolist()))
        try:
            codes = [column.some(start, min(start + PROBED_CODES, self.n_obs)) for start in starts]
        except PartError as error:
            raise ColumnError(name, str(error)) from error
        column.make_room()
        return np.concatenate(codes)

    def _runs(self, name: str, frame: Frame) -> Iterator[Codes]:
        column = self._column(name, frame)
        try:
            for codes in column.runs():
                if column.make_room():
                    raise OutgrownError
                yield codes
        except PartError as error:
            raise ColumnError(name, str(error)) from error


_NO_CODES: Codes = np.empty(0, dtype=np.int8)


def tally(column: ColumnCodes) -> tuple[Ints, int]:
    """Read one column alone: observations of each code, and observations without one."""
    counts, missing = np.zeros(0, dtype=np.int64), 0
    for codes in column.runs():
        missing += int(np.count_nonzero(codes < 0))
        found = np.bincount(codes[codes >= 0], minlength=len(counts))
        found[: len(counts)] += counts
        counts = found
    return counts, missing


def is_large(content: Plain) -> bool:
    """Say whether a column has so many values that looking at some of them first pays."""
    return len(content.values) > PROBE_ROWS * PROBE_BLOCKS


def looks_like_ids_with_gaps(content: Plain, n_obs: int, ahead: Ahead) -> bool:
    """Say whether a floating-point column holds whole numbers and missing values, as pandas writes ids with gaps.

    Of a large column a spread of blocks is looked at; `NumberedCodes` refuses other numbers when the rest is read.
    """
    step = PROBE_ROWS if is_large(content) else max(n_obs, 1)
    starts = np.linspace(0, n_obs - step, PROBE_BLOCKS).astype(int) if is_large(content) else np.zeros(1, dtype=int)
    gaps = False
    for number, start in enumerate(starts.tolist()):
        if number == 1:
            # The first look ends most columns, and was expected without being said.
            ahead.expect_rows(dict.fromkeys(_paths_of(content), LOOK))
        values = content.values.read(start, min(start + step, n_obs))
        if not _are_whole(values):
            return False
        gaps = gaps or bool(np.isnan(values).any())
    return gaps


def look_at_some(column: NumberedCodes, n_obs: int, ahead: Ahead) -> None:
    """Meet the levels in a spread of blocks of a large column.

    Raises
    ------
    PartError
        If they cannot be read, or are too many.
    """
    for number, start in enumerate(np.linspace(0, n_obs - PROBE_ROWS, PROBE_BLOCKS).astype(int).tolist()):
        if number == 1:
            ahead.expect_rows(dict.fromkeys(column.paths, LOOK))
        column.some(start, start + PROBE_ROWS)


def _paths_of(content: Plain) -> tuple[str, ...]:
    parts = (content.values,) if content.mask is None else (content.values, content.mask)
    return tuple(part.dataset.name for part in parts)


def read_level_names(content: Labelled, n_obs: int) -> list[str]:
    """Read the level names of a labelled column, in stored order."""
    return list(content.labels) if isinstance(content.labels, tuple) else read_labels(content.labels, n_obs=n_obs)


def note_on_names(levels: Sequence[str]) -> str | None:
    """Say what is odd about level names, or return None."""
    if len(levels) > 1 and not any(levels):
        return "all level names are empty"
    repeated = [level for level, n in Counter(levels).items() if n > 1]
    return f"different levels look the same: {', '.join(map(repr, repeated[:3]))}" if repeated else None


def _in_blocks(runs: Iterator[Codes]) -> Iterator[Codes]:
    """Cut runs of any length into blocks of one size, the last one shorter."""
    pending: list[Codes] = []
    n_pending = 0
    for run in runs:
        pending.append(run)
        n_pending += len(run)
        while n_pending >= BLOCK_ROWS:
            together = pending[0] if len(pending) == 1 else np.concatenate(pending)
            yield together[:BLOCK_ROWS]
            pending = [together[BLOCK_ROWS:]]
            n_pending -= BLOCK_ROWS
    if n_pending:
        yield np.concatenate(pending)


def _are_whole(values: Array) -> bool:
    known = values[np.isfinite(values)]
    return bool((known == np.trunc(known)).all())


def _whole_numbers(values: Array, numbers: tuple[int, ...] | None) -> Array:
    if values.dtype.kind == "f":
        values = _whole_floats(values)
    # Before the sizes are compared, so that unsigned numbers beyond the range come out below zero.
    whole = values.astype(np.int64)
    if numbers is None:
        return whole
    known = np.asarray(numbers, dtype=np.int64)
    place = np.searchsorted(known, whole).clip(max=len(known) - 1)
    return np.where(known[place] == whole, place, len(known))


def _whole_floats(values: Array) -> Array:
    filled = np.where(np.isnan(values), -1, values)
    if not np.array_equal(filled, np.trunc(filled)) or np.any(np.abs(filled) > 2**53):
        raise PartError("its codes are not whole numbers")
    return filled


def _number_texts(texts: Array, numbers: dict[object, int]) -> Array:
    # Hashing: sorting a block of byte strings costs ten times as much.
    listed = texts.tolist()
    for text in set(listed):
        numbers.setdefault(text, len(numbers))
    return np.fromiter(map(numbers.__getitem__, listed), np.int64, len(listed))


def _number_booleans(values: Array, numbers: dict[object, int]) -> Array:
    if np.False_ not in numbers and not values.all():
        numbers[np.False_] = len(numbers)
    if np.True_ not in numbers and values.any():
        numbers[np.True_] = len(numbers)
    if numbers == {np.False_: 0, np.True_: 1}:
        return values.astype(np.int8)
    return np.where(values, numbers.get(np.True_, 0), numbers.get(np.False_, 0))


def _number_integers(values: Array, numbers: dict[object, int]) -> Array:
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if high - low > MOST_SLOTS:
        return _number_scalars(values, numbers)
    # By position: sorting a block costs many times as much.
    slots = (values - values.dtype.type(low)).astype(np.int64)
    number_of_slot = np.zeros(high - low + 1, dtype=np.int64)
    for slot in np.flatnonzero(np.bincount(slots, minlength=1)).tolist():
        number_of_slot[slot] = numbers.setdefault(values.dtype.type(slot + low), len(numbers))
    return np.asarray(number_of_slot[slots])


def _number_scalars(values: Array, numbers: dict[object, int]) -> Array:
    first, place = ordered(values)
    known = np.fromiter((numbers.setdefault(value, len(numbers)) for value in values[first]), np.int64, len(first))
    return np.asarray(known[place])


_NUMBERING = {"string": _number_texts, "boolean": _number_booleans, "integer": _number_integers}
