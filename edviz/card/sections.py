"""The sections of a card, each from the facts to Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edviz.advice.conditions import unit_name
from edviz.advice.keys import KeyAdvice, advise_batch_keys
from edviz.advice.pseudobulk import LEAST_CELLS_OF_A_PSEUDOBULK, classes_by_level
from edviz.card.markdown import bullets, code, fenced, folded, link, prose, table
from edviz.card.numbers import (
    Spread,
    observations_per_level,
    observations_per_unit,
)
from edviz.card.words import classify, describe
from edviz.contents import H5adSummary
from edviz.deposit import Deposit
from edviz.infer import Inference
from edviz.infer.facts import Facts
from edviz.infer.findings import conditions
from edviz.infer.result import Finding, Report
from edviz.table import Column

MOST_CLASSES, MOST_COLUMNS = 40, 8
MOST_LEVELS_LISTED = 60
MARKS = {"error": "**Error:**", "warning": "**Warning:**", "note": "Note:"}


def opening(inference: Inference, summary: H5adSummary) -> str:
    """Say in a paragraph what the file is, and in another how the experiment was built."""
    words = ", ".join(classify(inference.facts, inference.roles, inference.report.findings))
    variables = "an unknown number of" if summary.n_vars is None else f"{summary.n_vars:,}"
    counts = f"raw counts in {code(summary.counts.location)}" if summary.counts.location else _no_counts(summary)
    species = "species unknown" if summary.species.name == "unknown" else summary.species.name
    observations = "1 observation" if summary.n_obs == 1 else f"{summary.n_obs:,} observations"
    first = f"{observations} × {variables} variables; {species}; {counts}."
    sentences = " ".join(describe(inference.facts, inference.roles, inference.design))
    return f"{first}\n\n**Design: {words}.** {prose(sentences)}"


def origin(deposit: Deposit) -> str:
    """Say in a paragraph where the file is published, and what the archive says of the study."""
    n_samples = deposit.n_samples
    told = [
        f"From {deposit.archive} {link(deposit.accession, deposit.page)}",
        *([prose(deposit.title)] if deposit.title else []),
        *([prose(deposit.organism)] if deposit.organism else []),
        *(
            [f"{n_samples:,} {'sample' if n_samples == 1 else 'samples'} as {deposit.archive} counts them"]
            if n_samples
            else []
        ),
        *(link(each.name, each.url) for each in deposit.links),
    ]
    first, *rest = told
    return f"{first}: {'; '.join(rest)}." if rest else f"{first}."


def _no_counts(summary: H5adSummary) -> str:
    unread = [entry.location for entry in summary.counts.checked if entry.verdict.startswith("not looked at")]
    return f"raw counts unknown: {', '.join(map(code, unread))} could not be read" if unread else "no raw counts"


def diagram(drawing: str, text: str) -> str:
    """Show the diagram and the grammar text."""
    return f"{fenced(drawing, 'text')}\n\n{fenced(text, 'edviz')}"


def findings(found: Sequence[Finding]) -> str:
    """List what was found, the gravest first."""
    grave = [_finding(item) for item in found if item.severity != "note"]
    notes = [_finding(item) for item in found if item.severity == "note"]
    nothing = any(item.id == "no_unit" for item in found)
    fine = "No problem was found in the design as it is recorded."
    parts = [bullets(grave) if grave else "There is no design to find fault with." if nothing else fine]
    if notes:
        parts.append(bullets(notes))
    return "\n\n".join(parts)


def _finding(item: Finding) -> str:
    return f"{MARKS[item.severity]} {prose(item.text)} ({code(item.id)})"


def questions(report: Report) -> str:
    """List what the data cannot settle, with the arguments that would."""
    if not report.questions:
        return "None: the data settle the design as drawn."
    asked = []
    for item in report.questions:
        options = " or ".join(code(option) for option in item.options)
        asked.append(f"{prose(item.text)}" + (f" Answer with {options}." if options else ""))
    return bullets(asked)


def integration(inference: Inference) -> str:
    """Say which column may be the batch key of an integration, and which must not."""
    unit = inference.facts.unit
    if unit is not None and not unit.columns:
        return "The rows are samples, not cells: scVI does not apply; adjust for batches in the formulas above."
    judged = advise_batch_keys(inference.facts, inference.roles)
    if not judged:
        told = [name for name in inference.roles.factors if inference.facts.kinds[name] != "classification"]
        but = (
            f" Do not integrate on {', '.join(map(code, told))}: that is what the experiment is about." if told else ""
        )
        return f"No technical column and no unit was found, so there is nothing to integrate out.{but}"
    best = judged[0]
    if best.verdict == "with care":
        lead = (
            f"No batch is free of the conditions. {code(best.column)} may be used as {code('batch_key')} with care: "
            f"{prose(best.reason)}. Compare embeddings with and without it."
        )
    elif best.verdict == "usable":
        lead = f"If batches need integration, use {code(best.column)} as {code('batch_key')}: {prose(best.reason)}."
    else:
        lead = "**Do not integrate.** Every candidate would remove, or may absorb, what the experiment is about."
    rows = [[code(item.column), item.verdict, _lost(item), prose(item.reason)] for item in judged]
    return f"{lead}\n\n{table(['column', 'as batch_key', 'degrees of freedom lost', 'why'], rows)}"


def factors(inference: Inference) -> str:
    """Tabulate the candidate factors, those of the design first, with their levels folded below."""
    facts, report = inference.facts, inference.report
    ordered = sorted(report.factors, key=lambda factor: not factor.in_design)
    shown = sum(factor.in_design for factor in ordered)
    if not ordered:
        return "No obs column is a candidate factor."
    rows = []
    for factor in ordered:
        per_level = list(observations_per_level(facts, factor.name).values())
        rows.append(
            [
                code(factor.name),
                f"{factor.kind} ({'given' if factor.given else factor.confidence})",
                str(factor.n_levels),
                str(Spread.of(per_level)),
                _units_of_levels(facts, factor.name),
                ", ".join(code(name) for name in factor.same_as) or "–",
                prose("; ".join(factor.evidence)),
            ]
        )
    header = ["column", "kind", "levels", "observations per level", "units per level", "same partition", "evidence"]
    legend = "Counts are min / median / max."
    spread = observations_per_unit(facts)
    if spread is not None:
        legend += f" Observations per unit: {spread}."
    levels = "\n\n".join(_levels(facts, factor.name) for factor in ordered if factor.in_design)
    parts = [table(header, rows[:shown]), legend] if shown else ["None of the candidates is in the diagram."]
    if shown < len(rows):
        parts.append(folded(f"{len(rows) - shown} more candidate columns", table(header, rows[shown:])))
    if levels:
        parts.append(folded("Levels and counts of the factors in the diagram", levels))
    return "\n\n".join(parts)


def classes(inference: Inference) -> str:
    """Cross-tabulate the classes with each condition, or with the unit where there is no condition."""
    facts, roles = inference.facts, inference.roles
    if roles.label is None:
        return "No classification of observations was found."
    across = [name for name in conditions(facts, roles) if name in roles.shown]
    across = across or [name for name in roles.factors if facts.is_unit(name)]
    tables = [_cross_table(facts, roles.label, name) for name in across]
    if not tables:
        counts = observations_per_level(facts, roles.label)
        return table(
            [code(roles.label), "observations"], [[code(level), f"{n:,}"] for level, n in _first(counts.items())]
        )
    return "\n\n".join(tables)


def file_contents(summary: H5adSummary) -> str:
    """Say what the file holds, and how each statement was obtained."""
    rows = [
        ["species", f"{summary.species.name}: {prose(summary.species.evidence)}"],
        ["counts", _counts(summary)],
        ["embeddings", ", ".join(code(entry.name) for entry in summary.obsm) or "none"],
        ["layers", ", ".join(code(entry.name) for entry in summary.layers) or "none"],
        ["raw", "none" if summary.raw is None else f"{summary.raw.n_vars:,} variables"],
        ["schema", "; ".join(prose(f"{hint.name} ({hint.evidence})") for hint in summary.schema) or "none recognised"],
        ["obs encoding", prose(summary.encoding.obs)],
        ["written by", prose(str(summary.encoding.writer))],
    ]
    notes = [prose(note) for note in summary.notes]
    return table(["", ""], rows) + (f"\n\n{bullets(notes)}" if notes else "")


def set_aside(inference: Inference) -> str:
    """List columns that are no factors, with the reasons, and the value of those that have one only."""
    listing = inference.facts.tables.table.listing
    columns = [column for column in listing.columns if column.set_aside is not None]
    if not columns:
        return "None."
    rows = [[code(column.name), prose(column.set_aside or ""), _only_level(column)] for column in columns]
    left_out = "1 column is no candidate factor" if len(rows) == 1 else f"{len(rows)} columns are no candidate factors"
    return folded(left_out, table(["column", "reason", "value"], rows))


def provenance(inference: Inference, version: str, command: str) -> str:
    """Say how every number was obtained."""
    facts, report = inference.facts, inference.report
    unit = "none found" if report.unit is None else unit_name(facts, report.unit.columns)
    why = "" if report.unit is None else " (" + prose("; ".join(report.unit.evidence)) + ")"
    judged = "the table of units, with each column's most frequent level in each unit"
    rows = [
        ["observations", "length of the obs index"],
        [
            "levels and observations per level",
            "the codes of the obs column named in the table, missing values left out",
        ],
        ["unit", f"{code(unit)}{why}"],
        ["relations", judged if facts.unit_table is not None else "single observations"],
        ["units per level", "rows of the table of units"],
        ["pseudobulk", f"units with at least {LEAST_CELLS_OF_A_PSEUDOBULK} observations of the class"],
        ["residual df", "units less the rank of the model matrix on the table of units"],
        ["given by a person", "; ".join(code(item) for item in report.given) or "nothing"],
        ["program", f"anndata-design-inspector {version}, {code(command)}"],
    ]
    return table(["number", "from"], rows)


def _counts(summary: H5adSummary) -> str:
    checked = [entry for entry in summary.counts.checked if entry.verdict != "no matrix"]
    return "; ".join(f"{code(entry.location)} {prose(entry.verdict)}" for entry in checked) or "no matrix"


def _only_level(column: Column) -> str:
    present = [entry.level for entry in column.levels or () if entry.n]
    return code(present[0]) if len(present) == 1 else ""


def _lost(advice: KeyAdvice) -> str:
    return ", ".join(f"{code(name)} {gone} of {of}" for name, (gone, of) in advice.lost.items()) or "none"


def _units_of_levels(facts: Facts, name: str) -> str:
    if facts.unit is None or not facts.is_unit_level(name):
        return "within units" if facts.unit is not None else "–"
    counts = list(facts.units_per_level(name).values())
    return str(Spread.of(counts)) if counts else "–"


def _levels(facts: Facts, name: str) -> str:
    counts = observations_per_level(facts, name)
    units = facts.units_per_level(name) if facts.is_unit_level(name) else {}
    rows = [[code(level), f"{n:,}", str(units.get(level, "–"))] for level, n in _first(counts.items())]
    more = f"\n\n… and {len(counts) - MOST_LEVELS_LISTED} more levels." if len(counts) > MOST_LEVELS_LISTED else ""
    return table([code(name), "observations", "units"], rows) + more


def _first(entries: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return list(entries)[:MOST_LEVELS_LISTED]


def _cross_table(facts: Facts, label: str, factor: str) -> str:
    counted = classes_by_level(facts, label, factor)
    levels = list(next(iter(counted.values()), {}))
    if len(counted) > MOST_CLASSES or len(levels) > MOST_COLUMNS:
        return (
            f"{code(label)} × {code(factor)} is too large to show here ({len(counted)} × {len(levels)}); "
            f"{code('list_factors.py --column')} lists the levels."
        )
    rows = [
        [code(name), *(f"{row[level].n:,} ({row[level].units})" if row[level].n else "0" for level in levels)]
        for name, row in counted.items()
    ]
    note = f"Observations, and in brackets the units with at least {LEAST_CELLS_OF_A_PSEUDOBULK} of them."
    return table([f"{code(label)} by {code(factor)}", *(code(level) for level in levels)], rows) + f"\n\n{note}"
