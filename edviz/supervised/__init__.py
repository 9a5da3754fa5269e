"""Reading .h5ad files in a child process with limits, so that no file can harm the one that asks."""

from __future__ import annotations

from edviz.supervised.limits import Limits
from edviz.supervised.reading import DirectReading, Reading, SupervisedReading, start_reading

__all__ = ["DirectReading", "Limits", "Reading", "SupervisedReading", "start_reading"]
