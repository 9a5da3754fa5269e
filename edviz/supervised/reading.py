"""An .h5ad file that is being read: by a supervised process, or in this one where the file is trusted."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack, nullcontext
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from edviz.h5ad.copies import copy_of
from edviz.supervised.limits import limits_for
from edviz.supervised.process import ReadingProcess
from edviz.supervised.stamp import Stamp

if TYPE_CHECKING:
    from edviz.contents import CountsScan, H5adSummary
    from edviz.counting import Rows
    from edviz.h5ad.copies import Copy
    from edviz.h5ad.reader import H5adFile
    from edviz.h5ad.sources import Source
    from edviz.hdf5 import Purpose
    from edviz.remote import RemoteReport
    from edviz.table import FactorTable


class Reading(Protocol):
    """What can be asked of a file while it is being read."""

    def factors(self) -> FactorTable:
        """Return the obs columns, as `edviz.h5ad.read_factors` does; the table is of use while the reading lasts.

        Raises
        ------
        H5adError
            If the file cannot be read, or was changed meanwhile.
        """

    def summary(self) -> H5adSummary:
        """Return what the file holds, as `edviz.h5ad.summarise` does.

        Raises
        ------
        H5adError
            If the file cannot be read, or was changed meanwhile.
        """

    def scan(self, location: str) -> CountsScan:
        """Look at all values of a matrix, as `edviz.h5ad.scanning.scan_counts` does."""

    def report(self) -> RemoteReport | None:
        """Return what was read from a server so far, or None if nothing was."""

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
    """Reads in this process; the file stays open until the end of the reading."""

    def __init__(self, location: str | PathLike[str], also: Collection[str]) -> None:
        self._location = location
        self._stamp = Stamp(location)
        self._also = also
        self._opened = ExitStack()
        self._copy: Copy | None = None
        self._source: Source | None = None
        self._h5ad: H5adFile | None = None

    def factors(self) -> FactorTable:
        """Read the obs columns."""
        from edviz.h5ad.factors import factors_of

        h5ad = self._open("factors")
        table = factors_of(h5ad, self._also, lambda: nullcontext(h5ad.obs))[0]
        self._stamp.check()
        return table

    def summary(self) -> H5adSummary:
        """Summarise the file."""
        from edviz.h5ad.summary import summary_of

        summary = summary_of(self._open("summary"))
        self._stamp.check()
        return summary

    def scan(self, location: str) -> CountsScan:
        """Look at all values of a matrix."""
        from edviz.h5ad.scanning import scan_counts

        return scan_counts(self._open("summary"), location)

    def report(self) -> RemoteReport | None:
        """Say what was read from a server."""
        if self._copy is not None:
            return self._copy.report
        return None if self._source is None else self._source.report

    def __enter__(self) -> DirectReading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def _open(self, purpose: Purpose) -> H5adFile:
        """Open the file once for all questions."""
        if self._h5ad is None:
            from edviz.h5ad.copies import copy_of
            from edviz.h5ad.reader import open_h5ad
            from edviz.h5ad.sources import source_of

            self._copy = self._opened.enter_context(copy_of(self._location))
            self._source = self._opened.enter_context(source_of(self._location, purpose, copy=self._copy))
            self._h5ad = self._opened.enter_context(open_h5ad(self._source))
        return self._h5ad


class SupervisedReading:
    """Has a process of its own read the file; that may write nothing, so a compressed file is unpacked before."""

    def __init__(self, location: str | PathLike[str], *, factors: bool, summary: bool, also: Collection[str]) -> None:
        path = fspath(location)
        self._also = list(also)
        self._is_remote = "://" in path
        self._stamp = Stamp(path)
        self._opened = ExitStack()
        try:
            self._copy = self._opened.enter_context(copy_of(path))
            limits = limits_for(path if self._copy is None else self._copy.path)
            self._process = ReadingProcess(path, limits, self._copy)
        except BaseException:
            self._opened.close()
            raise
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
        self._stamp.check()
        listing = from_plain(FactorListing, answer["listing"])
        return FactorTable(listing, counted_of(answer["counts"], _InProcess(self._process)))

    def summary(self) -> H5adSummary:
        """Wait for the summary."""
        if self._summary is None:
            self._summary = self._process.ask("summary")
        from edviz.contents import H5adSummary
        from edviz.plain import from_plain

        answer = self._process.fetch(self._summary)
        self._stamp.check()
        return from_plain(H5adSummary, answer)

    def scan(self, location: str) -> CountsScan:
        """Ask for a look at all values of a matrix, and wait for it."""
        from edviz.contents import CountsScan
        from edviz.plain import from_plain

        return from_plain(CountsScan, self._process.fetch(self._process.ask("scan", location=location)))

    def report(self) -> RemoteReport | None:
        """Ask what was read from a server."""
        if self._copy is not None:
            return self._copy.report
        if not self._is_remote:
            return None
        from edviz.remote import RemoteReport

        answer = self._process.fetch(self._process.ask("report"))
        return None if answer is None else RemoteReport(**answer)

    def __enter__(self) -> SupervisedReading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()
        self._opened.close()


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
