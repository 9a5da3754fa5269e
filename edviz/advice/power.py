"""What differences a design can detect: a table from its units and a stated assumption on variances, never a verdict.

The variance of a unit's mean is that between units plus that between observations divided by their number. How much of
the variance lies between units differs from gene to gene and is not in the metadata, so it is assumed: a share of the
whole, the intraclass correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edviz.advice.analysis import DesignAnalysis
from edviz.analysis.power import TComparison, detectable_effect, unit_variance
from edviz.errors import DesignError

SHARES = (0.01, 0.1, 0.5)
"""Of the variance between units, from most genes in homogeneous cells to genes that differ much between donors."""
ASSUMING = "standard deviation between units, within blocks where there are blocks"


@dataclass(frozen=True)
class DetectableDifference:
    """The smallest difference of two levels that a two-sided t test finds.

    Attributes
    ----------
    condition, one, other
        What is compared.
    df
        Degrees of freedom of the error.
    in_units
        In standard deviations of unit means.
    in_observations
        In standard deviations of single observations, by the share of their variance that lies between units; empty
        where every row is a unit.
    cells_per_unit
        Observations of a unit that were reckoned with, their median; None where every row is a unit.
    """

    condition: str
    one: str
    other: str
    df: int
    in_units: float
    in_observations: dict[str, float]
    cells_per_unit: float | None


@dataclass(frozen=True)
class PowerTable:
    """Smallest differences that can be detected.

    Attributes
    ----------
    power, alpha
        Probability of finding such a difference, and of finding one where there is none.
    """

    power: float
    alpha: float
    differences: tuple[DetectableDifference, ...]


def detectable_differences(
    analysis: DesignAnalysis, *, power: float = 0.8, alpha: float = 0.05, shares: Sequence[float] = SHARES
) -> PowerTable:
    """Make a table of the smallest differences that can be detected, for every estimable pair of levels.

    Parameters
    ----------
    analysis
        From `analyze_design`.
    power, alpha
        Of a two-sided t test of one comparison; many genes need a smaller alpha.
    shares
        Shares of the variance of single observations that lie between units, each from 0 to 1.

    Raises
    ------
    DesignError
        If a share does not lie between 0 and 1, or the power not between alpha and 1.
    EdvizError
        If scipy is missing.
    """
    for share in shares:
        if not 0 <= share <= 1:
            raise DesignError(f"a share of the variance lies between 0 and 1, and {share} does not")
    rows = []
    for condition in analysis.conditions:
        for contrast in condition.contrasts:
            if contrast.standard_error is None or contrast.df is None:
                continue
            compared = TComparison(contrast.standard_error, contrast.df, ASSUMING)
            effect = detectable_effect(compared, power=power, alpha=alpha)
            cells = condition.cells_per_unit
            scaled = {} if cells is None else {f"{share:g}": _scaled(effect, share, cells) for share in shares}
            name = condition.advice.condition
            rows.append(
                DetectableDifference(name, contrast.one, contrast.other, contrast.df, round(effect, 3), scaled, cells)
            )
    return PowerTable(power, alpha, tuple(rows))


def _scaled(effect: float, share: float, cells: float) -> float:
    return round(float(effect * unit_variance(share, 1 - share, cells) ** 0.5), 3)
