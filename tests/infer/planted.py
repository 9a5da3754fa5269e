"""Tables with a planted design: the truth is known, the table is dirty.

`python -m tests.infer.planted` prints how much of it is found, family by family, beside two
baselines: matching names, and strict tests on single observations.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd

from edviz.infer import Overrides, infer_design
from edviz.table import FactorTable, table_of

STRAY_RATES = (0.0, 0.001, 0.01, 0.05)
Units = dict[str, list[str]]


@dataclass(frozen=True)
class Planted:
    """A dirty table with its truth.

    `cells` is what the program sees, `truth` the relation of every pair of design columns as it was
    before strays, missing values and scrambled names; `unit` is the column that holds the finest
    unit, if one does.
    """

    family: str
    cells: pd.DataFrame
    truth: Mapping[tuple[str, str], str]
    unit: str | None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> FactorTable:
        return table_of({name: self.cells[name].tolist() for name in self.cells})


FAMILIES: dict[str, Callable[[np.random.Generator], tuple[Units, str | None]]] = {}


def family(function: Callable[[np.random.Generator], tuple[Units, str | None]]):
    FAMILIES[function.__name__] = function
    return function


def rows(names: str, entries: Iterator[tuple[object, ...]]) -> Units:
    columns = list(zip(*entries, strict=True))
    return {name: [str(value) for value in column] for name, column in zip(names.split(), columns, strict=True)}


def rand(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


@family
def nested_chain(rng):
    conditions, per = rand(rng, 2, 3), rand(rng, 3, 6)
    samples = [rand(rng, 2, 3) for _ in range(conditions * per)]
    entries = (
        (f"c{c}", f"d{c}_{d}", f"s{c}_{d}_{s}")
        for c in range(conditions)
        for d in range(per)
        for s in range(samples[c * per + d])
    )
    return rows("condition donor sample", entries), "sample"


@family
def factorial(rng):
    a, b, n = rand(rng, 2, 3), rand(rng, 2, 4), rand(rng, 2, 4)
    entries = ((f"a{i}", f"b{j}", f"s{i}_{j}_{k}") for i in range(a) for j in range(b) for k in range(n))
    return rows("genotype diet sample", entries), "sample"


@family
def donor_by_stim(rng):
    donors, stims = rand(rng, 4, 12), rand(rng, 2, 4)
    entries = ((f"d{i}", f"t{j}", "FM"[i % 2], f"s{i}_{j}") for i in range(donors) for j in range(stims))
    return rows("donor stim sex sample", entries), "sample"


@family
def donor_by_stim_without_sample(rng):
    donors, stims = rand(rng, 4, 12), rand(rng, 2, 4)
    return rows("donor stim", ((f"d{i}", f"t{j}") for i in range(donors) for j in range(stims))), None


@family
def paired(rng):
    donors = rand(rng, 8, 16)
    single = set(rng.choice(donors, size=2, replace=False).tolist())
    tissues = {i: [rng.integers(2)] if i in single else [0, 1] for i in range(donors)}
    entries = ((f"p{i}", f"t{j}", f"s{i}_{j}") for i in range(donors) for j in tissues[i])
    return rows("patient tissue sample", entries), "sample"


@family
def crossover(rng):
    subjects, periods = 2 * rand(rng, 3, 8), 2
    entries = (
        (f"p{i}", f"q{i % 2}", f"w{j}", f"t{(i + j) % 2}", f"s{i}_{j}") for i in range(subjects) for j in range(periods)
    )
    return rows("subject sequence period treatment sample", entries), "sample"


@family
def balanced_incomplete_blocks(rng):
    lines = [(0, 1, 2), (0, 3, 4), (0, 5, 6), (1, 3, 5), (1, 4, 6), (2, 3, 6), (2, 4, 5)]  # the Fano plane
    entries = ((f"b{i}", f"t{j}", f"s{i}_{j}") for i, line in enumerate(lines) for j in line)
    return rows("block treatment sample", entries), "sample"


@family
def split_plot(rng):
    blocks, varieties, doses = rand(rng, 3, 5), rand(rng, 2, 3), rand(rng, 3, 4)
    entries = (
        (f"b{i}", f"v{j}", f"w{i}_{j}", f"n{k}", f"s{i}_{j}_{k}")
        for i in range(blocks)
        for j in range(varieties)
        for k in range(doses)
    )
    return rows("block variety plot dose sample", entries), "sample"


@family
def crossed_within_sites(rng):
    sites, analysts, systems, n = rand(rng, 2, 3), 2, rand(rng, 2, 3), 2
    entries = (
        (f"S{h}", f"a{h}_{i}", f"m{h}_{j}", f"s{h}_{i}_{j}_{k}")
        for h in range(sites)
        for i in range(analysts)
        for j in range(systems)
        for k in range(n)
    )
    return rows("site analyst system sample", entries), "sample"


@family
def batch_is_condition(rng):
    conditions, n = rand(rng, 2, 3), rand(rng, 3, 5)
    entries = (
        (f"c{i}", f"run{i}", f"d{i}_{k}", f"s{i}_{k}_{m}") for i in range(conditions) for k in range(n) for m in (0, 1)
    )
    return rows("condition batch donor sample", entries), "sample"


@family
def batch_in_condition(rng):
    per, n = rand(rng, 2, 3), rand(rng, 2, 4)
    entries = (
        (f"c{i}", f"run{i}_{j}", f"d{i}_{j}_{k}", f"s{i}_{j}_{k}_{m}")
        for i in range(2)
        for j in range(per)
        for k in range(n)
        for m in (0, 1)
    )
    return rows("condition batch donor sample", entries), "sample"


@family
def one_batch_per_donor(rng):
    n = rand(rng, 3, 8)
    entries = (
        (f"c{i}", f"d{i}_{k}", f"run{i}_{k}", f"s{i}_{k}_{m}") for i in range(2) for k in range(n) for m in (0, 1)
    )
    return rows("condition donor batch sample", entries), "sample"


@family
def hashed_pools(rng):
    pools, per = rand(rng, 3, 6), 2 * rand(rng, 2, 4)
    entries = ((f"pool{i}", f"p{i}_{k}", f"c{k % 2}") for i in range(pools) for k in range(per))
    return rows("pool subject condition", entries), "subject"


@family
def perturb_seq(rng):
    targets, lanes = rand(rng, 4, 10), rand(rng, 3, 8)
    guides = [rand(rng, 2, 4) for _ in range(targets)]
    entries = (
        (f"g{i}", f"g{i}_{k}", f"lane{j}") for i in range(targets) for k in range(guides[i]) for j in range(lanes)
    )
    return rows("target guide lane", entries), None


@family
def time_course_with_drop_out(rng):
    donors, times = rand(rng, 6, 14), rand(rng, 3, 5)
    kept = {(i, j) for i in range(donors) for j in range(times) if j == 0 or rng.random() > 0.25} | {
        (0, j) for j in range(times)
    }
    kept -= {(1, times - 1), (2, 1)}
    entries = ((f"d{i}", "CT"[i % 2], f"t{j}", f"s{i}_{j}") for i, j in sorted(kept))
    return rows("donor arm time sample", entries), "sample"


@family
def blocks_without_sample(rng):
    units, _ = balanced_incomplete_blocks(rng)
    del units["sample"]
    return units, None


@family
def drop_out_without_sample(rng):
    units, _ = time_course_with_drop_out(rng)
    del units["sample"]
    return units, None


@family
def many_donors(rng):
    donors, batches = rand(rng, 60, 100), rand(rng, 6, 12)
    entries = (
        (f"c{i % 2}", f"d{i}", f"run{rng.integers(batches)}", f"s{i}_{k}")
        for i in range(donors)
        for k in range(rand(rng, 1, 2))
    )
    return rows("condition donor batch sample", entries), "sample"


def plant(name: str, seed: int, *, stray: float = 0.0, cells_per_unit: int = 100, scrambled: bool = False) -> Planted:
    """Make one dirty table of a family."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(name)])
    units, unit = FAMILIES[name](rng)
    frame = pd.DataFrame(units)
    for number in range(rand(rng, 0, 3)):
        original = str(rng.choice(frame.columns))
        frame[f"{original}_name{number}"] = [f"{original[:2]}-{value}" for value in frame[original]]
    truth = {pair: true_relation(frame[pair[0]], frame[pair[1]]) for pair in combinations(frame.columns, 2)}
    sizes = np.maximum(15, rng.lognormal(np.log(cells_per_unit), 0.6, len(frame)).astype(int))
    cells = frame.loc[np.repeat(np.arange(len(frame)), sizes)].reset_index(drop=True)
    cells = cells.iloc[rng.permutation(len(cells))].reset_index(drop=True)
    for column in list(cells):
        cells[column] = _with_strays(rng, cells[column].to_numpy(), stray)
    if rng.random() < 0.5:
        column = str(rng.choice(frame.columns))
        cells.loc[rng.random(len(cells)) < rng.uniform(0, 0.2), column] = None
    _add_classes(rng, cells, cells[frame.columns[-1]].to_numpy() if unit is None else cells[unit].to_numpy())
    names = {column: column for column in cells}
    if scrambled:
        cells, names = _scrambled(rng, cells)
    truth = {(names[a], names[b]): relation for (a, b), relation in truth.items()}
    return Planted(name, cells, truth, names.get(unit) if unit else None, names)


def true_relation(a: pd.Series, b: pd.Series) -> str:
    """Name a relation from a pandas crosstab and the components that networkx finds."""
    table = pd.crosstab(a, b)
    graph = nx.Graph([((0, i), (1, j)) for i in table.index for j in table.columns if table.loc[i, j]])
    components, filled = nx.number_connected_components(graph), int((table > 0).to_numpy().sum())
    rows_, columns = table.shape
    if components == rows_ == columns:
        return "aliased"
    if components == columns < rows_:
        return "a_nested_in_b"
    if components == rows_ < columns:
        return "b_nested_in_a"
    return "crossed" if filled == rows_ * columns else "partially_crossed"


def _add_classes(rng: np.random.Generator, cells: pd.DataFrame, group: np.ndarray) -> None:
    """Add classes of cells whose shares differ between samples, coarser ones nested over them, and a rare flag."""
    for number in range(rand(rng, 0, 3)):
        n_classes = rand(rng, 3, 20)
        drawn = np.empty(len(cells), dtype=int)
        for level in pd.unique(pd.Series(group).fillna("missing")):
            members = np.flatnonzero(group == level) if level != "missing" else np.flatnonzero(pd.isna(group))
            drawn[members] = rng.choice(n_classes, size=len(members), p=rng.dirichlet(np.ones(n_classes)))
        cells[f"cluster{number}"] = [f"k{k}" for k in drawn]
        if rng.random() < 0.5:
            cells[f"cell_type{number}"] = [f"type{k // 3}" for k in drawn]
    if rng.random() < 0.3:
        cells["doublet"] = [str(value) for value in rng.random(len(cells)) < 0.04]


def _with_strays(rng: np.random.Generator, values: np.ndarray, rate: float) -> np.ndarray:
    levels = np.unique(values)
    stray = rng.random(len(values)) < rate
    return np.where(stray, rng.choice(levels, size=len(values)), values)


def _scrambled(rng: np.random.Generator, cells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Replace every name of a column and of a level by one without meaning, in a random order of columns."""
    columns = rng.permutation(list(cells))
    names = {column: f"x{number}" for number, column in enumerate(columns)}
    scrambled = {}
    for column in columns:
        levels = sorted(value for value in cells[column].unique() if value is not None)
        order = rng.permutation(len(levels))
        mapping = {level: f"y{order[number]:03d}q" for number, level in enumerate(levels)}
        scrambled[names[column]] = cells[column].map(mapping).where(cells[column].notna(), None)
    return pd.DataFrame(scrambled), names


@dataclass(frozen=True)
class Score:
    """Relations found, said and true, to be added up."""

    hits: int = 0
    said: int = 0
    true: int = 0
    unit_right: int = 0
    unit_asked: int = 0
    tables: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            *(mine + theirs for mine, theirs in zip(self.__dict__.values(), other.__dict__.values(), strict=True))
        )

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(1, self.said + self.true)


def score(planted: Planted) -> Score:
    report = infer_design(planted.table, Overrides()).report
    found = {pair: report.relation(*pair).relation for pair in planted.truth}
    hits = sum(found[pair] == relation for pair, relation in planted.truth.items())
    unit_right = planted.unit is None or (
        report.unit is not None
        and report.unit.column is not None
        and (report.unit.column == planted.unit or planted.unit in report.factor(report.unit.column).same_as)
    )
    asked = any(question.id == "unit" for question in report.questions)
    return Score(hits, len(found), len(planted.truth), int(unit_right), int(asked), 1)


def strict_score(planted: Planted) -> Score:
    """The baseline that trusts every single observation."""
    report = infer_design(planted.table).report
    exact = {(pair.a, pair.b): pair.relation for pair in report.pairs}
    turned = {"a_nested_in_b": "b_nested_in_a", "b_nested_in_a": "a_nested_in_b"}
    exact |= {(b, a): turned.get(relation, relation) for (a, b), relation in exact.items()}
    return Score(
        sum(exact[pair] == relation for pair, relation in planted.truth.items()), len(planted.truth), len(planted.truth)
    )


def name_score(planted: Planted) -> Score:
    """The baseline that calls b nested in a when the names of b's levels contain names of a's levels."""

    def contains(outer: str, inner: str) -> bool:
        outer_levels = {str(value) for value in planted.cells[outer].dropna().unique()}
        inner_levels = [str(value) for value in planted.cells[inner].dropna().unique()]
        return all(any(level in name for level in outer_levels) for name in inner_levels)

    hits = 0
    for (a, b), relation in planted.truth.items():
        guess = "b_nested_in_a" if contains(a, b) else "a_nested_in_b" if contains(b, a) else "crossed"
        hits += guess == relation
    return Score(hits, len(planted.truth), len(planted.truth))


def tables(family_name: str, stray: float, seeds: range) -> Iterator[Planted]:
    for seed in seeds:
        yield plant(family_name, seed, stray=stray, scrambled=seed % 2 == 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    print(f"F1 of relations, {len(seeds)} tables a cell, names scrambled in half of them")
    print(f"{'family':32}" + "".join(f"{rate:>8.1%}" for rate in STRAY_RATES) + "   unit found, asked at 1 %")
    totals = {rate: Score() for rate in STRAY_RATES}
    for name in FAMILIES:
        scores = {rate: sum((score(table) for table in tables(name, rate, seeds)), Score()) for rate in STRAY_RATES}
        totals = {rate: totals[rate] + scores[rate] for rate in STRAY_RATES}
        units = f"{scores[0.01].unit_right}/{scores[0.01].tables}, {scores[0.01].unit_asked}"
        print(f"{name:32}" + "".join(f"{scores[rate].f1:8.3f}" for rate in STRAY_RATES) + f"   {units}")
    print(f"{'all':32}" + "".join(f"{totals[rate].f1:8.3f}" for rate in STRAY_RATES))
    for label, baseline in (("strict on observations", strict_score), ("matching names", name_score)):
        sums = {
            rate: sum((baseline(t) for name in FAMILIES for t in tables(name, rate, seeds[:4])), Score())
            for rate in STRAY_RATES
        }
        print(f"{label:32}" + "".join(f"{sums[rate].f1:8.3f}" for rate in STRAY_RATES))


if __name__ == "__main__":
    main()
