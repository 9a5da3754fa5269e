"""JSON of a design: what it looks like, that its schema describes it, and that it reads back."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edviz.description import describe_design
from edviz.errors import DesignError
from edviz.export import from_dict, from_json, to_dict, to_json
from edviz.export.document import SCHEMA
from edviz.grammar import loads
from edviz.plain import to_plain
from tests.export.designs import DESIGNS
from tests.grammar.strategies import designs

VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
MICE = to_dict(loads("Genotype(2) > Mouse(4)"))


@settings(max_examples=60, deadline=None)
@given(designs())
def test_every_design_reads_back_and_follows_the_schema(design):
    text = to_json(design)
    assert text.isascii()
    assert from_json(text) == design
    assert from_json(text).names == design.names
    VALIDATOR.validate(json.loads(text))


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_the_whole_description_reads_back_too(design):
    described = to_plain(describe_design(design))
    VALIDATOR.validate(described)
    assert from_dict(described) == design


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


def test_a_document_by_hand_needs_little():
    document = {
        "factors": [{"name": "Mouse", "n": 4}, {"name": "Cell", "n": "~5000"}],
        "relations": [{"from": "Mouse", "type": "nests", "to": "Cell"}],
    }
    VALIDATOR.validate(document)
    assert from_dict(document) == loads("Mouse(4) > Cell(~5000)")


def test_a_document_of_the_first_edviz_is_read():
    document = {
        "schema_version": "1.0",
        "factors": [
            {"name": "Sample", "n": [3, 4], "type": "factor"},
            {"name": "Cell", "n": "~5000", "type": "factor"},
            {"name": "CellType", "n": 35, "type": "classification"},
            {"name": "Run", "n": 2, "type": "batch"},
        ],
        "relationships": [
            {"from": "Sample", "to": "Cell", "type": "nests"},
            {"from": "Cell", "to": "CellType", "type": "classifies"},
            {"from": "Run", "to": "Sample", "type": "batch_effect"},
        ],
        "metadata": {},
    }
    assert from_dict(document) == loads("Sample[3|4] > Cell(~5000) : CellType(35)\nRun(2) == Sample")


WRONG = {
    "no object": ([], "an object"),
    "no factors": ({"relations": []}, "list 'factors'"),
    "factors no list": ({"factors": {}, "relations": []}, "list 'factors'"),
    "a factor is a text": ({"factors": ["Mouse"], "relations": []}, "factors[0]"),
    "no name": ({"factors": [{"n": 2}], "relations": []}, "factors[0].name"),
    "n is a word": ({"factors": [{"name": "a", "n": "many"}], "relations": []}, "factors[0].n"),
    "n is zero": ({"factors": [{"name": "a", "n": 0}], "relations": []}, "above zero"),
    "n is true": ({"factors": [{"name": "a", "n": True}], "relations": []}, "above zero"),
    "n is a fraction": ({"factors": [{"name": "a", "n": 2.5}], "relations": []}, "above zero"),
    "unknown kind": ({"factors": [{"name": "a", "kind": "hue"}], "relations": []}, 'kind is "hue"'),
    "levels no list": ({"factors": [{"name": "a", "levels": "x"}], "relations": []}, "list of texts"),
    "column a number": ({"factors": [{"name": "a", "column": 3}], "relations": []}, "factors[0].column"),
    "unknown entry": ({"factors": [{"name": "a", "knd": "unit"}], "relations": []}, "did you mean 'kind'"),
    "unknown type": ({**MICE, "relations": [{"from": "Genotype", "type": "eats", "to": "Mouse"}]}, "relations[0].type"),
    "other format": ({**MICE, "format": "other"}, "edviz-design"),
    "later version": ({**MICE, "version": 2}, "reads 1"),
}


@pytest.mark.parametrize(("document", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_document_is_refused_by_reader_and_schema(document, words):
    with pytest.raises(DesignError) as error:
        from_dict(document)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({**MICE, "relations": [{"from": "Genotype", "type": "nests", "to": "Rat"}]}, "no factor 'Rat'"),
        ({"factors": [{"name": "a"}, {"name": "a"}], "relations": []}, "defined twice"),
        ({"factors": [{"name": f"f{n}"} for n in range(501)], "relations": []}, "at most 500"),
        ({"factors": [{"name": "a", "n": [2, 3], "approximate": [True]}], "relations": []}, "for each entry"),
    ],
)
def test_what_no_schema_can_say_is_refused_too(document, words):
    with pytest.raises(DesignError, match=words):
        from_dict(document)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "null", "3"])
def test_what_is_no_json_of_a_design_is_one_sentence(text):
    with pytest.raises(DesignError):
        from_json(text)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["factors", "relations", "name", "n"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(anything)
def test_no_document_ends_in_another_error(document):
    try:
        design = from_dict(document)
    except DesignError:
        return
    assert from_dict(to_dict(design)) == design
