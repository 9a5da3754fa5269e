"""Write a large .h5ad file like those of an atlas, column by column as anndata does, in constant memory."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import h5py
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TEXT = h5py.string_dtype()
CELLS_A_BLOCK = 1 << 16
SAMPLES_A_DONOR = 4
BARCODE_LENGTH = 16
MEASUREMENTS = {
    "float32": "pct_mt pct_ribo pct_hb pct_top_50 s_score g2m_score doublet_score log_counts".split(),
    "float64": "umap_1 umap_2 pseudotime velocity_length".split(),
    "int32": "n_genes_by_counts total_counts total_counts_mt".split(),
    "bool": "is_outlier passed_qc predicted_doublet".split(),
}


@dataclass(frozen=True)
class Plan:
    """What is asked for, and what all columns follow from."""

    cells: int = 1_000_000
    columns: int = 20
    samples: int = 120
    genes: int = 30_000
    x_values_per_cell: int = 100
    gzip: bool = False
    sorted: bool = False
    strays: float = 0.0
    seed: int = 0

    def random(self, purpose: str, block: int = 0) -> np.random.Generator:
        """Return numbers that depend on nothing but the seed, what they are for, and the block."""
        return np.random.default_rng([self.seed, crc32(purpose.encode()), block])

    def blocks(self) -> Iterator[Block]:
        """Cut the cells into blocks."""
        for number, start in enumerate(range(0, self.cells, CELLS_A_BLOCK)):
            yield Block(self, number, start, min(CELLS_A_BLOCK, self.cells - start))


@dataclass(frozen=True)
class Block:
    """Neighbouring cells that are made at once."""

    plan: Plan
    number: int
    start: int
    n: int

    def random(self, purpose: str) -> np.random.Generator:
        """Return numbers for one purpose in this block; the same each time they are asked for."""
        return self.plan.random(purpose, self.number)

    def cells(self) -> Array:
        """Return the numbers of the cells."""
        return np.arange(self.start, self.start + self.n)

    def samples(self) -> Array:
        """Return the sample of each cell; samples differ in size, and cells lie in any order unless sorted."""
        places = self.cells() if self.plan.sorted else self.random("sample").integers(0, self.plan.cells, self.n)
        sizes = np.sort(self.plan.random("sizes").uniform(1, 4, self.plan.samples))
        ends = np.cumsum(sizes) / sizes.sum() * self.plan.cells
        return np.minimum(np.searchsorted(ends, places, side="right"), self.plan.samples - 1)


Values = Callable[[Block], Array]


@dataclass(frozen=True)
class Factor:
    """A categorical column: the names of its levels, and the codes of any block."""

    name: str
    levels: list[str]
    codes: Values


def factors(plan: Plan) -> list[Factor]:
    """Return the categorical columns: four of five follow from the sample, the others vary within samples."""
    n_of_cells = plan.columns // 5
    of_samples, of_cells = sample_factors(plan), cell_factors()
    while len(of_samples) < plan.columns - n_of_cells:
        of_samples.append(_any_covariate(plan, len(of_samples)))
    while len(of_cells) < n_of_cells:
        of_cells.append(_any_label(len(of_cells)))
    return of_samples[: plan.columns - n_of_cells] + of_cells[:n_of_cells]


def sample_factors(plan: Plan) -> list[Factor]:
    """Return columns of an atlas: donors in batches and sites, each with two tissues under two conditions."""
    sample = np.arange(plan.samples)
    donor = sample // SAMPLES_A_DONOR
    batch, library = donor // 3, sample // 2
    site = donor * 5 // (donor[-1] + 1)

    def by_donor(name: str, n_levels: int, lowest: int = 0) -> Array:
        return plan.random(name).integers(lowest, n_levels, donor[-1] + 1)[donor]

    return [
        _of_sample("sample", sample),
        _of_sample("donor", donor),
        _of_sample("condition", sample % 2, "ctrl stim"),
        _of_sample("batch", batch),
        _of_sample("tissue", sample // 2 % 2, "blood lung"),
        _of_sample("sex", by_donor("sex", 2), "female male"),
        _of_sample("disease", by_donor("disease", 2), "healthy copd"),
        _of_sample("site", site, "Basel Boston Kyoto Leiden Oslo"),
        _of_sample("library", library),
        _of_sample("chemistry", (batch > batch[-1] // 2).astype(int), "v2 v3"),
        _of_sample("processing_date", batch, [f"2021-03-{day + 1:02}" for day in range(batch[-1] + 1)]),
        _of_sample("sequencing_run", library // 5),
        _of_sample("operator", batch % 3, "AB CD EF"),
        _of_sample("age_group", by_donor("age_group", 4), "20-39 40-59 60-79 80+"),
        _of_sample("ethnicity", by_donor("ethnicity", 5), "African American Asian European unknown"),
        # Nobody asked some of the donors: a code of -1.
        _of_sample("smoking_status", by_donor("smoking_status", 3, lowest=-1), "current former never"),
    ]


def cell_factors() -> list[Factor]:
    """Return labels of cells: types and clusters nested in them, phases and calls."""
    n_clusters, n_types = 200, 24

    def clusters(block: Block) -> Array:
        # The square makes the first clusters large and the last ones rare.
        return (block.random("leiden").random(block.n) ** 2 * n_clusters).astype(int)

    def calls(block: Block) -> Array:
        return (block.random("call").random(block.n) > 0.06).astype(int)

    return [
        Factor("cell_type", _numbered("type", n_types), lambda block: clusters(block) % n_types),
        Factor("leiden", [str(cluster) for cluster in range(n_clusters)], clusters),
        Factor("phase", ["G1", "G2M", "S"], lambda block: block.random("phase").integers(0, 3, block.n)),
        Factor("doublet_call", ["doublet", "singlet"], calls),
    ]


def write(path: Path, plan: Plan) -> None:
    """Write the file; it has its name only when it is complete, so that no benchmark takes half of one."""
    unfinished = path.with_name(path.name + ".part")
    with h5py.File(unfinished, "w") as file:
        _write_matrix(file, plan)
        _write_obs(file, plan)
        _write_var(file, plan)
        for name in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            _mark(file.create_group(name), "dict", "0.1.0")
        _mark(file, "anndata", "0.1.0")
    unfinished.replace(path)


def _of_sample(name: str, table: Array, levels: str | list[str] = "") -> Factor:
    names = levels.split() if isinstance(levels, str) else levels
    names = names or _numbered(name, int(table.max()) + 1)

    def codes(block: Block) -> Array:
        told = table[block.samples()]
        if not block.plan.strays:
            return told
        random = block.random(f"strays in {name}")
        return np.where(random.random(block.n) < block.plan.strays, random.integers(0, table.max() + 1, block.n), told)

    return Factor(name, names, codes)


def _any_covariate(plan: Plan, number: int) -> Factor:
    n_levels = 2 + number % 11
    return _of_sample(f"covariate_{number:02}", plan.random(f"covariate {number}").integers(0, n_levels, plan.samples))


def _any_label(number: int) -> Factor:
    name, n_levels = f"label_{number:02}", 3 + 7 * number % 38
    return Factor(name, _numbered(name, n_levels), lambda block: block.random(name).integers(0, n_levels, block.n))


def _numbered(name: str, n: int) -> list[str]:
    return [f"{name}_{number + 1:03}" for number in range(n)]


def _write_matrix(file: h5py.File, plan: Plan) -> None:
    x = file.create_group("X")
    x.attrs["shape"] = np.array([plan.cells, plan.genes])
    stored = plan.cells * plan.x_values_per_cell
    pointer = np.dtype("int32" if stored < 2**31 else "int64")
    _write_values(x, "data", "float32", plan, _counts, width=plan.x_values_per_cell, growing=True)
    _write_values(x, "indices", "int32", plan, _gene_numbers, width=plan.x_values_per_cell, growing=True)
    pointers = _create(x, "indptr", pointer, plan.cells + 1, plan, growing=True)
    for block in plan.blocks():
        pointers[block.start + 1 : block.start + block.n + 1] = (block.cells() + 1) * plan.x_values_per_cell
    _mark(x, "csr_matrix", "0.1.0")


def _counts(block: Block) -> Array:
    return block.random("counts").geometric(0.5, block.n * block.plan.x_values_per_cell)


def _gene_numbers(block: Block) -> Array:
    """Pick one gene of each of as many equal ranges as a cell has values: sorted and without repeats."""
    starts = np.linspace(0, block.plan.genes, block.plan.x_values_per_cell + 1).astype(int)
    return block.random("genes").integers(starts[:-1], starts[1:], (block.n, len(starts) - 1)).ravel()


def _write_obs(file: h5py.File, plan: Plan) -> None:
    columns = factors(plan)
    measured = [(name, dtype) for dtype, names in MEASUREMENTS.items() for name in names]
    names = [factor.name for factor in columns] + [name for name, _ in measured] + ["barcode", "n_fragments"]
    obs = _create_frame(file, "obs", names)
    _write_values(obs, "_index", TEXT, plan, _barcodes, encoding="string-array")
    for factor in columns:
        _write_factor(obs, factor, plan)
    for name, dtype in measured:
        _write_values(obs, name, dtype, plan, _measured(name, dtype), encoding="array")
    _write_values(obs, "barcode", TEXT, plan, _barcodes, encoding="string-array")
    _write_nullable(obs, "n_fragments", plan)
    _mark(obs, "dataframe", "0.2.0")


def _write_factor(obs: h5py.Group, factor: Factor, plan: Plan) -> None:
    column = obs.create_group(factor.name)
    column.attrs["ordered"] = False
    codes = "int8" if len(factor.levels) < 128 else "int16"
    _write_values(column, "codes", codes, plan, factor.codes, encoding="array")
    levels = _create(column, "categories", TEXT, len(factor.levels), plan)
    levels[:] = np.array(factor.levels, dtype=object)
    _mark(levels, "string-array", "0.2.0")
    _mark(column, "categorical", "0.2.0")


def _write_nullable(obs: h5py.Group, name: str, plan: Plan) -> None:
    def masks(block: Block) -> Array:
        return block.random("missing").random(block.n) < 0.1

    def values(block: Block) -> Array:
        return np.where(masks(block), 0, block.random(name).integers(500, 50_000, block.n))

    column = obs.create_group(name)
    _write_values(column, "values", "int64", plan, values, encoding="array")
    _write_values(column, "mask", "bool", plan, masks, encoding="array")
    _mark(column, "nullable-integer", "0.1.0")


def _write_var(file: h5py.File, plan: Plan) -> None:
    var = _create_frame(file, "var", [])
    index = _create(var, "_index", TEXT, plan.genes, plan)
    index[:] = np.array([f"GENE{number:05}" for number in range(plan.genes)], dtype=object)
    _mark(index, "string-array", "0.2.0")
    _mark(var, "dataframe", "0.2.0")


def _measured(name: str, dtype: str) -> Values:
    def values(block: Block) -> Array:
        random = block.random(name)
        if dtype == "bool":
            return random.random(block.n) < 0.1
        return random.integers(200, 20_000, block.n) if dtype == "int32" else random.standard_normal(block.n)

    return values


def _barcodes(block: Block) -> Array:
    """Spell the number of each cell in four letters; an odd factor makes neighbours unlike and keeps all different."""
    scrambled = block.cells() * 2_654_435_761 % 4**BARCODE_LENGTH
    letters = np.frombuffer(b"ACGT", np.uint8)[scrambled[:, None] >> 2 * np.arange(BARCODE_LENGTH) & 3]
    return np.char.add(letters.view(f"S{BARCODE_LENGTH}").ravel(), b"-1").astype(object)


def _write_values(
    group: h5py.Group,
    name: str,
    dtype: str | np.dtype,
    plan: Plan,
    values: Values,
    *,
    encoding: str | None = None,
    width: int = 1,
    growing: bool = False,
) -> None:
    dataset = _create(group, name, dtype, plan.cells * width, plan, growing=growing)
    for block in plan.blocks():
        dataset[block.start * width : (block.start + block.n) * width] = values(block)
    if encoding:
        _mark(dataset, encoding, "0.2.0")


def _create(
    group: h5py.Group, name: str, dtype: str | np.dtype, length: int, plan: Plan, *, growing: bool = False
) -> h5py.Dataset:
    """Create a dataset with the chunks that h5py picks, as anndata leaves them to it."""
    longest = (None,) if growing else None
    return group.create_dataset(name, (length,), dtype, maxshape=longest, compression="gzip" if plan.gzip else None)


def _create_frame(file: h5py.File, name: str, columns: list[str]) -> h5py.Group:
    frame = file.create_group(name)
    # Without columns anndata leaves an empty array of floats here.
    frame.attrs["column-order"] = columns
    frame.attrs["_index"] = "_index"
    return frame


def _mark(part: h5py.Group | h5py.Dataset, encoding: str, version: str) -> None:
    """Add what anndata adds when a part is written: last, so that the headers grow as its headers do."""
    part.attrs["encoding-type"] = encoding
    part.attrs["encoding-version"] = version


def main() -> None:
    """Read the arguments, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, metavar="FILE", help="the .h5ad file to write")
    parser.add_argument("--cells", type=int, default=Plan.cells)
    parser.add_argument("--columns", type=int, default=Plan.columns, help="categorical columns of obs")
    parser.add_argument("--samples", type=int, default=Plan.samples)
    parser.add_argument("--genes", type=int, default=Plan.genes)
    parser.add_argument("--x-values-per-cell", type=int, default=Plan.x_values_per_cell)
    parser.add_argument("--gzip", action="store_true", help="compress everything as anndata's compression='gzip' does")
    parser.add_argument("--sorted", action="store_true", help="keep the cells of a sample together")
    parser.add_argument("--strays", type=float, default=Plan.strays, metavar="RATE", help="share of wrong labels")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    args = vars(parser.parse_args())
    write(args.pop("path"), Plan(**args))


if __name__ == "__main__":
    main()
