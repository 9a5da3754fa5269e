"""What is done with each file of many; every function takes one location, so that a job of a cluster can call it."""

from __future__ import annotations

from collections.abc import Mapping

from edviz.card import CardResult, write_card
from edviz.collection.row import DesignRow, row_of
from edviz.contents import H5adSummary
from edviz.deposit import Deposit
from edviz.infer import Overrides, Report, infer_design
from edviz.supervised import start_reading

NO_DEPOSITS: Mapping[str, Deposit] = {}


def summary_of_file(location: str, *, trusted: bool = False) -> H5adSummary:
    """Say what a file holds.

    Raises
    ------
    H5adError
        If the file cannot be read.
    """
    with start_reading(location, summary=True, trusted=trusted) as reading:
        return reading.summary()


def report_of_file(location: str, overrides: Overrides, *, trusted: bool = False) -> Report:
    """Infer the design of a file, and return all that was found.

    Raises
    ------
    H5adError
        If the file cannot be read.
    DesignError
        If an override does not fit the file.
    """
    with start_reading(location, factors=True, also=overrides.columns, trusted=trusted) as reading:
        return infer_design(reading.factors(), overrides).report


def row_of_file(location: str, overrides: Overrides, *, trusted: bool = False) -> DesignRow:
    """Infer the design of a file, and return what a table of designs needs.

    Raises
    ------
    H5adError
        If the file cannot be read.
    DesignError
        If an override does not fit the file.
    """
    with start_reading(location, factors=True, also=overrides.columns, trusted=trusted) as reading:
        return row_of(infer_design(reading.factors(), overrides))


def card_of_file(
    location: str,
    overrides: Overrides,
    *,
    cards: Mapping[str, str],
    deposits: Mapping[str, Deposit] = NO_DEPOSITS,
    trusted: bool = False,
) -> CardResult:
    """Write the design card of a file.

    Parameters
    ----------
    cards
        Paths of the cards by location.
    deposits
        Where archives hold files, by location; of those that they hold.

    Raises
    ------
    H5adError
        If the file cannot be read.
    DesignError
        If an override does not fit the file.
    OutputError
        If the card cannot be written, or something that is no design card is in its place.
    """
    return write_card(location, cards[location], overrides, trusted=trusted, deposit=deposits.get(location))
