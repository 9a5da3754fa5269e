"""The experimental units of a file as a table: a row each, as analyses of pseudobulk samples want it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from edviz.errors import DesignError, OutputError
from edviz.export.spreadsheet import write_csv
from edviz.infer import Inference
from edviz.infer.facts import Facts
from edviz.infer.unit import Unit, UnitTable
from edviz.table import Column

if TYPE_CHECKING:
    import pandas

ROW = "row"
N_OBS = "n_obs"


@dataclass(frozen=True)
class SampleSheet:
    """The experimental units of a file.

    Attributes
    ----------
    columns
        Names: first the columns that name the unit, then all other candidate factors that are constant
        within units but for strays, in stored order, then the number of observations.
    rows
        One for each unit, with the most frequent level of each column; None where the unit has no value.
    n_without_unit
        Observations that belong to no unit.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | None, ...], ...]
    n_without_unit: int


def sample_sheet(inference: Inference, *, constants: bool = False) -> SampleSheet:
    """Tabulate the experimental units that an inference found.

    Parameters
    ----------
    inference
        From `edviz.infer.infer_design`; the file is not read again.
    constants
        Whether to add the columns that have one level in the whole file.

    Raises
    ------
    DesignError
        If no experimental unit was found.
    """
    facts = inference.facts
    if facts.unit is None or facts.unit_table is None:
        raise DesignError(
            "no column names the experimental units, so there is no sample sheet; name one with --unit COLUMN"
        )
    columns = _ids(facts, facts.unit)
    columns |= {
        name: _levels_of_units(facts, facts.unit_table, name)
        for name in facts.names
        if name in facts.unit_table.codes and name not in columns
    }
    if constants:
        columns |= {name: [level] * facts.unit.n_units for name, level in _constants(facts).items()}
    columns[_unused(N_OBS, columns)] = [int(n) for n in facts.unit_table.sizes]
    rows = tuple(zip(*columns.values(), strict=True))
    return SampleSheet(tuple(columns), rows, facts.tables.n_obs - int(facts.unit_table.sizes.sum()))


def write_sample_sheet(sheet: SampleSheet, stream: TextIO) -> None:
    """Write a sample sheet as CSV; what a spreadsheet would take for a formula gets an apostrophe before it.

    Parameters
    ----------
    sheet
        The units.
    stream
        Where to write.
    """
    write_csv(stream, sheet.columns, sheet.rows)


def sample_sheet_to_pandas(sheet: SampleSheet) -> pandas.DataFrame:
    """Return a sample sheet as a data frame.

    Parameters
    ----------
    sheet
        The units.

    Raises
    ------
    OutputError
        If pandas is not installed.
    """
    try:
        import pandas  # optional
    except ImportError:
        raise OutputError("data frames need pandas, which is not installed: pip install pandas") from None
    return pandas.DataFrame.from_records(list(sheet.rows), columns=list(sheet.columns))


def _ids(facts: Facts, unit: Unit) -> dict[str, list[str | int | None]]:
    """Return what names the units: the levels of its columns, or row numbers where each row is one."""
    if not unit.columns:
        return {_unused(ROW, facts.names): list(range(1, unit.n_units + 1))}
    places = {name: unit.coding.columns.index(name) for name in unit.columns}
    ordered = unit.coding.parts[unit.coding.numbers.argsort()]
    return {name: [facts.tables.levels(name)[code] for code in ordered[:, place]] for name, place in places.items()}


def _levels_of_units(facts: Facts, table: UnitTable, name: str) -> list[str | int | None]:
    levels = facts.tables.levels(name)
    return [levels[code] if code >= 0 else None for code in table.codes[name]]


def _constants(facts: Facts) -> dict[str, str]:
    """Return the columns with one level and without missing values, and that level."""
    listing = facts.tables.table.listing
    return {column.name: _only_level(column) for column in listing.columns if _is_constant(column)}


def _is_constant(column: Column) -> bool:
    return column.set_aside is not None and column.n_levels == 1 and column.missing == 0 and bool(column.levels)


def _only_level(column: Column) -> str:
    return next(entry.level for entry in column.levels or () if entry.n)


def _unused(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name
