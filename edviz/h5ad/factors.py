"""The factors of an .h5ad file: obs columns with their levels, counted together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from os import PathLike

import numpy as np

from edviz.counting import Counted, count
from edviz.h5ad.ahead import Ahead
from edviz.h5ad.codes import (
    ALL_ROWS,
    MEASUREMENT,
    PROBE_BLOCKS,
    PROBE_ROWS,
    ColumnCodes,
    ColumnError,
    FrameSource,
    LabelledCodes,
    NumberedCodes,
    column_codes,
    is_large,
    look_at_some,
    looks_like_ids_with_gaps,
    note_on_names,
    read_level_names,
    tally,
)
from edviz.h5ad.columns import Content, Labelled, LeftOut, Plain, StoredColumn, length_of
from edviz.h5ad.frame import Frame
from edviz.h5ad.parts import PartError
from edviz.h5ad.reader import H5adFile, open_h5ad
from edviz.table import (
    MOST_LEVELS,
    NEAR_UNIQUE_SHARE,
    Column,
    FactorListing,
    FactorTable,
    counted_column,
    reason_to_set_aside,
)

ONE_LEVEL = "one level only"


def read_factors(path: str | PathLike[str], *, also: Collection[str] = ()) -> FactorTable:
    """Read the obs columns of an .h5ad file, and count those that may be factors together.

    The codes are read once, in blocks, and not kept: memory depends on the number of levels, not on
    the number of observations.

    Parameters
    ----------
    path
        The file; it is only read, and its matrices are not.
    also
        Names of columns that are counted even if they are set aside; other names are of no consequence.

    Raises
    ------
    H5adError
        If the file is no .h5ad file or cannot be read.
    """
    with open_h5ad(path) as h5ad:
        table, source = factors_of(h5ad, also, partial(_frame_of, path))
        source.close()
    return table


def factors_of(
    h5ad: H5adFile, also: Collection[str], open_frame: Callable[[], AbstractContextManager[Frame]]
) -> tuple[FactorTable, FrameSource]:
    """Read the obs columns of an open file; the source is to be closed when the file is.

    Parameters
    ----------
    also
        As for `read_factors`.
    open_frame
        Opens obs again, for a pass after the source was closed.
    """
    h5ad.ahead.expect("factors")
    frame = h5ad.obs
    columns = {
        stored.name: _Reading(stored, frame.n, h5ad.ahead, wanted=stored.name in also) for stored in frame.columns
    }
    counted, source = _count_together(columns, h5ad, open_frame)
    described = tuple(reading.describe(counted) for reading in columns.values())
    return FactorTable(FactorListing(frame.n, described), counted), source


def reason_not_to_read(content: Content, n_obs: int) -> str | None:
    """Say why a column is no candidate whatever its values are, or return None."""
    if isinstance(content, LeftOut):
        return content.reason
    length = length_of(content)
    if length != n_obs:
        return f"not one value per observation: {length:,} values for {n_obs:,} observations"
    return None


class _Reading:
    """What is known of one column while the columns are read.

    Attributes
    ----------
    codes
        The column as codes; None if it cannot be read or need not be.
    set_aside
        Why it is no candidate, as far as is known.
    """

    def __init__(self, stored: StoredColumn, n_obs: int, ahead: Ahead, *, wanted: bool) -> None:
        self.codes: ColumnCodes | None = None
        self.set_aside = reason_not_to_read(stored.content, n_obs)
        self.wanted = wanted
        self._stored = stored
        self._n_obs = n_obs
        self._ahead = ahead
        self._tallied: tuple[int, int] | None = None
        if isinstance(stored.content, LeftOut) or self.set_aside:
            return
        try:
            self._look(stored.content)
        except PartError as error:
            self.give_up(str(error))

    @property
    def is_counted_with_others(self) -> bool:
        """Whether the column goes through the common pass; one that is set aside but wanted is counted on demand."""
        return self.codes is not None and self.set_aside is None

    def give_up(self, reason: str) -> None:
        """Set the column aside for good."""
        self.codes, self.set_aside = None, reason

    def describe(self, counted: Counted) -> Column:
        """Say what was found, once all columns were counted."""
        column = Column(
            self._stored.name,
            self._stored.content.kind,
            isinstance(self._stored.content, Labelled) and self._stored.content.ordered,
            set_aside=self.set_aside,
        )
        if self.codes is None:
            n_levels, missing = self._tallied or (None, None)
            return replace(column, n_levels=n_levels, missing=missing, note=self._stored.note)
        try:
            names = self._level_names(counted)
        except PartError as error:
            self.give_up(str(error))
            return replace(column, set_aside=self.set_aside, note=self._stored.note)
        column = counted_column(column, names, counted)
        reason = self.set_aside or reason_to_set_aside(column.kind, column.n_levels or 0, self._n_obs)
        kept = reason in (None, ONE_LEVEL) or self.wanted
        notes = (self._stored.note, self._unlabelled() if kept else None, self.codes.note)
        note = _joined(*notes, note_on_names(names) if kept else None)
        return replace(column, set_aside=reason, note=note, levels=column.levels if kept else None)

    def _look(self, content: Labelled | Plain) -> None:
        """Look at the column as far as needed to know if it is a candidate."""
        most_levels = MOST_LEVELS.get(content.kind) if not self.wanted else None
        large = isinstance(content, Plain) and is_large(content)
        if (
            content.kind == "float"
            and isinstance(content, Plain)
            and not looks_like_ids_with_gaps(content, self._n_obs, self._ahead)
        ):
            self.set_aside = MEASUREMENT
            if not self.wanted:
                return
        codes = column_codes(content, self._n_obs, most_levels=most_levels if large else None)
        self.codes = codes
        if isinstance(codes, LabelledCodes):
            if codes.size > NEAR_UNIQUE_SHARE * self._n_obs:
                self._tally(codes)
        elif isinstance(codes, NumberedCodes) and not large:
            self._tally(codes)
        elif isinstance(codes, NumberedCodes) and not self.wanted:
            look_at_some(codes, self._n_obs, self._ahead)
        else:
            self._tally(codes)
        codes.make_room()

    def _tally(self, codes: ColumnCodes) -> None:
        # Of smaller columns everything was expected from the start.
        if self._n_obs > PROBE_ROWS * PROBE_BLOCKS:
            self._ahead.expect_rows(dict.fromkeys(codes.paths, ALL_ROWS))
        counts, missing = tally(codes)
        n_levels = int(np.count_nonzero(counts))
        reason = reason_to_set_aside(self._stored.content.kind, n_levels, self._n_obs)
        self.set_aside = self.set_aside or (reason if reason != ONE_LEVEL else None)
        self._tallied = n_levels, missing
        if self.set_aside is not None and not self.wanted:
            self.codes = None

    def _level_names(self, counted: Counted) -> list[str]:
        if isinstance(self.codes, NumberedCodes):
            names, place = self.codes.sorted_levels()
            counted.renumber(self._stored.name, place)
            return names
        return read_level_names(self.codes.content, self._n_obs) if self.codes is not None else []

    def _unlabelled(self) -> str | None:
        if not isinstance(self._stored.content, Plain) or self.set_aside == MEASUREMENT:
            return None
        unlabelled = {
            "integer": "whole numbers without labels",
            "float": "whole numbers without labels, stored as floating-point numbers",
        }
        return unlabelled.get(self._stored.content.kind)


def _count_together(
    readings: dict[str, _Reading], h5ad: H5adFile, open_frame: Callable[[], AbstractContextManager[Frame]]
) -> tuple[Counted, FrameSource]:
    """Count the columns in one pass; one that turns out to be unreadable is left out of the next try."""
    while True:
        codes = {name: reading.codes for name, reading in readings.items() if reading.codes is not None}
        together = [name for name in codes if readings[name].is_counted_with_others]
        source = FrameSource(h5ad.obs, codes, open_frame, h5ad.ahead)
        try:
            return count(source, together, on_demand=[name for name in codes if name not in together]), source
        except ColumnError as error:
            readings[error.name].give_up(str(error))


@contextmanager
def _frame_of(path: str | PathLike[str]) -> Iterator[Frame]:
    with open_h5ad(path) as h5ad:
        yield h5ad.obs


def _joined(*notes: str | None) -> str | None:
    return "; ".join(filter(None, notes)) or None
