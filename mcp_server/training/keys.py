"""Which column is integrated out, and what that would remove: the advice of the design, put into a choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edviz.advice.keys import KeyAdvice, advise_batch_keys
from edviz.infer import Inference
from edviz.infer.findings import conditions
from edviz.table import FactorListing
from mcp_server.training.problems import FEWEST_CELLS_PER_BATCH, is_too_fine
from mcp_server.training.settings import AUTO, NONE


@dataclass(frozen=True)
class KeyChoice:
    """The column that is integrated out.

    Attributes
    ----------
    batch_key
        Its name, or None.
    reason
        Why it is this one, or why there is none.
    lost
        Of each condition the degrees of freedom that go with it, of those it has.
    """

    batch_key: str | None
    reason: str
    lost: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class CovariateOption:
    """A column that could be integrated out beside the batch key, and why nothing is lost by it."""

    column: str
    reason: str


def choose_batch_key(asked: str, inference: Inference, listing: FactorListing, n_cells: int) -> KeyChoice:
    """Choose the batch key that was asked for, or the one that the design advises.

    Parameters
    ----------
    asked
        A column, `auto` or `none`.
    n_cells
        Cells to train on.
    """
    advised = advise_batch_keys(inference.facts, inference.roles)
    if asked == NONE:
        return KeyChoice(None, "none was wanted", {})
    if asked != AUTO:
        found = advice_on(asked, inference)
        reason = found.reason if found else "the design says nothing of it"
        return KeyChoice(listing.column(asked).name, f"it was asked for; {reason}", found.lost if found else {})
    known = {column.name for column in listing.columns}
    passed_over = []
    for advice in advised:
        if advice.column not in known:
            continue
        if why := _why_not(advice, listing, n_cells):
            passed_over.append(f"{advice.column}: {why}")
            continue
        return KeyChoice(advice.column, advice.reason, advice.lost)
    reason = (
        f"no column is to be integrated out ({'; '.join(passed_over)})"
        if passed_over
        else "no column is a batch or a unit"
    )
    return KeyChoice(None, reason, {})


def advice_on(column: str, inference: Inference) -> KeyAdvice | None:
    """Return the advice of the design on a column, or on one with the same partition."""
    advised = advise_batch_keys(inference.facts, inference.roles)
    same = (column, *inference.facts.same_as.get(column, ()))
    return next((advice for name in same for advice in advised if advice.column == name), None)


def alternative_key(inference: Inference, listing: FactorListing, n_cells: int) -> str | None:
    """Name the first column that could be a batch key, whatever is said against it but too many levels."""
    known = {column.name for column in listing.columns}
    advised = [advice.column for advice in advise_batch_keys(inference.facts, inference.roles)]
    return next((name for name in advised if name in known and not is_too_fine(listing, name, n_cells)), None)


def covariate_options(
    chosen: Sequence[str], inference: Inference, listing: FactorListing, n_cells: int
) -> tuple[CovariateOption, ...]:
    """Name the columns that could be integrated out, too: usable ones that are crossed with those that are."""
    known = {column.name for column in listing.columns}
    options = []
    for advice in advise_batch_keys(inference.facts, inference.roles):
        if advice.column in chosen or advice.column not in known or _why_not(advice, listing, n_cells):
            continue
        if chosen and all(_is_crossed(inference, advice.column, name) for name in chosen):
            options.append(CovariateOption(advice.column, advice.reason))
    return tuple(options)


def conditions_of(inference: Inference) -> tuple[str, ...]:
    """Name the conditions of the experiment, those between units before those within them."""
    between = [name for name in conditions(inference.facts, inference.roles) if name in inference.roles.shown]
    kinds = inference.facts.kinds
    within = [name for name in inference.roles.factors if kinds[name] in ("treatment", "observational")]
    return tuple(dict.fromkeys([*between, *within]))


def _why_not(advice: KeyAdvice, listing: FactorListing, n_cells: int) -> str | None:
    if advice.verdict != "usable":
        return advice.reason
    column = listing.column(advice.column)
    if column.missing:
        return f"{column.missing:,} cells have no value in it"
    if is_too_fine(listing, advice.column, n_cells):
        return f"{column.n_levels} levels, fewer than {FEWEST_CELLS_PER_BATCH} cells each"
    return None


def _is_crossed(inference: Inference, a: str, b: str) -> bool:
    try:
        return inference.facts.relation(a, b).relation in ("crossed", "partially_crossed")
    except KeyError:
        return False
