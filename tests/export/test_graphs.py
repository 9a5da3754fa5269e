"""Graphs for other programs, read by those programs."""

import json
import shutil
import subprocess
from collections import Counter
from xml.etree import ElementTree

import networkx
import pytest
from hypothesis import given, settings

from edviz.description import relation_records
from edviz.diagram.width import printable
from edviz.export import to_dot, to_graphml, to_mermaid, to_networkx
from edviz.export.drawing import drawing_of
from edviz.grammar import loads
from tests.export.designs import DESIGNS
from tests.grammar.strategies import designs

needs_graphviz = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def _relations(design):
    return Counter((each["from"], each["type"], each["to"]) for each in relation_records(design))


@settings(max_examples=60, deadline=None)
@given(designs())
def test_networkx_has_a_node_for_each_factor_and_an_edge_for_each_relation(design):
    graph = to_networkx(design)
    assert list(graph) == list(design.names)
    assert Counter((a, data["type"], b) for a, b, data in graph.edges(data=True)) == _relations(design)


@settings(max_examples=60, deadline=None)
@given(designs())
def test_graphml_is_read_by_networkx_and_says_the_same(design):
    graph = networkx.parse_graphml(to_graphml(design), force_multigraph=True)
    names = {node: data["name"] for node, data in graph.nodes(data=True)}
    assert list(names.values()) == [printable(name) for name in design.names]
    found = Counter((names[a], data["type"], names[b]) for a, b, data in graph.edges(data=True))
    assert found == Counter({(printable(a), kind, printable(b)): n for (a, kind, b), n in _relations(design).items()})


def test_graphml_holds_numbers_and_kinds():
    graph = networkx.parse_graphml(to_graphml(loads("Genotype(2){kind=treatment} > Mouse[3|~4]")))
    assert graph.nodes["f2"] == {"name": "Mouse", "n": "3|~4", "approximate": True, "total": 7, "kind": "unit"}
    assert graph.graph["design"] == "Genotype(2){kind=treatment} > Mouse[3|~4]"


def test_graphml_without_networkx_is_still_there(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "networkx", None)
    assert ElementTree.fromstring(to_graphml(DESIGNS["nested"])).tag.endswith("graphml")
    with pytest.raises(OSError, match="pip install networkx"):
        to_networkx(DESIGNS["nested"])


def _read_by_graphviz(text):
    done = subprocess.run(["dot", "-Tjson0"], input=text, capture_output=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@needs_graphviz
@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_graphviz_reads_the_drawing_as_it_is_meant(design):
    drawing, read = drawing_of(design), _read_by_graphviz(to_dot(design))
    nodes = {node["_gvid"]: node for node in read["objects"]}
    # Graphviz hands on what it does not know without taking the backslashes out.
    factors = [node["factor"].replace("\\\\", "\\") for node in nodes.values() if "factor" in node]
    assert factors == [box.name for box in drawing.boxes]
    assert [node["sign"] for node in nodes.values() if "sign" in node] == [joint.sign for joint in drawing.joints]
    found = [(nodes[e["tail"]]["name"], e["link"], nodes[e["head"]]["name"]) for e in read.get("edges", [])]
    assert Counter(found) == Counter((line.start, line.link, line.end) for line in drawing.lines)


@needs_graphviz
@settings(max_examples=15, deadline=None)
@given(designs())
def test_graphviz_reads_every_design(design):
    read = _read_by_graphviz(to_dot(design))
    assert sum(node["name"].startswith("f") for node in read["objects"]) == len(design.factors)


@needs_graphviz
def test_empty_names_are_drawn():
    read = _read_by_graphviz(to_dot(loads('""(2) > B(3){levels=[""]}\n" "(2) == B')))
    assert [node["name"] for node in read["objects"]] == ["f1", "f2", "f3"]


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_pydot_reads_the_drawing(design):
    pydot = pytest.importorskip("pydot")
    (graph,) = pydot.graph_from_dot_data(to_dot(design))
    boxes = [node for node in graph.get_nodes() if node.get_name().startswith("f")]
    assert len(boxes) == len(design.factors)
    assert len(graph.get_edges()) == len(drawing_of(design).lines)


DRAWN = {
    "A(2) > B(3)": "A nests B",
    "A(2) × B(3) × C(4)": "A crosses j1, B crosses j1, C crosses j1",
    "(A(2) × B(3)) > C(4)": "A crosses j1, B crosses j1, j1 nests C",
    "(A(2) ◊ B(3)) × C(4) > D(2)": (
        "A partial_crosses j1, B partial_crosses j1, j1 crosses j2, C crosses j2, j2 nests D"
    ),
    # C is nested in A and B only: it may not hang from a joint that D is part of.
    "A(2) × B(3) × D(2)\nA > C(4)\nB > C": "A crosses j1, B crosses j1, D crosses j1, A nests C, B nests C",
    "{A(2) ≈≈ B(3)} > C(4)": "A confounded j1, B confounded j1, j1 nests C",
    "A(2) ≈ B(3)": "A partly_confounded j1, B partly_confounded j1",
    "A(2) : B(3)": "A classifies B",
    "B(3) == A(2)": "B batch_effect A",
}


@pytest.mark.parametrize(("text", "lines"), DRAWN.items())
def test_lines_meet_where_factors_meet(text, lines):
    drawing = drawing_of(loads(text))
    names = {box.id: box.name for box in drawing.boxes}
    found = {
        f"{names.get(each.start, each.start)} {each.link} {names.get(each.end, each.end)}" for each in drawing.lines
    }
    assert found == set(lines.split(", "))


@settings(max_examples=60, deadline=None)
@given(designs())
def test_every_relation_is_in_the_drawing(design):
    """What hangs from a joint is nested in all factors of the joint, and the other way round."""
    drawing = drawing_of(design)
    names = {f"f{number}": name for number, name in enumerate(design.names, start=1)}
    members = {name: {names[name]} for name in names}
    for _ in drawing.joints:
        for joint in drawing.joints:
            ends = [line.start for line in drawing.lines if line.end == joint.id]
            members[joint.id] = set().union(*(members.get(end, set()) for end in ends))
    nested = {
        (outer, names[line.end]) for line in drawing.lines if line.link == "nests" for outer in members[line.start]
    }
    assert nested == {(each.outer, each.inner) for each in design.nestings}


def test_counted_totals_are_shown():
    assert "30 in all" in to_dot(loads("A(2) > B(~16)"), totals={"B": 30})
    assert "~32 in all" in to_dot(loads("A(2) > B(~16)"))


@settings(max_examples=60, deadline=None)
@given(designs())
def test_mermaid_holds_names_as_harmless_text(design):
    """Only what we write ourselves has a meaning; a name holds letters, digits and entities."""
    lines = to_mermaid(design).splitlines()
    assert lines[0] == "flowchart TD"
    boxes = [line.strip() for line in lines if line.strip().startswith("f") and '"' in line]
    assert len(boxes) == len(design.factors)
    for box in boxes:
        label = box[box.index('"') + 1 : box.rindex('"')]
        bare = label.replace("<b>", "").replace("</b>", "").replace("<br/>", "")
        assert not set(bare) & set('"<>&`*[](){}|\\\n\x1b~=+')


def test_mermaid_knows_kinds_and_signs():
    drawn = to_mermaid(DESIGNS["mixed"])
    assert 'j1{"◊"}' in drawn
    assert 'j2(("×"))' in drawn
    assert "j2 --> f4" in drawn
