"""Finding the design in a table of factors."""

from edviz.infer.inference import infer_design
from edviz.infer.result import Inference, Overrides, Report

__all__ = ["Inference", "Overrides", "Report", "infer_design"]
