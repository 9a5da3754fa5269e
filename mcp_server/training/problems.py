"""What speaks against a training: one small function for each thing that may be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edviz.advice.keys import KeyAdvice
from edviz.contents import CountsLocation, CountsScan, RowsAtFault
from edviz.infer import Inference
from edviz.table import FactorListing
from mcp_server.training.estimates import Estimate

FEWEST_CELLS = 100
"""With fewer rows, these are samples and no cells, or too few to learn from."""
FEWEST_CELLS_PER_BATCH = 50
FEWEST_CELLS_PER_DEVICE = 50
"""Some of them are held out, and every device needs some of both."""
FEWEST_GENES = 10
"""As many as latent dimensions by default; of one gene the model has nothing to learn, as shares sum to one."""
MOST_DAMAGED = 0.05
"""Share of the cells, and of the values of a sample: with more at fault a matrix holds something else than counts."""
NOT_GENES = (
    "antibody capture",
    "multiplexing capture",
    "crispr guide capture",
    "custom",
    "peaks",
    "prot",
    "protein",
    "atac",
    "adt",
    "hto",
)
"""Kinds of features beside genes, as 10x Genomics and muon call them, in lower case."""


@dataclass(frozen=True)
class Problem:
    """Something that speaks against a training.

    Attributes
    ----------
    id
        A short name that stays.
    remedy
        What to do instead.
    can_be_forced
        Whether `force` overrules it.
    """

    id: str
    text: str
    remedy: str
    can_be_forced: bool = False


@dataclass(frozen=True)
class Case:
    """What is known of a file and of what is asked of it, for the functions below.

    Attributes
    ----------
    scan
        Of the matrix that is to be trained on; None where there is none.
    advice
        On the columns that are to be integrated out, for each of them.
    n_cells
        Cells with counts.
    devices
        That train together.
    """

    counts: CountsLocation
    scan: CountsScan | None
    listing: FactorListing
    inference: Inference
    integrated: tuple[str, ...]
    advice: dict[str, KeyAdvice | None]
    n_cells: int
    estimate: Estimate | None = None
    devices: int = 1


Guard = Callable[[Case], Iterator[Problem]]
GUARDS: list[Guard] = []


def guard(function: Guard) -> Guard:
    """Add a function to those that every training has to pass."""
    GUARDS.append(function)
    return function


def problems_of(case: Case) -> tuple[Problem, ...]:
    """Say all that speaks against a training."""
    return tuple(problem for guard in GUARDS for problem in guard(case))


@guard
def no_counts(case: Case) -> Iterator[Problem]:
    """Refuse a file without a matrix of counts."""
    if case.scan is None:
        seen = "; ".join(f"{each.location}: {each.verdict}" for each in case.counts.checked) or "it has none"
        remedy = "train on the file that the counts were normalised from, or name a matrix as layer if one holds them"
        yield Problem("no_counts", f"no matrix holds raw counts ({seen})", remedy)


@guard
def fractional_values(case: Case) -> Iterator[Problem]:
    """Refuse a matrix of normalised or logarithmic values, and one in which some cells have them."""
    scan = case.scan
    if scan is not None and scan.fractional.n_rows:
        number = _counted(scan.fractional.n_values, "value")
        text = f"{scan.location} holds {number} of {scan.n_stored:,} that {_be(scan.fractional.n_values)} no whole"
        text += f" {'number' if scan.fractional.n_values == 1 else 'numbers'}, in {_rows(scan.fractional)}"
        yield Problem("fractional_values", text, _remedy(case, scan))


@guard
def negative_values(case: Case) -> Iterator[Problem]:
    """Refuse what makes the likelihood break down in the middle of a training."""
    if case.scan is not None and case.scan.negative.n_rows:
        text = f"{case.scan.location} holds negative values in {_rows(case.scan.negative)}"
        yield Problem("negative_values", text, _remedy(case, case.scan))


@guard
def missing_values(case: Case) -> Iterator[Problem]:
    """Refuse values that are missing or infinite."""
    if case.scan is not None and case.scan.not_finite.n_rows:
        text = f"{case.scan.location} holds missing or infinite values in {_rows(case.scan.not_finite)}"
        yield Problem("missing_values", text, _remedy(case, case.scan))


@guard
def duplicate_genes(case: Case) -> Iterator[Problem]:
    """Refuse names that stand for several genes: no other file could be put in the same order."""
    if case.scan is not None and case.scan.n_duplicates:
        n = case.scan.n_duplicates
        text = f"{_counted(n, 'name')} in var {_verb(n, 'stand')} for several genes: {_some(case.scan.duplicates)}"
        remedy = "sum these genes, or name them apart: adata.var_names_make_unique() on a copy of the file"
        yield Problem("duplicate_genes", text, remedy)


@guard
def only_other_features(case: Case) -> Iterator[Problem]:
    """Refuse a matrix of antibodies or peaks alone."""
    if case.scan is not None and case.scan.features and all(is_no_gene(each.name) for each in case.scan.features):
        text = f"{case.scan.location} holds no genes but {_some(tuple(each.name for each in case.scan.features))}"
        yield Problem("only_other_features", text, "scVI models genes; for others scvi-tools has TOTALVI and PEAKVI")


@guard
def few_cells(case: Case) -> Iterator[Problem]:
    """Refuse a table of samples, or far too few cells."""
    if case.n_cells < FEWEST_CELLS and case.scan is not None:
        text = f"there {_be(case.n_cells)} {_counted(case.n_cells, 'cell')} with counts, and a model needs "
        text += f"{FEWEST_CELLS} or more"
        remedy = "if the rows are samples (bulk, pseudobulk), compare them with DESeq2 or edgeR instead"
        yield Problem("few_cells", text, remedy)


@guard
def few_cells_per_device(case: Case) -> Iterator[Problem]:
    """Refuse more devices than the cells can keep busy."""
    if case.devices > 1 and case.n_cells < FEWEST_CELLS_PER_DEVICE * case.devices:
        devices = f"{case.devices} devices, which need {FEWEST_CELLS_PER_DEVICE} each"
        text = f"{_counted(case.n_cells, 'cell')} are too few for {devices}"
        yield Problem("few_cells_per_device", text, "train on one device")


@guard
def few_genes(case: Case) -> Iterator[Problem]:
    """Refuse a matrix with hardly anything to learn from."""
    if case.scan is not None and case.scan.n_vars < FEWEST_GENES:
        text = (
            f"{case.scan.location} has {_counted(case.scan.n_vars, 'gene')}, and a model needs {FEWEST_GENES} or more"
        )
        yield Problem("few_genes", text, "train on the file that still has all genes")


@guard
def same_columns(case: Case) -> Iterator[Problem]:
    """Refuse to integrate one partition of the cells twice."""
    same_as = case.inference.facts.same_as
    for number, name in enumerate(case.integrated):
        for earlier in case.integrated[:number]:
            if name == earlier or name in same_as.get(earlier, ()):
                what = "is named twice" if name == earlier else f"is the same partition of the cells as {earlier}"
                yield Problem("same_columns", f"{name} {what}", f"leave {name} out of the covariates")


@guard
def continuous_batch(case: Case) -> Iterator[Problem]:
    """Refuse a measurement as a batch: each of its values would be one."""
    for name in case.integrated:
        column = case.listing.column(name)
        is_measured = column.kind == "float" and (column.set_aside or (column.n_levels or 0) > FEWEST_CELLS_PER_BATCH)
        if is_measured:
            yield Problem(
                "continuous_batch", f"{name} holds measurements, not batches", "choose a column of categories"
            )


@guard
def one_batch(case: Case) -> Iterator[Problem]:
    """Refuse a column that separates nothing."""
    for name in case.integrated:
        column = case.listing.column(name)
        if column.n_levels is not None and column.n_levels < 2:
            yield Problem("one_batch", f"{name} has one level, so there is nothing to integrate", "train without it")


@guard
def too_many_batches(case: Case) -> Iterator[Problem]:
    """Refuse barcodes and other columns with a level for every few cells."""
    for name in case.integrated:
        if is_too_fine(case.listing, name, case.n_cells):
            n = case.listing.column(name).n_levels
            text = f"{name} has {n:,} levels in {case.n_cells:,} cells, fewer than {FEWEST_CELLS_PER_BATCH} cells each"
            remedy = "choose a coarser column, or train without one"
            yield Problem("too_many_batches", text, remedy, can_be_forced=True)


@guard
def missing_batches(case: Case) -> Iterator[Problem]:
    """Refuse cells without a batch, unless they are to be a batch of their own."""
    for name in case.integrated:
        if missing := case.listing.column(name).missing:
            text = f"{_counted(missing, 'cell')} {'has' if missing == 1 else 'have'} no value in {name}"
            remedy = "choose another column; with force they are a level of their own, called missing"
            yield Problem("missing_batches", text, remedy, can_be_forced=True)


@guard
def condition_removed(case: Case) -> Iterator[Problem]:
    """Refuse to integrate on what cannot be told apart from a condition."""
    for name in case.integrated:
        advice = case.advice[name]
        if advice is not None and advice.verdict == "not usable":
            yield _removed(f"{name} is not to be integrated out: {advice.reason}")
        elif (kind := _kind(case.inference, name)) in ("treatment", "observational"):
            yield _removed(f"{name} is itself a condition of the experiment, and integration removes it")
        elif kind == "classification":
            yield _removed(f"{name} classifies the cells, and integration removes what tells its classes apart")


@guard
def too_little_memory(case: Case) -> Iterator[Problem]:
    """Refuse what would be killed in the middle."""
    if case.estimate is not None and not case.estimate.fits:
        text = f"about {case.estimate.memory_mb:,} MB are needed, and {case.estimate.free_mb:,} MB are free"
        remedy = "train on another machine, with fewer genes or in smaller minibatches"
        yield Problem("too_little_memory", text, remedy, can_be_forced=True)


def is_too_fine(listing: FactorListing, name: str, n_cells: int) -> bool:
    """Say whether the levels of a column have too few cells to be batches."""
    n_levels = listing.column(name).n_levels or 0
    return n_levels > 1 and n_levels * FEWEST_CELLS_PER_BATCH > n_cells


def is_damaged(scan: CountsScan) -> bool:
    """Say whether a matrix holds counts but for few cells."""
    return 0 < scan.n_at_fault <= MOST_DAMAGED * scan.n_obs


def is_no_gene(kind: str) -> bool:
    """Say whether features of a kind are something beside genes; biotypes of genes are genes."""
    return kind.strip().lower() in NOT_GENES


def _removed(text: str) -> Problem:
    remedy = "train with batch_key none, or on another column; differences that force removes are gone from the latents"
    return Problem("condition_removed", text, remedy, can_be_forced=True)


def _kind(inference: Inference, name: str) -> str | None:
    try:
        return inference.report.factor(name).kind
    except KeyError:
        return None


def _remedy(case: Case, scan: CountsScan) -> str:
    others = (each.location for each in case.counts.checked if each.verdict == "counts")
    elsewhere = next((location for location in others if location != scan.location), None)
    if is_damaged(scan):
        other = f", or train on {elsewhere}, which seems to hold counts" if elsewhere else ""
        return f"these cells are damaged; leave them out in a copy of the file{other}"
    if elsewhere:
        return f"train on {elsewhere}, which seems to hold counts"
    return "raw counts are needed, not normalised values"


def _rows(rows: RowsAtFault) -> str:
    more = ", …" if rows.n_rows > len(rows.names) else ""
    return f"{_counted(rows.n_rows, 'cell')}: {', '.join(rows.names)}{more}"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _be(n: int) -> str:
    return "is" if n == 1 else "are"


def _verb(n: int, verb: str) -> str:
    return f"{verb}s" if n == 1 else verb


def _some(names: tuple[str, ...], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
