"""What of a file will be read soon: fetched at once from a server, while a local file needs none of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from edviz.hdf5 import Purpose, Selection, prefetch, prefetch_rows, run

if TYPE_CHECKING:
    from edviz.hdf5 import Batch, Structure
    from edviz.remote import RangeFile


class Ahead(Protocol):
    """Is told what will be read; whoever reads need not wait for an answer, and is never wrong to read other things."""

    def expect(self, purpose: Purpose) -> None:
        """Say what will be found out."""

    def expect_rows(self, wanted: Mapping[str, Selection]) -> None:
        """Say which rows of datasets will be read, by their paths."""


class NothingAhead:
    """For a file that is here."""

    def expect(self, purpose: Purpose) -> None:
        """Do nothing."""

    def expect_rows(self, wanted: Mapping[str, Selection]) -> None:
        """Do nothing."""


class FetchedAhead:
    """Fetches from a server, in a few rounds of parallel requests."""

    def __init__(self, remote: RangeFile) -> None:
        self._remote = remote
        self._structures: dict[Purpose, Structure] = {}

    def structure(self, purpose: Purpose) -> Structure:
        """Fetch what is needed for a purpose, once, and return what was met on the way."""
        if purpose not in self._structures:
            self._structures[purpose] = run(prefetch(self._remote.size, purpose=purpose), self._fetch)
        return self._structures[purpose]

    def expect(self, purpose: Purpose) -> None:
        """Fetch what is needed for a purpose."""
        self.structure(purpose)

    def expect_rows(self, wanted: Mapping[str, Selection]) -> None:
        """Fetch rows; those that were used the longest time ago make room for them."""
        run(prefetch_rows(self._remote.size, wanted), self._fetch_in_place_of_others)

    def _fetch(self, batch: Batch) -> list[bytes]:
        self._remote.fetch(batch.structure, values=batch.values)
        return self._answers(batch)

    def _fetch_in_place_of_others(self, batch: Batch) -> list[bytes]:
        self._remote.fetch(batch.structure, values=batch.values, in_place_of_others=True)
        return self._answers(batch)

    def _answers(self, batch: Batch) -> list[bytes]:
        return [self._remote.read_range(start, stop) for start, stop in batch.structure]
