"""Codes of columns, block by block, from memory or from wherever else they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Block = list[NDArray[np.signedinteger]]
"""Codes of consecutive observations, one array a column: 0 and above, -1 where missing."""

BLOCK_ROWS = 49_152


class OutgrownError(Exception):
    """A column has more levels than its size said; the size is larger now, and counting starts again."""


class Source(Protocol):
    """Where the codes of some columns come from; they can be read any number of times."""

    n_obs: int

    def size(self, name: str) -> int:
        """Return a number that no code of the column reaches."""

    def blocks(self, names: Sequence[str]) -> Iterator[Block]:
        """Yield the codes of some columns from the first observation to the last.

        Raises
        ------
        OutgrownError
            If a code reaches the size of its column, which has grown by then.
        """

    def probe(self, names: Sequence[str]) -> Block:
        """Return the codes of some observations, spread over all."""


class ArraySource:
    """Codes in memory.

    Parameters
    ----------
    codes
        For each column an array of shape (n_obs,).
    sizes
        For each column its number of levels.
    n_obs
        Number of observations, which arrays that are not there cannot tell.
    """

    def __init__(self, codes: Mapping[str, NDArray[np.signedinteger]], sizes: Mapping[str, int], n_obs: int) -> None:
        self.n_obs = n_obs
        self._codes = codes
        self._sizes = sizes

    def size(self, name: str) -> int:
        """Return the number of levels of a column."""
        return self._sizes[name]

    def blocks(self, names: Sequence[str]) -> Iterator[Block]:
        """Yield the codes of some columns."""
        for start in range(0, self.n_obs, BLOCK_ROWS):
            yield [self._codes[name][start : start + BLOCK_ROWS] for name in names]

    def probe(self, names: Sequence[str]) -> Block:
        """Return the codes of some observations, spread over all."""
        step = max(1, self.n_obs // 4096)
        return [self._codes[name][::step] for name in names]
