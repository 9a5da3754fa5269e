"""Factors and their relations as a graph for other programs: GraphML, and for networkx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from edviz.description import FactorDescription, describe_factors, relation_records
from edviz.diagram.width import printable
from edviz.errors import OutputError
from edviz.grammar import dumps
from edviz.model import Design

if TYPE_CHECKING:
    import networkx

NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
NODE_KEYS = {
    "name": "string",
    "n": "string",
    "approximate": "boolean",
    "total": "long",
    "kind": "string",
    "levels": "string",
    "column": "string",
}
EDGE_KEYS = {"type": "string", "partial": "boolean"}


def to_graphml(design: Design, *, totals: Mapping[str, int] | None = None) -> str:
    """Write factors and relations as GraphML.

    Nodes are ``f1``, ``f2``, …, because an id of XML cannot be every name; `name` is the name. Symmetric
    relations are edges from the first factor to the other, as in JSON.

    Parameters
    ----------
    design
        The design.
    totals
        Levels in all that were counted in data, by factor; without them totals follow from the sizes.
    """
    root = ElementTree.Element("graphml", xmlns=NAMESPACE)
    for domain, keys in (("graph", {"design": "string"}), ("node", NODE_KEYS), ("edge", EDGE_KEYS)):
        for name, kind in keys.items():
            ElementTree.SubElement(
                root, "key", {"id": f"{domain}_{name}", "for": domain, "attr.name": name, "attr.type": kind}
            )
    graph = ElementTree.SubElement(root, "graph", id="design", edgedefault="directed")
    _add_data(graph, "graph", {"design": dumps(design)})
    ids = {name: f"f{number}" for number, name in enumerate(design.names, start=1)}
    for factor in describe_factors(design, totals):
        _add_data(ElementTree.SubElement(graph, "node", id=ids[factor.name]), "node", _attributes(factor))
    for number, relation in enumerate(relation_records(design), start=1):
        ends = {"source": ids[relation["from"]], "target": ids[relation["to"]]}
        edge = ElementTree.SubElement(graph, "edge", {"id": f"e{number}", **ends})
        _add_data(edge, "edge", {"type": relation["type"], "partial": relation["partial"]})
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def to_networkx(design: Design) -> networkx.MultiDiGraph[str]:
    """Return factors and relations as a graph of networkx.

    Parameters
    ----------
    design
        The design.

    Returns
    -------
    A graph with a node for each factor, by name, and an edge for each relation, with its type as the key
    and as the attribute `type`. Two factors may have several relations.

    Raises
    ------
    OutputError
        If networkx is not installed.

    Examples
    --------
    >>> from edviz.grammar import loads
    >>> graph = to_networkx(loads("Donor(4) > Sample(2)"))
    >>> graph.nodes["Sample"]["n"], list(graph.edges(keys=True))
    ('2', [('Donor', 'Sample', 'nests')])
    """
    try:
        import networkx  # optional
    except ImportError:
        raise OutputError("graphs of networkx need networkx, which is not installed: pip install networkx") from None
    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(design=dumps(design))
    for factor in describe_factors(design):
        attributes = _attributes(factor)
        del attributes["name"]
        graph.add_node(factor.name, **attributes)
    for relation in relation_records(design):
        graph.add_edge(
            relation["from"],
            relation["to"],
            key=relation["type"],
            type=relation["type"],
            partial=relation["partial"],
        )
    return graph


def _attributes(factor: FactorDescription) -> dict[str, Any]:
    """Return what graphs say of a factor; what is not known is left out, because GraphML has no null."""
    entries = factor.n if isinstance(factor.n, tuple) else () if factor.n is None else (factor.n,)
    about = factor.approximate if isinstance(factor.approximate, tuple) else [factor.approximate] * len(entries)
    written = "|".join(f"{'~' if each else ''}{n}" for n, each in zip(entries, about, strict=True))
    known: dict[str, Any] = {
        "name": factor.name,
        "n": written or None,
        "approximate": any(about),
        "total": factor.total.high,
        "kind": factor.kind,
        "levels": ", ".join(factor.levels) or None,
        "column": factor.column,
    }
    return {key: value for key, value in known.items() if value is not None}


def _add_data(parent: ElementTree.Element, domain: str, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        data = ElementTree.SubElement(parent, "data", key=f"{domain}_{name}")
        # XML has no way to write most control characters; a design in the language has none but line breaks.
        text = str(value) if name == "design" else printable(str(value))
        data.text = text.lower() if isinstance(value, bool) else text
