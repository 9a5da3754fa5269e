"""edviz: find, say and draw the experimental design of a single-cell data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edviz.lazy import importer

if TYPE_CHECKING:
    from edviz.diagram import render
    from edviz.experimental_design import ExperimentalDesign
    from edviz.grammar import dumps, loads
    from edviz.model import Design, make_design

__version__ = "0.1.0"
__all__ = ["Design", "ExperimentalDesign", "__version__", "dumps", "loads", "make_design", "render"]

__getattr__ = importer(
    __name__,
    {
        "Design": "edviz.model",
        "ExperimentalDesign": "edviz.experimental_design",
        "dumps": "edviz.grammar",
        "loads": "edviz.grammar",
        "make_design": "edviz.model",
        "render": "edviz.diagram",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
