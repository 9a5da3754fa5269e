"""edviz: find, say and draw the experimental design of a single-cell data set."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edviz.diagram import render
    from edviz.experimental_design import ExperimentalDesign
    from edviz.grammar import dumps, loads
    from edviz.model import Design, make_design

__version__ = "0.1.0"
__all__ = ["Design", "ExperimentalDesign", "__version__", "dumps", "loads", "make_design", "render"]

_HOMES = {
    "Design": "edviz.model",
    "ExperimentalDesign": "edviz.experimental_design",
    "dumps": "edviz.grammar",
    "loads": "edviz.grammar",
    "make_design": "edviz.model",
    "render": "edviz.diagram",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import edviz` loads nothing else."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
