"""The section on comparisons: for each condition at which unit, with which model, and what cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence

from edviz.advice.analysis import ConditionAnalysis, DesignAnalysis, StratumRow, Structure, SubsetModels
from edviz.advice.conditions import unit_name
from edviz.advice.contrasts import Confounding, Contrast
from edviz.advice.models import Model
from edviz.advice.pseudobulk import LEAST_CELLS_OF_A_PSEUDOBULK, Pseudobulk
from edviz.card.markdown import bullets, code, fenced, folded, prose, table
from edviz.infer.facts import Facts

MOST_LISTED, MOST_SENTENCES = 8, 3
LIBRARIES_IN_SHORT = {"DESeq2": "DESeq2, edgeR", "lme4": "lme4"}
"""The libraries whose formulas stand in the open; the calls of all of them are folded."""


def comparisons(facts: Facts, analysis: DesignAnalysis) -> str:
    """Say for each condition what it can be compared across, at which unit, with which model."""
    if analysis.nothing_to_compare is not None:
        return prose(analysis.nothing_to_compare)
    header = ["factor", "experimental unit", "units per level", "blocks", "testable"]
    parts = [table(header, [_row(facts, each) for each in analysis.conditions])]
    confounded = [
        _confounded(each.advice.condition, one) for each in analysis.conditions for one in each.confounded_with
    ]
    if confounded:
        parts.append(f"What cannot be told apart:\n\n{bullets(confounded)}")
    interactions = [prose(each.in_words()) for each in analysis.interactions if not each.estimable]
    if interactions:
        parts.append(bullets(interactions))
    parts += [_models(each) for each in analysis.conditions if each.models]
    among = [_subset(each.advice.condition, one) for each in analysis.conditions for one in each.subsets]
    if among:
        parts.append(f"What can be compared nevertheless:\n\n{bullets(among)}")
    parts.append(bullets(_pseudobulk(facts, analysis)))
    parts += [_contrasts(each) for each in analysis.conditions if each.contrasts]
    if analysis.structure is not None and analysis.structure.hasse:
        parts.append(folded("Degrees of freedom of the factors and their combinations", _structure(analysis.structure)))
    return "\n\n".join(part for part in parts if part)


def _row(facts: Facts, condition: ConditionAnalysis) -> list[str]:
    advice = condition.advice
    levels = list(advice.units_per_level.items())
    return [
        code(advice.condition),
        code(unit_name(facts, advice.unit)),
        _in_short([f"{code(level)} {n}" for level, n in levels]),
        ", ".join(code(name) for name in advice.blocks) or "none",
        f"{condition.verdict}: {prose(condition.why)}" if condition.why else condition.verdict,
    ]


def _confounded(condition: str, found: Confounding) -> str:
    groups = [" and ".join(map(code, group)) for group in found.comparable if len(group) > 1]
    compared = f"what can still be compared: {'; '.join(groups[:MOST_SENTENCES])}"
    left = compared if groups else "no two levels can be compared"
    why = "; ".join(prose(sentence) for sentence in found.explanations[:MOST_SENTENCES])
    return (
        f"Given {code(found.given)}, {code(condition)} loses {found.lost} of {found.df} degrees of freedom"
        f"{f' ({why})' if why else ''}; {left}."
    )


def _models(condition: ConditionAnalysis) -> str:
    in_short = [
        f"{LIBRARIES_IN_SHORT[model.library]} ({_rows(model)}): {code(model.formula)}"
        for model in condition.models
        if model.library in LIBRARIES_IN_SHORT
    ]
    calls = [fenced(_calls(condition, language), language) for language in ("R", "Python")]
    advice = condition.advice
    head = f"Models for {code(advice.condition)} ({advice.residual_df} residual df between units):"
    return f"{head}\n\n{bullets(in_short)}\n\n" + folded(f"Calls for {advice.condition}", "\n\n".join(calls))


def _subset(condition: str, found: SubsetModels) -> str:
    formula = next(model.formula for model in found.models if model.library == "DESeq2")
    return (
        f"{_in_short(list(map(code, found.levels)))} of {code(condition)}, on their samples alone: {code(formula)} "
        f"({found.residual_df} residual df)."
    )


def _calls(condition: ConditionAnalysis, language: str) -> str:
    written = [(model.library, model) for model in condition.models]
    written += [(f"{model.library}, effects in groups", model) for model in condition.in_groups]
    return "\n\n".join(f"# {library}\n{model.call}" for library, model in written if model.language == language)


def _rows(model: Model) -> str:
    return "rows of obs" if model.rows == "rows" else model.rows


def _contrasts(condition: ConditionAnalysis) -> str:
    rows = [_contrast(each) for each in condition.contrasts]
    header = ["difference", "units", "blocks with both", "standard error", "estimable"]
    legend = "The standard error is in standard deviations between units, within blocks where there are blocks."
    body = f"{table(header, rows)}\n\n{legend}"
    if len(condition.strata) > 1:
        name = condition.advice.condition
        head = ["stratum", "df", f"df of {code(name)}", "efficiency", "residual df"]
        body += f"\n\n{table(head, map(_stratum, condition.strata))}"
    if condition.f_test is not None and condition.f_test.denominator is not None:
        expected = code(f"E(MS) = {condition.f_test.expected}")
        body += f"\n\nF is its mean square over {code(condition.f_test.denominator)}; {expected}."
    return folded(f"Differences of levels of {condition.advice.condition}", body)


def _stratum(row: StratumRow) -> list[str]:
    efficiency = "–" if row.efficiency is None else f"{row.efficiency:.3g}"
    return [code(row.stratum), str(row.df), str(row.condition_df), efficiency, str(row.residual_df)]


def _contrast(found: Contrast) -> list[str]:
    return [
        f"{code(found.one)} − {code(found.other)}",
        f"{found.n_one} and {found.n_other}",
        "–" if found.n_blocks is None else str(found.n_blocks),
        "–" if found.standard_error is None else f"{found.standard_error:.2f}",
        f"{'yes' if found.estimable else 'no'}{f': {prose(found.because)}' if found.because else ''}",
    ]


def _pseudobulk(facts: Facts, analysis: DesignAnalysis) -> list[str]:
    samples = [each.pseudobulk for each in analysis.conditions if each.pseudobulk is not None]
    if not samples:
        return ["Each row is a sample already: use its counts as they are."]
    lines = []
    for columns in dict.fromkeys(each.sum_over for each in samples):
        like = [each for each in samples if each.sum_over == columns]
        of = ", ".join(code(each.condition) for each in like)
        named = code(unit_name(facts, columns))
        level = f"{named} × {code(like[0].classification)}" if like[0].classification else named
        below = f", over its {code(unit_name(facts, like[0].technical))} levels" if like[0].technical else ""
        lines.append(f"Pseudobulk for {of}: sum raw counts over each {level}{below}.")
    testable = {each.advice.condition for each in analysis.conditions if each.advice.testable}
    return [*lines, *(_classes(each) for each in samples if each.classification and each.condition in testable)]


def _classes(found: Pseudobulk) -> str:
    n_classes = len(found.enough) + len(found.lacking)
    listed = f": {_in_short(list(map(code, found.enough)))}" if found.enough else ""
    return (
        f"{len(found.enough)} of {n_classes} classes of {code(found.classification or '')} have two or more samples "
        f"with at least {LEAST_CELLS_OF_A_PSEUDOBULK} observations in every level of {code(found.condition)}{listed}."
    )


def _in_short(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_LISTED]) + (" …" if len(names) > MOST_LISTED else "")


def _structure(structure: Structure) -> str:
    said = []
    if structure.orthogonal is not None:
        said.append(f"{'All' if structure.orthogonal else 'Not all'} pairs of factors are orthogonal.")
    if structure.balanced is not None:
        said.append(f"Combinations that occur do so {'equally' if structure.balanced else 'unequally'} often.")
    notes = [*said, *map(prose, structure.notes)]
    return fenced(structure.hasse, "text") + (f"\n\n{bullets(notes)}" if notes else "")
