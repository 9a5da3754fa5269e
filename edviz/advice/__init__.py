"""What a design allows: comparisons, their units and models, pseudobulk samples, batch keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edviz.lazy import importer

if TYPE_CHECKING:
    from edviz.advice.analysis import DesignAnalysis, analyze_design

__all__ = ["DesignAnalysis", "analyze_design"]

__getattr__ = importer(__name__, {"DesignAnalysis": "edviz.advice.analysis", "analyze_design": "edviz.advice.analysis"})
