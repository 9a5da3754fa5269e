"""The text diagram of a design."""

from edviz.diagram.render import render

__all__ = ["render"]
