"""Finding the design in a table of factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edviz.lazy import importer

if TYPE_CHECKING:
    from edviz.infer.inference import Inference, infer_design
    from edviz.infer.result import Overrides, Report

__all__ = ["Inference", "Overrides", "Report", "infer_design"]

__getattr__ = importer(
    __name__,
    {
        "Inference": "edviz.infer.inference",
        "Overrides": "edviz.infer.result",
        "Report": "edviz.infer.result",
        "infer_design": "edviz.infer.inference",
    },
)
