"""All that is counted of some columns: how often each combination of them occurs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edviz.counting.blocks import ArraySource, Block, OutgrownError, Source
from edviz.counting.plan import MOST_EXCEPTIONS, Plan, make_plan
from edviz.counting.rows import Coding, Ints, Rows, join
from edviz.counting.tables import Exceptions, Table

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
        counting = _Counting(plan, names, sizes)
        try:
            for block in source.blocks(names):
                counting.add(block)
        except OutgrownError:
            continue
        except _NoFunctionError as error:
            # The first times a wider probe may show a better anchor; then the columns themselves are to blame.
            probe = {name: np.concatenate([probe[name], error.block[name]]) for name in names}
            barred |= set(error.names) if attempt >= MOST_PLANS else set()
            continue
        return Counted(source, counting, on_demand)
    raise AssertionError("a source grows without end")


class Counted:
    """What `count` returns."""

    def __init__(self, source: Source, counting: _Counting, on_demand: Sequence[str]) -> None:
        self.n_obs = source.n_obs
        self.names = (*counting.names, *on_demand)
        self._source = source
        self._counting = counting
        self._renumbered: dict[str, Ints] = {}
        self._known: dict[frozenset[str], Rows] = {}

    def renumber(self, name: str, numbers: Ints) -> None:
        """Give the codes of a column other numbers, in what was counted and in what will be."""
        self._renumbered[name] = np.asarray(numbers, dtype=np.int64)
        self._known.clear()

    def rows(self, *names: str) -> Rows:
        """Return the combinations of some columns that occur, in the order of their codes."""
        wanted = frozenset(names)
        if wanted not in self._known:
            found = self._counting.rows(wanted) if wanted <= set(self._counting.names) else None
            self._known[wanted] = self._final(self._counted_anew(sorted(wanted)) if found is None else found)
        return self._known[wanted].distinct(names)

    def codes(self, *names: str) -> Rows:
        """Return the codes of every observation."""
        blocks = [Rows(_as_ints(names, block), _ones(block)) for block in self._source.blocks(names)]
        return self._final(join([_no_rows(names), *blocks], names))

    def _counted_anew(self, names: Sequence[str]) -> Rows:
        parts = [_no_rows(names)]
        for block in self._source.blocks(names):
            parts.append(Rows(_as_ints(names, block), _ones(block)).distinct(names))
            if sum(map(len, parts[1:])) > len(parts[0]):
                parts = [join(parts, names).distinct(names)]
        return join(parts, names).distinct(names)

    def _final(self, rows: Rows) -> Rows:
        codes = dict(rows.codes)
        for name in codes.keys() & self._renumbered.keys():
            numbers = self._renumbered[name]
            codes[name] = np.where(codes[name] >= 0, numbers[codes[name]], -1) if len(numbers) else codes[name]
        return Rows(codes, rows.n)


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


def _as_ints(names: Sequence[str], block: Block) -> dict[str, Ints]:
    return {name: codes.astype(np.int64) for name, codes in zip(names, block, strict=True)}


def _ones(block: Block) -> Ints:
    return np.ones(len(block[0]) if block else 0, dtype=np.int64)


def _no_rows(names: Sequence[str]) -> Rows:
    return Rows({name: np.empty(0, dtype=np.int64) for name in names}, np.empty(0, dtype=np.int64))


class _NoFunctionError(Exception):
    """Columns deviate so often from what their anchor tells that they are no functions of it."""

    def __init__(self, names: Sequence[str], block: Mapping[str, NDArray[np.signedinteger]]) -> None:
        super().__init__(", ".join(names))
        self.names = names
        self.block = block


class _Counting:
    """The tables of one plan while they are filled. Codes are stored with 1 added, so that 0 is missing."""

    def __init__(self, plan: Plan, names: Sequence[str], sizes: Mapping[str, int]) -> None:
        self.names = tuple(names)
        self._plan = plan
        self._sizes = {name: sizes[name] + 1 for name in names}
        self._place = {name: place for place, name in enumerate(names)}
        self._pack_of = {name: number for number, pack in enumerate(plan.packs) for name in pack}
        n_anchor = 1 if plan.anchor is None else self._sizes[plan.anchor]
        self._seen = np.zeros(n_anchor, dtype=bool)
        self._told = {name: np.zeros(n_anchor, dtype=np.int32) for name in plan.functions}
        self._n_deviating = dict.fromkeys(plan.functions, 0)
        self._n_anchor = np.zeros(n_anchor, dtype=np.int64)
        n_packed = [int(np.prod([self._sizes[name] for name in pack], dtype=object)) for pack in plan.packs]
        self._with_anchor = [Table(n_anchor, n) for n in n_packed]
        pairs = combinations(range(len(plan.packs)), 2)
        self._between = {(one, other): Table(n_packed[one], n_packed[other]) for one, other in pairs}
        self._exceptions = Exceptions(len(names))
        self._beside: dict[tuple[str, ...], Rows] = {}
        self._n_rows = 0

    def add(self, block: Block) -> None:
        """Count one block of observations."""
        n = len(block[0]) if block else 0
        if not n:
            return
        self._n_rows += n
        anchor = self._anchor_of(block, n)
        self._meet_new_levels(anchor, block)
        deviating = self._deviating(anchor, block)
        if deviating is not None:
            self._exceptions.add(np.stack([codes[deviating].astype(np.int32) for codes in block], axis=1))
            block, anchor = [codes[~deviating] for codes in block], anchor[~deviating]
        self._n_anchor += np.bincount(anchor, minlength=len(self._n_anchor))
        packed = [self._pack(pack, block) for pack in self._plan.packs]
        for table, numbers in zip(self._with_anchor, packed, strict=True):
            table.add(anchor, numbers)
        for (one, other), table in self._between.items():
            table.add(packed[one], packed[other])

    def rows(self, names: frozenset[str]) -> Rows | None:
        """Return rows of some columns, not yet added up; None if they were not counted together."""
        packs = sorted({self._pack_of[name] for name in names if name in self._pack_of})
        told = [name for name in names if name not in self._pack_of]
        if len(packs) > 2 or (len(packs) == 2 and told):
            return None
        if len(packs) == 2:
            first, second, n = self._between[packs[0], packs[1]].occupied()
            codes = self._unpacked(packs[0], first, names) | self._unpacked(packs[1], second, names)
        elif packs:
            anchor, codes, n = self._beside_anchor(packs[0], names)
            codes = self._told_by(anchor, told) | codes
        else:
            anchor = np.flatnonzero(self._n_anchor)
            n = self._n_anchor[anchor]
            codes = self._told_by(anchor, told)
        kept, n_kept = self._exceptions.distinct()
        followed = Rows(codes, n)
        if not len(kept):
            return followed
        excepted = Rows({name: kept[:, self._place[name]].astype(np.int64) for name in names}, n_kept)
        return join([followed, excepted], list(names))

    def _anchor_of(self, block: Block, n: int) -> Ints:
        if self._plan.anchor is None:
            return np.zeros(n, dtype=np.int64)
        return block[self._place[self._plan.anchor]].astype(np.int64) + 1

    def _meet_new_levels(self, anchor: Ints, block: Block) -> None:
        """Let each level of the anchor that was not met before tell the most frequent levels of the functions."""
        occurs = np.bincount(anchor, minlength=len(self._seen)) > 0
        new = np.flatnonzero(occurs & ~self._seen)
        self._seen |= occurs
        if not len(new) or not self._plan.functions:
            return
        rows = np.flatnonzero(np.isin(anchor, new))
        levels = anchor[rows]
        for name in self._plan.functions:
            codes = block[self._place[name]][rows].astype(np.int64) + 1
            table = Table(len(self._seen), self._sizes[name])
            table.add(levels, codes)
            level, code, n = table.occupied()
            order = np.argsort(n, kind="stable")  # the most frequent one is written last
            self._told[name][level[order]] = code[order] - 1

    def _deviating(self, anchor: Ints, block: Block) -> NDArray[np.bool_] | None:
        """Find the observations that are not as their anchor tells; None if there are none."""
        any_deviates: NDArray[np.bool_] | None = None
        for name in self._plan.functions:
            codes = block[self._place[name]]
            deviates = self._told[name].astype(codes.dtype)[anchor] != codes
            n = int(np.count_nonzero(deviates))
            if n:
                self._n_deviating[name] += n
                any_deviates = deviates if any_deviates is None else any_deviates | deviates
        most = MOST_EXCEPTIONS * self._n_rows
        failing = [name for name, n in self._n_deviating.items() if n > most]
        if failing:
            step = max(1, len(anchor) // 4096)
            sample = {name: block[place][::step] for name, place in self._place.items()}
            raise _NoFunctionError(failing, sample)
        return any_deviates

    def _pack(self, pack: Sequence[str], block: Block) -> Ints:
        numbers = block[self._place[pack[0]]].astype(np.int64) + 1
        for name in pack[1:]:
            numbers *= self._sizes[name]
            numbers += block[self._place[name]]
            numbers += 1
        return numbers

    def _unpacked(self, number: int, packed: Ints, names: frozenset[str]) -> dict[str, Ints]:
        codes = {}
        for name in reversed(self._plan.packs[number]):
            packed, code = np.divmod(packed, self._sizes[name])
            if name in names:
                codes[name] = code - 1
        return codes

    def _beside_anchor(self, number: int, names: frozenset[str]) -> tuple[Ints, dict[str, Ints], Ints]:
        """Return the anchor's level, the codes of some columns of one pack, and how often; computed once for each."""
        wanted = tuple(name for name in self._plan.packs[number] if name in names)
        if wanted not in self._beside:
            anchor, packed, n = self._with_anchor[number].occupied()
            rows = Rows({"": anchor, **self._unpacked(number, packed, names)}, n).distinct(("", *wanted))
            self._beside[wanted] = rows
        rows = self._beside[wanted]
        return rows.codes[""], {name: rows.codes[name] for name in wanted}, rows.n

    def _told_by(self, anchor: Ints, names: Sequence[str]) -> dict[str, Ints]:
        return {
            name: anchor - 1 if name == self._plan.anchor else self._told[name][anchor].astype(np.int64)
            for name in names
        }
