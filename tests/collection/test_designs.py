"""Rows of the table of designs, its CSV file, and the names of cards."""

import csv
import itertools
from pathlib import Path

import pytest

from edviz.collection.cards import card_names, card_paths
from edviz.collection.record import Record
from edviz.collection.row import ConditionRow, DesignRow, row_of
from edviz.collection.table import HEADER, writing_table
from edviz.errors import OutputError
from edviz.grammar import loads
from edviz.h5ad import read_factors
from edviz.infer import infer_design


def _row(**changes: object) -> DesignRow:
    parts: dict = {
        "n_obs": 12,
        "unit": ("donor", "day"),
        "n_units": 4,
        "conditions": (ConditionRow("dose", "treatment", 2, ("low", "high"), ("donor",), True),),
        "batches": ("run", "lane"),
        "paired": True,
        "errors": 0,
        "warnings": 1,
        "notes": 0,
        "findings": ("no_replication",),
        "questions": 0,
        "given": (),
        "design": "run(2) == donor\ndonor(2) > cell(6)",
    }
    return DesignRow(**(parts | changes))


def _written(output: Path, *records: Record[DesignRow]) -> list[dict[str, str]]:
    with writing_table(str(output)) as write:
        for record in records:
            write(record)
    with output.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_row_of_the_shipped_file(shipped: Path) -> None:
    row = row_of(infer_design(read_factors(shipped)))
    assert (row.n_obs, row.unit, row.n_units) == (200, ("sample",), 30)
    assert row.conditions == (
        ConditionRow("source", "observational", 3, ("Blood", "NAT", "Tumor"), ("patient",), True),
    )
    assert row.paired
    assert "paired" in row.findings
    assert loads(row.design).factors


def test_the_row_of_a_confounded_file(shared: Path) -> None:
    row = row_of(infer_design(read_factors(shared / "kang_pbmc_stim_ctrl_14039.h5ad")))
    assert (row.unit, row.n_units, row.errors, row.paired) == (("sample",), 2, 1, False)
    assert row.findings[0] == "no_replication"


def test_a_condition_within_units_is_not_testable_between_them(shared: Path) -> None:
    row = row_of(infer_design(read_factors(shared / "h1_vcc_perturbseq_600.h5ad")))
    target, guide = row.conditions
    assert (target.name, target.n_levels, target.testable) == ("target_gene", 6, None)
    assert (guide.n_levels, len(guide.levels)) == (37, 20)


def test_a_table_has_a_row_for_every_file(tmp_path: Path) -> None:
    good, bad = _written(
        tmp_path / "designs.csv", Record("a.h5ad", None, _row()), Record("b.h5ad", "b.h5ad is empty.", None)
    )
    assert tuple(good) == HEADER
    assert good == {
        "path": "a.h5ad",
        "n_obs": "12",
        "unit": "donor × day",
        "n_units": "4",
        "conditions": "dose(2): low, high",
        "batches": "run; lane",
        "blocks": "donor",
        "paired": "yes",
        "errors": "0",
        "warnings": "1",
        "findings": "no_replication",
        "questions": "0",
        "design": "run(2) == donor; donor(2) > cell(6)",
        "error": "",
    }
    assert {name: value for name, value in bad.items() if value} == {"path": "b.h5ad", "error": "b.h5ad is empty."}


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_is_a_formula(start: str, tmp_path: Path) -> None:
    (written,) = _written(tmp_path / "t.csv", Record("a", None, _row(batches=(f"{start}cmd|' /C calc'!A0",))))
    assert written["batches"] == f"'{start}cmd|' /C calc'!A0"


def test_no_cell_acts_on_a_terminal(tmp_path: Path) -> None:
    _written(tmp_path / "t.csv", Record("\x1b[31m\u202ered\n.h5ad", None, _row(unit=("a\x07",))))
    text = (tmp_path / "t.csv").read_text(encoding="utf-8")
    assert "\\u001b[31m\\u202ered\\n.h5ad" in text
    assert text.replace("\n", "").isprintable()
    assert text.count("\n") == 2


def test_a_table_that_is_not_finished_leaves_the_earlier_one(tmp_path: Path) -> None:
    output = tmp_path / "t.csv"
    _written(output, Record("a", None, _row()))
    before = output.read_bytes()
    with pytest.raises(KeyboardInterrupt), writing_table(str(output)) as write:
        write(Record("b", None, _row()))
        raise KeyboardInterrupt
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("content", ["my notes", "", "path,n_obs\n"])
def test_what_is_no_table_is_not_overwritten(content: str, tmp_path: Path) -> None:
    output = tmp_path / "cells.h5ad"
    output.write_text(content)
    with pytest.raises(OutputError, match="is not a table of designs"), writing_table(str(output)):
        pass
    assert output.read_text() == content


def test_a_table_in_no_folder_is_one_sentence(no_such_folder: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"), writing_table(str(no_such_folder / "t.csv")):
        pass


CARDS = {
    ("x.h5ad", "deep/y.h5ad"): ("x", "y"),
    ("a/x.h5ad", "b/x.h5ad"): ("a-x", "b-x"),
    ("a/outs/x.h5ad", "b/outs/x.h5ad", "b/y.h5ad"): ("a-outs-x", "b-outs-x", "y"),
    ("x.h5ad", "b/x.h5ad"): ("x", "b-x"),
    ("X.h5ad", "b/x.h5ad"): ("X", "b-x"),
    ("a-x.h5ad", "a/x.h5ad", "b/x.h5ad"): ("a-x", "a-x-2", "b-x"),
    ("x.h5ad", "x.h5ad.gz"): ("x", "x-2"),
    ("https://h.org/a/x.h5ad", "https://h.org/b/x.h5ad?token=t"): ("a-x", "b-x"),
}


@pytest.mark.parametrize("locations", CARDS)
def test_every_card_has_a_name_of_its_own(locations: tuple[str, ...]) -> None:
    expected = [f"{stem}.design-card.md" for stem in CARDS[locations]]
    assert list(card_names(locations).values()) == expected


def test_names_differ_whatever_the_files() -> None:
    parts = ["a", "A", "b", "a-b"]
    locations = [f"{'/'.join(path)}.h5ad" for n in (1, 2, 3) for path in itertools.product(parts, repeat=n)]
    names = card_names(locations)
    assert len(names) == len({name.casefold() for name in names.values()}) == len(locations)


def test_no_folder_for_cards_is_one_sentence(no_such_folder: Path) -> None:
    with pytest.raises(OutputError, match="cards need a folder"):
        card_paths(["a.h5ad"], no_such_folder)
