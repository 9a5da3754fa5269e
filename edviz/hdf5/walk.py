"""A walk through the objects of a file: many parts that go on side by side, and wait together for bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, TypeAlias

from edviz.hdf5.checks import OUTSIDE_LINK, claims_of
from edviz.hdf5.chunks import find_pieces
from edviz.hdf5.faults import Fault, Notes, SpentError, StructureError
from edviz.hdf5.heaps import Heaps, longest_items, merge_longest
from edviz.hdf5.matrices import want_sample
from edviz.hdf5.messages import Link
from edviz.hdf5.objects import read_object
from edviz.hdf5.pages import Batch, Pages, Steps
from edviz.hdf5.rows import Selection, want_rows
from edviz.hdf5.structure import StoredObject, Structure
from edviz.hdf5.superblock import Superblock, read_superblock
from edviz.hdf5.texts import find_texts, has_texts

MOST_OBJECTS = 20_000
MOST_RUNNING = 100_000
TOO_LARGE = "larger than is looked at"

Batches: TypeAlias = Generator[Batch, Sequence[bytes], Structure]
"""A walk from outside: it yields what it needs, is sent the bytes, and returns what it found."""


class Need(NamedTuple):
    """What a walk looks at of a dataset beyond its header.

    Attributes
    ----------
    texts
        The values whose texts are looked up, if they are texts of variable length.
    chunks
        Whether the chunks are to be found.
    values
        The values that the reader will want.
    matrix
        Whether the reader will want a sample of values from all of the dataset, which is a matrix.
    """

    texts: Selection | None = None
    chunks: bool = False
    values: Selection | None = None
    matrix: bool = False


NOTHING = Need()


class Plan(NamedTuple):
    """Where a walk goes.

    Attributes
    ----------
    visits
        Whether the object at a path is looked at.
    needs
        What is looked at of a dataset.
    """

    visits: Callable[[str], bool]
    needs: Callable[[str, StoredObject], Need]


class Walk:
    """A walk through one file."""

    def __init__(self, pages: Pages, plan: Plan) -> None:
        self._pages = pages
        self._plan = plan
        self._heaps = Heaps(pages)
        self._superblock: Superblock | None = None
        self._objects: dict[int, StoredObject] = {}
        self._parents: dict[int, int | None] = {}
        self._faults: list[Fault] = []
        self._running: deque[Steps[None]] = deque()

    def batches(self) -> Batches:
        """Walk until nothing is left, yielding what is needed whenever all parts wait for bytes."""
        # Without a root there is nothing to be read.
        self._start(Notes("/", self._faults, "refuse"), self._open())
        try:
            while self._running:
                self._run_until_all_wait()
                batch = self._pages.next_batch()
                if batch.structure or batch.values:
                    self._pages.fill(batch, (yield batch))
        except SpentError:
            self._faults.append(Fault("/", "unknown", TOO_LARGE))
        return Structure(self._superblock, self._objects, tuple(dict.fromkeys(self._faults)))

    def _run_until_all_wait(self) -> None:
        waiting: deque[Steps[None]] = deque()
        while self._running:
            steps = self._running.popleft()
            try:
                next(steps)
            except StopIteration:
                continue
            waiting.append(steps)
        self._running = waiting

    def _start(self, notes: Notes, steps: Steps[None]) -> None:
        if len(self._running) > MOST_RUNNING:
            raise SpentError
        self._running.append(_noting(notes, steps))

    def _open(self) -> Steps[None]:
        self._superblock = yield from read_superblock(self._pages)
        yield from self._visit("/", self._superblock.root, None)

    def _visit(self, path: str, address: int, parent: int | None) -> Steps[None]:
        if address in self._parents:
            self._check_circle(address, parent)
            return
        if len(self._parents) >= MOST_OBJECTS:
            raise SpentError
        self._parents[address] = parent
        notes = Notes(path, self._faults)
        found = yield from read_object(self._pages, address, notes)
        self._objects[address] = found
        for link in found.links or ():
            self._go_on(path, address, link)
        self._start(notes, self._heaps.follow(_texts_of_attributes(found), notes))
        if found.kind == "dataset":
            yield from self._look_at_values(found, notes)

    def _check_circle(self, address: int, parent: int | None) -> None:
        while parent is not None:
            if parent == address:
                raise StructureError("a group that contains itself")
            parent = self._parents.get(parent)

    def _go_on(self, path: str, address: int, link: Link) -> None:
        notes = Notes(f"{path.rstrip('/')}/{link.name}", self._faults)
        if link.kind == "external":
            notes.add(OUTSIDE_LINK, "refuse" if notes.path == "/obs" else "skip")
        elif link.kind == "unknown":
            notes.add("a link of an unknown kind", "unknown")
        elif link.address is not None and self._plan.visits(notes.path):
            self._start(notes, self._visit(notes.path, link.address, address))

    def _look_at_values(self, dataset: StoredObject, notes: Notes) -> Steps[None]:
        claims = list(claims_of(dataset))
        for claim in claims:
            notes.add(claim)
        need = self._plan.needs(notes.path, dataset)
        if claims:
            return
        if need.matrix:
            yield from want_sample(self._pages, dataset, notes)
        texts = need.texts if has_texts(dataset) else None
        if not (texts or need.chunks or need.values):
            return
        pieces = yield from find_pieces(self._pages, dataset, notes)
        for piece in pieces:
            self._pages.check(piece.address, piece.size)
        if need.values:
            want_rows(self._pages, dataset, pieces, need.values)
        if texts:
            longest = yield from find_texts(self._pages, dataset, pieces, texts)
            yield from self._heaps.follow(longest, notes)


def run(batches: Batches, fetch: Callable[[Batch], Sequence[bytes]]) -> Structure:
    """Go through a walk.

    Parameters
    ----------
    batches
        The walk.
    fetch
        Returns the bytes of the ranges in `structure`, in their order, and keeps those in `values` for the reader.
    """
    try:
        batch = next(batches)
        while True:
            batch = batches.send(fetch(batch))
    except StopIteration as end:
        found: Structure = end.value
        return found


def _noting(notes: Notes, steps: Steps[None]) -> Steps[None]:
    with notes:
        yield from steps


def _texts_of_attributes(found: StoredObject) -> dict[int, int]:
    return merge_longest(longest_items(attribute.datatype, attribute.value) for attribute in found.attributes)
