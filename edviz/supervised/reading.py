"""An .h5ad file that is being read: by a supervised process, or in this one where the file is trusted."""

from __future__ import annotations

from collections.abc import Collection
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from edviz.supervised.limits import limits_for
from edviz.supervised.process import ReadingProcess

if TYPE_CHECKING:
    from edviz.contents import H5adSummary
    from edviz.counting import Rows
    from edviz.table import FactorTable


class Reading(Protocol):
    """What can be asked of a file while it is being read."""

    def factors(self) -> FactorTable:
        """Return the obs columns, as `edviz.h5ad.read_factors` does; the table is of use while the reading lasts."""

    def summary(self) -> H5adSummary:
        """Return what the file holds, as `edviz.h5ad.summarise` does."""

    def __enter__(self) -> Reading:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the reading."""


def start_reading(
    location: str | PathLike[str],
    *,
    factors: bool = False,
    summary: bool = False,
    also: Collection[str] = (),
    trusted: bool = False,
) -> Reading:
    """Start reading a file; the answers are fetched later, so that the one who asks can get ready meanwhile.

    Parameters
    ----------
    location
        The file.
    factors, summary
        What will be asked for.
    also
        Names of columns that are counted even if they are set aside.
    trusted
        Read in this process, without limits: for files whose writer is trusted.

    Examples
    --------
    >>> with start_reading("pbmc.h5ad", summary=True) as reading:  # doctest: +SKIP
    ...     print(reading.summary().n_obs)
    """
    if trusted:
        return DirectReading(location, also)
    return SupervisedReading(location, factors=factors, summary=summary, also=also)


class DirectReading:
    """Reads in this process."""

    def __init__(self, location: str | PathLike[str], also: Collection[str]) -> None:
        self._location = location
        self._also = also

    def factors(self) -> FactorTable:
        """Read the obs columns."""
        from edviz.h5ad.factors import read_factors

        return read_factors(self._location, also=self._also)

    def summary(self) -> H5adSummary:
        """Summarise the file."""
        from edviz.h5ad.summary import summarise

        return summarise(self._location)

    def __enter__(self) -> DirectReading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class SupervisedReading:
    """Has a process of its own read the file."""

    def __init__(self, location: str | PathLike[str], *, factors: bool, summary: bool, also: Collection[str]) -> None:
        path = fspath(location)
        self._also = list(also)
        self._process = ReadingProcess(path, limits_for(path))
        self._factors = self._process.ask("factors", also=self._also) if factors else None
        self._summary = self._process.ask("summary") if summary else None

    def factors(self) -> FactorTable:
        """Wait for the obs columns."""
        if self._factors is None:
            self._factors = self._process.ask("factors", also=self._also)
        from edviz.counting.state import counted_of
        from edviz.plain import from_plain
        from edviz.table import FactorListing, FactorTable

        answer = self._process.fetch(self._factors)
        listing = from_plain(FactorListing, answer["listing"])
        return FactorTable(listing, counted_of(answer["counts"], _InProcess(self._process)))

    def summary(self) -> H5adSummary:
        """Wait for the summary."""
        if self._summary is None:
            self._summary = self._process.ask("summary")
        from edviz.contents import H5adSummary
        from edviz.plain import from_plain

        return from_plain(H5adSummary, self._process.fetch(self._summary))

    def __enter__(self) -> SupervisedReading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()


class _InProcess:
    """Counts again in the process that reads."""

    def __init__(self, process: ReadingProcess) -> None:
        self._process = process

    def rows(self, *names: str) -> Rows:
        """Return the combinations of some columns that occur."""
        return self._ask("rows", names)

    def codes(self, *names: str) -> Rows:
        """Return the codes of every observation."""
        return self._ask("codes", names)

    def _ask(self, question: str, names: tuple[str, ...]) -> Rows:
        from edviz.counting.state import rows_of

        answer: Any = self._process.fetch(self._process.ask(question, names=list(names)))
        return rows_of(answer)
