"""The factors as a table."""

import sys
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from edviz.errors import OutputError
from edviz.export.factor_table import factor_records, factors_to_markdown, factors_to_pandas
from edviz.grammar import loads
from edviz.infer import infer_design
from edviz.table import table_of
from tests.export.designs import DESIGNS


def _cells(markdown):
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    rows, row = [], []
    for token, inside in pairwise(tokens):
        if token.type in ("th_open", "td_open"):
            row.append("".join(part.content for part in inside.children))
        elif token.type == "tr_close":
            rows.append(row)
            row = []
    return rows


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_markdown_shows_every_factor_as_written(design):
    header, *rows = _cells(factors_to_markdown(design))
    assert header[0] == "factor"
    assert [row[0] for row in rows] == list(design.names)
    assert {len(row) for row in rows} == {len(header)}


def test_relations_are_named():
    records = {record["factor"]: record for record in factor_records(loads("{A(3) ≈≈ B(2)} > C(4) : T(5)\nR(2) == C"))}
    assert records["A"]["aliased with"] == ("B",)
    assert records["C"]["nested in"] == ("A", "B")
    assert records["T"]["classifies"] == ("C",)
    assert records["R"]["batch of"] == ("C",)


def test_pandas_has_a_row_for_each_factor():
    frame = factors_to_pandas(loads("Genotype(2){kind=treatment} > Mouse[3|4]"))
    assert frame["kind"].to_dict() == {"Genotype": "treatment", "Mouse": "unit"}
    assert frame.loc["Mouse", ["levels", "in all", "nested in"]].to_list() == ["3|4", "7", "Genotype"]


def test_a_report_tells_the_evidence():
    report = infer_design(table_of({"donor": list("PPQQRR") * 9, "sex": list("ffmmff") * 9})).report
    frame = factors_to_pandas(report)
    assert set(frame.index) == {"donor", "sex"}
    assert "donor" in frame.loc["donor", "evidence"]
    header, *rows = _cells(factors_to_markdown(report))
    assert "evidence" in header
    assert len(rows) == 2


def test_without_pandas_the_remedy_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OutputError, match="pip install pandas"):
        factors_to_pandas(DESIGNS["nested"])
