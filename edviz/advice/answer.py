"""What a person or an agent asks of a design, and the answer: the same for the script and the tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edviz.advice.analysis import DesignAnalysis, analyze_design
from edviz.advice.contrasts import compare_levels
from edviz.advice.power import PowerTable, detectable_differences
from edviz.analysis import Comparison
from edviz.errors import DesignError
from edviz.infer import Inference
from edviz.progress import report_stage

MOST_ASKED = 100
"""Differences of levels, at once."""


@dataclass(frozen=True)
class Answer:
    """What a design allows, and what was asked besides.

    Attributes
    ----------
    asked
        The differences of levels that were asked for, each with what is adjusted for.
    power
        Smallest differences that can be detected; None unless asked for.
    """

    analysis: DesignAnalysis
    asked: tuple[Comparison, ...]
    power: PowerTable | None


def answer(
    inference: Inference,
    *,
    contrasts: Sequence[Sequence[str]] = (),
    given: Sequence[str] | None = None,
    power: float | None = None,
    alpha: float = 0.05,
) -> Answer:
    """Analyse an inferred design.

    Parameters
    ----------
    contrasts
        For each a condition and two of its levels.
    given
        What the contrasts are adjusted for; by default what is advised.
    power, alpha
        Of the differences that are to be detected; no power, no table.

    Raises
    ------
    DesignError
        If a factor or level is unknown, more than 100 differences are asked for, or the power is not between alpha
        and 1.
    EdvizError
        If scipy is missing and power is asked for.
    """
    if len(contrasts) > MOST_ASKED:
        raise DesignError(f"{len(contrasts):,} differences are asked for; at most {MOST_ASKED} are judged at once")
    report_stage("comparing levels")
    analysis = analyze_design(inference)
    asked = tuple(compare_levels(inference, *levels, given=given) for levels in contrasts)
    table = None if power is None else detectable_differences(analysis, power=power, alpha=alpha)
    return Answer(analysis, asked, table)
