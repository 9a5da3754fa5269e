"""Finding the design in a table of factors."""

from edviz.infer.inference import Inference, infer_design
from edviz.infer.result import Overrides, Report

__all__ = ["Inference", "Overrides", "Report", "infer_design"]
