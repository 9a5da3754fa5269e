"""What is wrong with a local file, found before HDF5 opens it."""

from __future__ import annotations

import stat
from functools import partial
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from edviz.hdf5.faults import Fault
from edviz.hdf5.pages import Batch, Pages
from edviz.hdf5.rows import Sample
from edviz.hdf5.structure import StoredObject, Structure
from edviz.hdf5.walk import Need, Plan, Walk, run

LEVELS = Sample(blocks=1, rows=16_384)
OTHERS = Sample(blocks=5, rows=1000)
"""Texts whose heaps are walked through: more would take longer than reading them does."""


def preflight(path: str | PathLike[str]) -> tuple[Fault, ...]:
    """Find what could hang, crash or mislead HDF5 in a file, without HDF5 and without the values of matrices.

    A file with a fault of the consequence `refuse` is not to be opened. Where it is `skip`, the part at that path leads
    out of the file or is damaged, and a reader leaves it out. No fault is no promise: not every text is looked at.
    """
    return read_structure(path).faults


def read_structure(path: str | PathLike[str]) -> Structure:
    """Walk through all objects of a local file.

    A file that cannot be walked through is one of the faults of the result, not an error.
    """
    try:
        # Opening a pipe would wait for ever.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return _unopened("no regular file")
        with Path(path).open("rb") as file:
            size = file.seek(0, 2)
            return run(Walk(Pages(size), PLAN).batches(), partial(_read, file))
    except (OSError, ValueError) as error:
        return _unopened(f"cannot be read ({getattr(error, 'strerror', None) or error})")


def _read(file: BinaryIO, batch: Batch) -> list[bytes]:
    answers = []
    for start, stop in batch.structure:
        file.seek(start)
        answers.append(file.read(stop - start))
    return answers


def _unopened(reason: str) -> Structure:
    return Structure(None, {}, (Fault("/", "refuse", reason),))


def _needs(path: str, dataset: StoredObject) -> Need:
    return Need(texts=LEVELS if "categories" in path else OTHERS, chunks=path.startswith("/obs/"))


PLAN = Plan(visits=lambda _: True, needs=_needs)
