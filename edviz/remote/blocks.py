"""Blocks of a file in memory: those that stay, and those that make room for others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import chain
from threading import Lock

from edviz.remote.ranges import Span

LARGEST_PIECE = 2**20
"""Larger parts are asked for in pieces, which arrive side by side."""


class BlockCache:
    """Blocks of equal size, by number, within a limit.

    Blocks of headers are to be kept, as HDF5 comes back to them. Blocks of values pass: the one that was not used for
    the longest time makes room. At most half of the room is for blocks that are kept; more of them pass as well.

    Parameters
    ----------
    block_bytes
        Bytes of a block.
    most_bytes
        Bytes of all blocks.
    """

    def __init__(self, *, block_bytes: int, most_bytes: int) -> None:
        self.block_bytes = block_bytes
        self._most_blocks = max(2, most_bytes // block_bytes)
        self._kept: dict[int, bytes] = {}
        self._passing: OrderedDict[int, bytes] = OrderedDict()
        self._lock = Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes that are held now."""
        with self._lock:
            return sum(map(len, self._kept.values())) + sum(map(len, self._passing.values()))

    def get(self, number: int) -> bytes | None:
        """Return a block, or None if it is not held."""
        with self._lock:
            block = self._kept.get(number) or self._passing.get(number)
            if number in self._passing:
                self._passing.move_to_end(number)
            return block

    def lacks(self, number: int) -> bool:
        """Say whether a block is not held."""
        with self._lock:
            return number not in self._kept and number not in self._passing

    def numbers(self, span: Span) -> range:
        """Return the numbers of the blocks that a span touches."""
        return range(span.start // self.block_bytes, -(-span.stop // self.block_bytes))

    @property
    def room(self) -> int:
        """Number of blocks that may be read at once, as those that pass make room for them."""
        with self._lock:
            return self._most_blocks - len(self._kept)

    @property
    def free(self) -> int:
        """Number of blocks that may be read at once without another one making room."""
        with self._lock:
            return self._most_blocks - len(self._kept) - len(self._passing)

    def use(self, spans: Iterable[Span]) -> None:
        """Let the blocks of spans that are held and pass be the last to make room."""
        with self._lock:
            for span in spans:
                for number in self._passing_in(self.numbers(span)):
                    self._passing.move_to_end(number)

    def missing(self, spans: Iterable[Span], most: int) -> set[int]:
        """Return the numbers of blocks that spans touch and that are not held.

        Parameters
        ----------
        spans
            What is wanted; those that come first have precedence.
        most
            How many blocks at most.
        """
        found: set[int] = set()
        # Ended here and not by a slice, for a server may claim any size.
        for number in chain.from_iterable(map(self.numbers, spans)):
            if len(found) >= most:
                break
            if self.lacks(number):
                found.add(number)
        return found

    def pieces(self, numbers: Iterable[int], file_size: int) -> list[Span]:
        """Return the spans to read for blocks: neighbours joined, large spans in pieces, the last up to the end."""
        longest = max(1, LARGEST_PIECE // self.block_bytes) * self.block_bytes
        pieces: list[Span] = []
        for number in sorted(numbers):
            start, stop = number * self.block_bytes, min((number + 1) * self.block_bytes, file_size)
            if pieces and pieces[-1].stop == start and start - pieces[-1].start < longest:
                pieces[-1] = Span(pieces[-1].start, stop)
            else:
                pieces.append(Span(start, stop))
        return pieces

    def store(self, span: Span, body: bytes | bytearray, *, keep: bool) -> None:
        """Hold the blocks of a span that begins and ends with blocks."""
        with self._lock:
            for number in self.numbers(span):
                start = number * self.block_bytes - span.start
                self._put(number, bytes(body[start : start + self.block_bytes]), keep)

    def keep(self, span: Span) -> None:
        """Keep those blocks of a span that are held and pass."""
        with self._lock:
            for number in self._passing_in(self.numbers(span)):
                self._put(number, self._passing.pop(number), True)

    def drop(self, span: Span) -> None:
        """Let go the blocks that lie in a span entirely, unless they are kept."""
        first, stop = -(-span.start // self.block_bytes), span.stop // self.block_bytes
        with self._lock:
            for number in self._passing_in(range(first, stop)):
                del self._passing[number]

    def clear(self) -> None:
        """Let all blocks go."""
        with self._lock:
            self._kept.clear()
            self._passing.clear()

    def _passing_in(self, numbers: range) -> list[int]:
        few, many = (numbers, self._passing) if len(numbers) < len(self._passing) else (self._passing, numbers)
        return [number for number in few if number in many]

    def _put(self, number: int, block: bytes, keep: bool) -> None:
        if keep and len(self._kept) < self._most_blocks // 2:
            self._kept[number] = block
        else:
            self._passing[number] = block
        while self._passing and len(self._kept) + len(self._passing) > self._most_blocks:
            self._passing.popitem(last=False)
