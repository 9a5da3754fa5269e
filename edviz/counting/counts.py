"""All that is counted of some columns: how often each combination of them occurs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from edviz.counting.blocks import ArraySource, Block, OutgrownError, Source
from edviz.counting.filling import Filling, NoFunctionError
from edviz.counting.plan import make_plan
from edviz.counting.rows import Coding, Ints, Rows, join
from edviz.counting.tables import Tables

MOST_PLANS = 4
"""After so many plans that did not hold, columns that deviate are no longer taken as functions."""


ROW_NUMBER = "\0row"
"""Name of the column that numbers the observations; no column of a file can have it."""


class Counts(Protocol):
    """How often combinations of columns occur."""

    n_obs: int
    names: tuple[str, ...]

    def rows(self, *names: str) -> Rows:
        """Return the combinations of some columns that occur, in the order of their codes, missing values included."""

    def codes(self, *names: str) -> Rows:
        """Return the codes of every observation, in a pass of its own; each row is one observation."""


def count(source: Source, names: Sequence[str], *, on_demand: Sequence[str] = ()) -> Counted:
    """Count how the levels of columns occur together, exactly, in one pass over the observations.

    What is counted: every pair of columns, the anchor with any other two columns of which one is a
    function of it, and more. Other combinations are counted when they are asked for, in a pass of
    their own. Memory depends on the number of levels, not on the number of observations.

    Parameters
    ----------
    source
        Where the codes come from.
    names
        The columns.
    on_demand
        Further columns that the source has; they are counted only when they are asked for.
    """
    names = tuple(names)
    probe = dict(zip(names, source.probe(names), strict=True))
    barred: set[str] = set()
    for attempt in range(100):
        sizes = {name: source.size(name) for name in names}
        plan = make_plan(probe, sizes, barred=barred)
        filling = Filling(plan, names, sizes)
        try:
            for block in source.blocks(names):
                filling.add(block)
        except OutgrownError:
            continue
        except NoFunctionError as error:
            # The first times a wider probe may show a better anchor; then the columns themselves are to blame.
            probe = {name: np.concatenate([probe[name], error.block[name]]) for name in names}
            barred |= set(error.names) if attempt >= MOST_PLANS else set()
            continue
        numbers: dict[str, Ints] = {}
        return Counted(filling.finish(), source.n_obs, on_demand, numbers, _InSource(source, numbers))
    raise AssertionError("a source grows without end")


class Elsewhere(Protocol):
    """Where to ask for what was not counted in one pass; codes have their final numbers."""

    def rows(self, *names: str) -> Rows:
        """Return the combinations of some columns that occur."""

    def codes(self, *names: str) -> Rows:
        """Return the codes of every observation."""


class Counted:
    """What `count` returns: tables, and where to ask for what they do not tell.

    Parameters
    ----------
    tables
        What was counted in one pass.
    n_obs
        Number of observations.
    on_demand
        Further columns, which are counted only when they are asked for.
    numbers
        Final numbers of the codes of some columns.
    elsewhere
        Where to ask for other combinations.
    """

    def __init__(
        self,
        tables: Tables,
        n_obs: int,
        on_demand: Sequence[str],
        numbers: dict[str, Ints],
        elsewhere: Elsewhere,
    ) -> None:
        self.tables = tables
        self.n_obs = n_obs
        self.on_demand = tuple(on_demand)
        self.names = (*tables.names, *on_demand)
        self.numbers = numbers
        self._elsewhere = elsewhere
        self._known: dict[frozenset[str], Rows] = {}

    def renumber(self, name: str, numbers: Ints) -> None:
        """Give the codes of a column other numbers, in what was counted and in what will be."""
        self.numbers[name] = np.asarray(numbers, dtype=np.int64)
        self._known.clear()

    def rows(self, *names: str) -> Rows:
        """Return the combinations of some columns that occur, in the order of their codes."""
        wanted = frozenset(names)
        if wanted not in self._known:
            found = self.tables.rows(wanted)
            if found is None:
                self._known[wanted] = self._elsewhere.rows(*sorted(wanted))
            else:
                self._known[wanted] = renumbered(found.distinct(sorted(wanted)), self.numbers)
        return self._known[wanted].distinct(names)

    def codes(self, *names: str) -> Rows:
        """Return the codes of every observation."""
        return self._elsewhere.codes(*names)


class _InSource:
    """Counts again in the source, in a pass of its own."""

    def __init__(self, source: Source, numbers: dict[str, Ints]) -> None:
        self._source = source
        self._numbers = numbers

    def rows(self, *names: str) -> Rows:
        """Return the combinations of some columns that occur."""
        parts = [_no_rows(names)]
        for block in self._source.blocks(names):
            parts.append(Rows(_as_ints(names, block), _ones(block)).distinct(names))
            if sum(map(len, parts[1:])) > len(parts[0]):
                parts = [join(parts, names).distinct(names)]
        return renumbered(join(parts, names).distinct(names), self._numbers)

    def codes(self, *names: str) -> Rows:
        """Return the codes of every observation."""
        blocks = [Rows(_as_ints(names, block), _ones(block)) for block in self._source.blocks(names)]
        return renumbered(join([_no_rows(names), *blocks], names), self._numbers)


def with_codings(counts: Counts, codings: Mapping[str, Coding]) -> Counts:
    """Add columns that are functions of others, or put them in the place of others."""
    return _Coded(counts, codings) if codings else counts


def with_row_numbers(counts: Counts) -> Counts:
    """Add a column that numbers the observations of a small table."""
    rows = counts.codes(*counts.names)
    codes = {**rows.codes, ROW_NUMBER: np.arange(counts.n_obs, dtype=np.int64)}
    sizes = {name: int(column.max(initial=0)) + 1 for name, column in codes.items()}
    return count(ArraySource(codes, sizes, counts.n_obs), tuple(codes))


class _Coded:
    def __init__(self, counts: Counts, codings: Mapping[str, Coding]) -> None:
        self.n_obs = counts.n_obs
        self.names = tuple(dict.fromkeys((*counts.names, *codings)))
        self._counts = counts
        self._codings = codings

    def rows(self, *names: str) -> Rows:
        """Return the combinations of some columns that occur, in the order of their codes."""
        coded = [name for name in names if name in self._codings]
        if not coded:
            return self._counts.rows(*names)
        stored = [name for name in names if name not in self._codings]
        parts = [part for name in coded for part in self._codings[name].columns]
        found = self._counts.rows(*dict.fromkeys([*stored, *parts]))
        codes = {name: self._codings[name].of(found) for name in coded}
        return Rows({**found.codes, **codes}, found.n).distinct(names)

    def codes(self, *names: str) -> Rows:
        """Return the codes of every observation."""
        parts = [self._codings[name].columns if name in self._codings else (name,) for name in names]
        needed = [part for columns in parts for part in columns]
        found = self._counts.codes(*dict.fromkeys(needed))
        coded = {name: self._codings[name].of(found) for name in names if name in self._codings}
        return Rows({name: coded[name] if name in coded else found.codes[name] for name in names}, found.n)


def renumbered(rows: Rows, numbers: Mapping[str, Ints]) -> Rows:
    """Give the codes of some columns their final numbers."""
    codes = dict(rows.codes)
    for name in codes.keys() & numbers.keys():
        if len(numbers[name]):
            codes[name] = np.where(codes[name] >= 0, numbers[name][codes[name]], -1)
    return Rows(codes, rows.n)


def _as_ints(names: Sequence[str], block: Block) -> dict[str, Ints]:
    return {name: codes.astype(np.int64) for name, codes in zip(names, block, strict=True)}


def _ones(block: Block) -> Ints:
    return np.ones(len(block[0]) if block else 0, dtype=np.int64)


def _no_rows(names: Sequence[str]) -> Rows:
    return Rows({name: np.empty(0, dtype=np.int64) for name in names}, np.empty(0, dtype=np.int64))
