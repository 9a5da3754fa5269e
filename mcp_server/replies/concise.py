"""What is left out of each result unless all is asked for; the type of every entry stays the same."""

from __future__ import annotations

from typing import Any

from mcp_server.geo.kinds import is_h5ad
from mcp_server.replies.texts import shortened

Plain = dict[str, Any]

MOST_LEVELS = 20
SHORT_LEVEL = 40
MOST_EVIDENCE = 1
MOST_NOTES = 3
"""Of findings that are only notes."""
MOST_NAMES = 20
MOST_CONTRASTS = 12
SHORT_TITLE = 120
IN_A_LIST_OF_SERIES = (
    "accession",
    "title",
    "organisms",
    "published",
    "n_samples",
    "samples_are",
    "file_types",
    "relation",
    "pubmed",
)
MOST_IN_DETAIL = 1
"""Of more pairs of designs, only the numbers are told."""


def concise_summary(summary: Plain) -> Plain:
    """Leave the columns with their names and kinds, and of other parts only names."""
    columns: dict[str, list[str]] = {}
    for column in summary["obs"]:
        columns.setdefault(column["kind"], []).append(column["name"])
    return summary | {
        "obs": [{"kind": kind, "columns": names} for kind, names in columns.items()],
        "var": summary["var"] | {"columns": summary["var"]["columns"][:MOST_NAMES]},
        "uns": summary["uns"][:MOST_NAMES],
    }


def concise_report(report: Plain) -> Plain:
    """Leave the factors of the design with evidence, other columns by name, nothing about pairs, and first levels."""
    left_out = {"pairs", "unit_relations", "determined_by"} | (set() if report["columns"] else {"columns"})
    shorter = {
        "factors": [_concise_factor(factor) for factor in report["factors"]],
        "findings": _concise_findings(report["findings"]),
        "set_aside": [each["column"] for each in report["set_aside"]],
        "columns": [_concise_column(column) for column in report["columns"]],
    }
    return {name: shorter.get(name, value) for name, value in report.items() if name not in left_out}


def concise_search(result: Plain) -> Plain:
    """Leave of every series what tells whether it is of use, and of a query how NCBI understood it."""
    kept = {name: value for name, value in result.items() if name not in ("query", "requests", "source")}
    files = {"files": [_concise_files(each) for each in result["files"]]} if result["files"] else {}
    kept.pop("files")
    return kept | {"series": [_concise_series(record) for record in result["series"]]} | files


def _concise_files(found: Plain) -> Plain:
    """Leave the .h5ad files, or the others if there are none."""
    h5ad = [file for file in found["files"] if is_h5ad(file["name"])]
    names = ("name", "size", "kind", "in_place", "sample")
    files = [_said({name: file[name] for name in names}) for file in (h5ad or found["files"])[:MOST_NAMES]]
    return _said({"accession": found["accession"], "h5ad": found["h5ad"], "files": files, "notes": found["notes"]})


def full_search(result: Plain) -> Plain:
    """Leave all but long lists of samples, of which `n_samples` tells the length."""
    return result | {"series": [each | {"samples": each["samples"][:MOST_NAMES]} for each in result["series"]]}


def concise_answer(answer: Plain) -> Plain:
    """Leave the verdict on every condition with its comparisons and one model; no strata and no lattice."""
    analysis: Plain = answer["analysis"]
    shown = {name: value for name, value in analysis.items() if name not in ("structure", "interactions")}
    shown["findings"] = _concise_findings(analysis["findings"])
    shown["conditions"] = [_concise_condition(each) for each in analysis["conditions"]]
    return answer | {"analysis": shown}


def concise_comparison(table: Plain) -> Plain:
    """Leave what is the same and what differs between two designs; of more pairs only how alike they are."""
    several = len(table["comparisons"]) > MOST_IN_DETAIL
    left_out = {"factors", "relations_in_both", "relations_in_a", "relations_in_b", "numbers"}
    left_out |= {"same", "differs"} if several else set()
    return table | {
        "designs": [_said(traits) for traits in table["designs"]],
        "comparisons": [
            {name: value for name, value in pair.items() if name not in left_out} for pair in table["comparisons"]
        ],
    }


def _concise_column(column: Plain) -> Plain:
    levels = [level for level in column["levels"] or () if level["n"]][:MOST_LEVELS]
    short = [level | {"level": shortened(level["level"], SHORT_LEVEL)} for level in levels]
    return _said(column | {"levels": short})


def _concise_factor(factor: Plain) -> Plain:
    if not factor["in_design"]:
        return {"name": factor["name"], "kind": factor["kind"]}
    names = ("name", "n_levels", "kind", "given", "confidence", "same_as", "in_design")
    return _said({name: factor[name] for name in names}) | {"evidence": factor["evidence"][:MOST_EVIDENCE]}


def _concise_findings(findings: list[Plain]) -> list[Plain]:
    """Leave all that is grave, and the first of the rest: they come the gravest first, and the text names factors."""
    grave = [finding for finding in findings if finding["severity"] != "note"]
    notes = [finding for finding in findings if finding["severity"] == "note"]
    return [{name: each[name] for name in ("id", "severity", "text")} for each in grave + notes[:MOST_NOTES]]


def _concise_condition(condition: Plain) -> Plain:
    names = ("advice", "verdict", "why", "confounded_with", "pseudobulk")
    return {name: condition[name] for name in names} | {
        "contrasts": [_said(contrast) for contrast in condition["contrasts"][:MOST_CONTRASTS]],
        "models": condition["models"][:1],
    }


def _said(entries: Plain) -> Plain:
    """Leave out entries that say nothing."""
    return {name: value for name, value in entries.items() if value not in (None, "", False, [])}


def _concise_series(record: Plain) -> Plain:
    shown = {name: record[name] for name in IN_A_LIST_OF_SERIES if record[name]}
    shown["title"] = shortened(record["title"], SHORT_TITLE)
    return shown
