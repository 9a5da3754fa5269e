"""Ways out: a design as JSON, as a graph for other programs, as a picture, and as tables.

document.py      JSON, and back
drawing.py       boxes, joints and lines: what every picture shows
dot.py           the picture for Graphviz
mermaid.py       the picture for Mermaid
picture.py       SVG and PNG, drawn by Graphviz
formats.py       any of these by name
graph.py         factors and relations as GraphML and for networkx
factor_table.py  the factors as a table in Markdown and for pandas
sample_sheet.py  the experimental units of a file, a row each
"""

from edviz.export.document import from_dict, from_json, to_dict, to_json
from edviz.export.dot import to_dot
from edviz.export.graph import to_graphml, to_networkx
from edviz.export.mermaid import to_mermaid
from edviz.export.picture import to_png, to_svg

__all__ = [
    "from_dict",
    "from_json",
    "to_dict",
    "to_dot",
    "to_graphml",
    "to_json",
    "to_mermaid",
    "to_networkx",
    "to_png",
    "to_svg",
]
