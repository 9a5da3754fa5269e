"""The text diagram of a design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edviz.lazy import importer

if TYPE_CHECKING:
    from edviz.diagram.drawing import render

__all__ = ["render"]

__getattr__ = importer(__name__, {"render": "edviz.diagram.drawing"})
