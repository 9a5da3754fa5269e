"""Power, smallest detectable effects and sample sizes. Tables, never verdicts.

Effects are differences of means in standard deviations of unit means, with variance between units plus variance
within units divided by the observations of a unit (`unit_variance`): more observations of the same units help up
to a point only. Tests are the t and F tests of normal errors with equal variance (Cohen 1988, Statistical Power
Analysis for the Behavioral Sciences, chapters 2 and 8), with their non-central distributions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edviz.analysis.strata import WITHIN, Anatomy
from edviz.analysis.units import UnitTable
from edviz.errors import DesignError, EdvizError

if TYPE_CHECKING:
    from types import ModuleType

Kind = Literal["two_sample", "paired"]
LARGEST_EFFECT = 1e6
LARGEST_SAMPLE = 1e7


@dataclass(frozen=True)
class TComparison:
    """A comparison of two means by t.

    Attributes
    ----------
    standard_error
        Of the estimated difference, in standard deviations of unit means.
    df
        Degrees of freedom of the error.
    assuming
        What the standard deviation is of, in words.
    """

    standard_error: float
    df: float
    assuming: str

    def __post_init__(self) -> None:
        if self.df <= 0:
            raise DesignError("a t test takes one or more degrees of freedom of error, so two or more units at a level")


@dataclass(frozen=True)
class Detectable:
    """A line of a table: what can be detected.

    Attributes
    ----------
    label
        What the line is about, such as `n = 3` or the name of a stratum.
    df
        Degrees of freedom of the error.
    effect
        Smallest difference that is found with the power asked for, in standard deviations of unit means.
    """

    label: str
    df: float
    effect: float


def unit_variance(between_units: float, within_units: float, observations: float) -> float:
    """Return the variance of unit means: σ² = σ²_unit + σ²_observation / m."""
    return between_units + within_units / observations


def two_sample(n_one: float, n_other: float) -> TComparison:
    """Compare two levels with units of their own.

    Raises
    ------
    DesignError
        If there are fewer than three units.
    """
    return TComparison(
        (1 / n_one + 1 / n_other) ** 0.5, n_one + n_other - 2, "standard deviation of unit means, equal at both levels"
    )


def paired(n_pairs: float) -> TComparison:
    """Compare two levels within pairs; effects are in standard deviations of the differences in pairs.

    Raises
    ------
    DesignError
        If there are fewer than two pairs.
    """
    return TComparison(n_pairs**-0.5, n_pairs - 1, "standard deviation of differences in pairs")


def in_stratum(table: UnitTable, found: Anatomy, treatment: str, stratum: str) -> TComparison:
    """Compare the two least replicated levels of a treatment by its information in one stratum.

    With r_1 and r_2 rows of the levels, m rows a unit of the stratum and A-efficiency E, the variance of the
    difference is m (1/r_1 + 1/r_2) / E times the variance of unit means, with the residual degrees of freedom of
    the stratum.

    Parameters
    ----------
    table
        The units that the anatomy was made of.
    found
        From `anatomy`.
    treatment
        A main effect of the anatomy.
    stratum
        Name of a stratum in which it has degrees of freedom.

    Raises
    ------
    DesignError
        If the treatment is no factor, has nothing in the stratum, or no degree of freedom is left for the error.
    """
    if treatment not in table.names:
        raise DesignError(
            f"differences of two levels are compared, and {treatment!r} is no factor; "
            f"for an interaction use f_power with the residual degrees of freedom of the stratum"
        )
    place = found.stratum(stratum)
    source = place.source(treatment)
    if source is None:
        raise DesignError(f"nothing of {treatment!r} lies in stratum {stratum!r}; see the sources of the strata")
    if not place.residual_df:
        raise DesignError(
            f"no degree of freedom is left in stratum {stratum!r}, so {treatment!r} cannot be tested there"
        )
    known = table.complete([treatment, *place.term])
    n_one, n_other = sorted(np.bincount(known.of(treatment)).tolist())[:2]
    rows_a_unit = 1.0 if place.name == WITHIN else known.n_units / len(np.unique(known.cells(place.term)))
    variance = rows_a_unit * (1 / n_one + 1 / n_other) / source.a_efficiency
    return TComparison(variance**0.5, place.residual_df, f"standard deviation of means of units of {stratum}")


def t_power(compared: TComparison, effect: float, *, alpha: float = 0.05, both_tails: bool = True) -> float:
    """Return the power of the two-sided t test.

    Parameters
    ----------
    compared
        From `two_sample`, `paired` or `in_stratum`.
    effect
        Difference in standard deviations.
    alpha
        Level of the test.
    both_tails
        Count rejections in the wrong direction too; R leaves them out unless told to be strict.

    Raises
    ------
    EdvizError
        If scipy is missing.
    """
    t = _stats().t
    noncentral = _stats().nct
    critical = t.isf(alpha / 2, compared.df)
    shift = effect / compared.standard_error
    # The lower tail is the upper one of the mirrored distribution, which is accurate where it is tiny.
    lower = noncentral.sf(critical, compared.df, -shift) if both_tails else 0.0
    return float(noncentral.sf(critical, compared.df, shift) + lower)


def detectable_effect(compared: TComparison, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the smallest effect that a two-sided t test finds with a power, in standard deviations.

    Raises
    ------
    DesignError
        If the power does not lie between alpha and 1.
    EdvizError
        If scipy is missing.
    """
    _check(power, alpha)
    return _solve(lambda effect: t_power(compared, effect, alpha=alpha) - power, 0.0, LARGEST_EFFECT)


def t_sample_size(
    effect: float,
    *,
    kind: Kind = "two_sample",
    ratio: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
    both_tails: bool = True,
) -> float:
    """Return the units of the first level, or the pairs, for a power, before rounding up.

    One degree of freedom of error is the least: where that is enough, its number of units is the answer.

    Parameters
    ----------
    effect
        Difference in standard deviations.
    kind
        Units of their own at each level, or pairs.
    ratio
        Units of the second level for one of the first.
    power, alpha, both_tails
        As for `t_power`.

    Raises
    ------
    DesignError
        If the effect is zero or the power does not lie between alpha and 1.
    EdvizError
        If scipy is missing.
    """
    _check(power, alpha)
    if effect == 0:
        raise DesignError("no sample size detects an effect of 0; give the difference that would matter")

    def lacking(n: float) -> float:
        compared = two_sample(n, n * ratio) if kind == "two_sample" else paired(n)
        return t_power(compared, abs(effect), alpha=alpha, both_tails=both_tails) - power

    fewest = 2.0 if kind == "paired" else 3 / (1 + ratio)
    return _solve(lacking, fewest, LARGEST_SAMPLE)


def detectable_effects(
    sizes: Iterable[int], *, kind: Kind = "two_sample", power: float = 0.8, alpha: float = 0.05
) -> tuple[Detectable, ...]:
    """Make a table of the smallest detectable effects by number of units a level, or pairs.

    Raises
    ------
    DesignError
        If a size leaves no degree of freedom, or the power does not lie between alpha and 1.
    EdvizError
        If scipy is missing.
    """
    rows = []
    for n in sizes:
        compared = two_sample(n, n) if kind == "two_sample" else paired(n)
        rows.append(Detectable(f"n = {n}", compared.df, detectable_effect(compared, power=power, alpha=alpha)))
    return tuple(rows)


def detectable_in_strata(
    table: UnitTable, found: Anatomy, treatment: str, *, power: float = 0.8, alpha: float = 0.05
) -> tuple[Detectable, ...]:
    """Make a table of the smallest detectable differences in each stratum that can test a treatment.

    Raises
    ------
    DesignError
        If the treatment is no factor, as an interaction, or the power does not lie between alpha and 1.
    EdvizError
        If scipy is missing.
    """
    rows = []
    for stratum in found.strata:
        if stratum.source(treatment) is not None and stratum.residual_df:
            compared = in_stratum(table, found, treatment, stratum.name)
            effect = detectable_effect(compared, power=power, alpha=alpha)
            rows.append(Detectable(stratum.name, compared.df, effect))
    return tuple(rows)


def f_power(
    groups: int, n: float, *, between: float, within: float, alpha: float = 0.05, residual_df: float | None = None
) -> float:
    """Return the power of the F test of one factor.

    Parameters
    ----------
    groups
        Levels.
    n
        Units a level.
    between
        Variance of the means of the levels, the sum of squares divided by levels less one.
    within
        Variance of unit means in a level.
    alpha
        Level of the test.
    residual_df
        Degrees of freedom of the error; groups (n - 1) by default, fewer where the design has blocks.

    Raises
    ------
    DesignError
        If there are fewer than two levels or no degree of freedom is left.
    EdvizError
        If scipy is missing.
    """
    df = groups * (n - 1) if residual_df is None else residual_df
    if groups < 2 or df <= 0:
        raise DesignError(f"an F test takes two or more levels and units to spare, not {groups} levels of {n:g} units")
    if between == 0:
        return alpha  # scipy's survival function is wrong at a non-centrality of exactly zero
    critical = _stats().f.isf(alpha, groups - 1, df)
    return float(_stats().ncf.sf(critical, groups - 1, df, (groups - 1) * n * between / within))


def f_sample_size(groups: int, *, between: float, within: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the units a level for a power of the F test of one factor, before rounding up.

    Raises
    ------
    DesignError
        If the level means do not differ, or the power does not lie between alpha and 1.
    EdvizError
        If scipy is missing.
    """
    _check(power, alpha)
    if between <= 0:
        raise DesignError("no sample size detects level means that do not differ; give a variance between them above 0")
    return _solve(
        lambda n: f_power(groups, n, between=between, within=within, alpha=alpha) - power,
        1 + 1 / groups,
        LARGEST_SAMPLE,
    )


def _check(power: float, alpha: float) -> None:
    if not 0 < alpha < power < 1:
        raise DesignError(f"the power asked for lies between the level of the test ({alpha:g}) and 1, not at {power:g}")


def _solve(lacking: Callable[[float], float], low: float, high: float) -> float:
    """Find where an increasing function crosses zero, in steps that double and then within the last of them."""
    if lacking(low) >= 0:
        return low
    upper = max(low, 1.0)
    while upper < high and not lacking(upper) >= 0:
        low, upper = upper, 2 * upper
    if upper >= high:
        raise DesignError(f"no answer below {high:.0e}; ask for a larger effect or less power")
    return float(_optimize().brentq(lacking, low, upper, xtol=1e-10))


def _stats() -> Any:
    return _scipy("stats")


def _optimize() -> Any:
    return _scipy("optimize")


def _scipy(name: str) -> ModuleType:
    """Import a part of scipy when it is first needed: it is no part of the base installation."""
    from importlib import import_module

    try:
        return import_module(f"scipy.{name}")
    except ImportError as error:
        raise EdvizError(
            "power needs scipy, which is not installed: pip install 'anndata-design-inspector[power]'"
        ) from error
