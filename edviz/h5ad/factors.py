"""The factors of an .h5ad file: obs columns with their levels and codes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from os import PathLike

from edviz.errors import DesignError
from edviz.h5ad.columns import Content, Labelled, LeftOut, Plain, StoredColumn, length_of
from edviz.h5ad.frame import Frame
from edviz.h5ad.parts import PartError
from edviz.h5ad.reader import open_h5ad
from edviz.h5ad.tally import (
    LevelledTally,
    Tally,
    TooManyLevelsError,
    are_all_different,
    is_large,
    note_on_names,
    read_level_names,
    tally_codes,
    tally_values,
)
from edviz.table import (
    MOST_LEVELS,
    Codes,
    Column,
    FactorListing,
    FactorTable,
    LevelCount,
    count_levels,
    reason_to_set_aside,
)

MEASUREMENT = "floating-point measurement"
ONE_LEVEL = "one level only"


@dataclass(frozen=True)
class _Reading:
    """What reading a column gave."""

    set_aside: str | None
    tally: Tally | None = None
    levels: tuple[LevelCount, ...] | None = None
    note: str | None = None


def read_factors(path: str | PathLike[str], *, also: Collection[str] = ()) -> FactorTable:
    """Read the obs columns of an .h5ad file, with codes for those that may be factors.

    Parameters
    ----------
    path
        The file; it is only read, and its matrices are not.
    also
        Names of columns whose levels and codes are wanted even if they are set aside.

    Raises
    ------
    H5adError
        If the file is no .h5ad file or cannot be read.
    DesignError
        If there is no column of a name in `also`.
    """
    with open_h5ad(path) as h5ad:
        frame = h5ad.obs
        for name in also:
            _check_name(name, frame)
        columns, codes = [], {}
        for stored in frame.columns:
            reading = _read_column(stored.content, frame.n, wanted=stored.name in also)
            columns.append(_describe(stored, reading))
            found = _codes_to_hand_on(reading, wanted=stored.name in also)
            if found is not None:
                codes[stored.name] = found
    return FactorTable(FactorListing(frame.n, tuple(columns)), codes)


def reason_not_to_read(content: Content, n_obs: int) -> str | None:
    """Say why a column is no candidate whatever its values are, or return None."""
    if isinstance(content, LeftOut):
        return content.reason
    length = length_of(content)
    if length != n_obs:
        return f"not one value per observation: {length:,} values for {n_obs:,} observations"
    return MEASUREMENT if content.kind == "float" else None


def _check_name(name: str, frame: Frame) -> None:
    if frame.column(name) is None:
        from difflib import get_close_matches

        names = [column.name for column in frame.columns]
        near = get_close_matches(name, names, n=3) or names
        start = "the nearest are" if near is not names else "the columns are"
        raise DesignError(f"no column {name!r} in obs; {start} {', '.join(near) or 'none'}")


def _read_column(content: Content, n_obs: int, *, wanted: bool) -> _Reading:
    reason = reason_not_to_read(content, n_obs)
    if isinstance(content, LeftOut) or (reason is not None and not (wanted and reason == MEASUREMENT)):
        return _Reading(reason)
    try:
        if isinstance(content, Labelled):
            return _read_labelled(content, n_obs, wanted=wanted)
        return _read_plain(content, n_obs, reason, wanted=wanted)
    except PartError as error:
        return _Reading(str(error))
    except MemoryError:
        # The number of rows is the word of the file, and may be more than there is memory for.
        return _Reading("more values than fit into the memory")


def _read_labelled(content: Labelled, n_obs: int, *, wanted: bool) -> _Reading:
    tally = tally_codes(content, n_obs)
    reason = reason_to_set_aside("categorical", tally.n_levels, n_obs)
    # Names of cells are not worth reading; the name of the only level says what all observations are.
    if reason not in (None, ONE_LEVEL) and not wanted:
        return _Reading(reason, tally, note=tally.note)
    names = read_level_names(content, n_obs)
    return _Reading(reason, tally, count_levels(names, tally.codes), _joined(tally.note, note_on_names(names)))


def _read_plain(content: Plain, n_obs: int, reason: str | None, *, wanted: bool) -> _Reading:
    most_levels = MOST_LEVELS.get(content.kind) if is_large(content) and not wanted else None
    if content.kind == "string" and most_levels is not None and are_all_different(content):
        return _Reading("nearly unique: no text was found twice")
    try:
        tally = tally_values(content, n_obs, most_levels=most_levels)
    except TooManyLevelsError:
        return _Reading(f"too many levels for a plain {content.kind} column: more than {most_levels}")
    reason = reason or reason_to_set_aside(content.kind, tally.n_levels, n_obs)
    if reason not in (None, ONE_LEVEL) and not wanted:
        return _Reading(reason, tally, note=tally.note)
    return _Reading(reason, tally, count_levels(tally.levels, tally.codes), _plain_note(content, tally))


def _plain_note(content: Plain, tally: LevelledTally) -> str | None:
    unlabelled = "whole numbers without labels" if content.kind == "integer" else None
    return _joined(unlabelled, tally.note, note_on_names(list(tally.levels)))


def _describe(stored: StoredColumn, reading: _Reading) -> Column:
    tally = reading.tally
    return Column(
        stored.name,
        stored.content.kind,
        isinstance(stored.content, Labelled) and stored.content.ordered,
        None if tally is None else tally.n_levels,
        None if tally is None else tally.missing,
        reading.levels,
        reading.set_aside,
        _joined(stored.note, reading.note),
    )


def _codes_to_hand_on(reading: _Reading, *, wanted: bool) -> Codes | None:
    if reading.tally is None or reading.levels is None or not (wanted or reading.set_aside is None):
        return None
    return reading.tally.codes


def _joined(*notes: str | None) -> str | None:
    return "; ".join(filter(None, notes)) or None
