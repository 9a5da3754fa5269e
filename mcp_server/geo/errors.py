"""What can go wrong with GEO."""

from __future__ import annotations

from edviz.errors import EdvizError


class GeoError(EdvizError, RuntimeError):
    """Something that GEO does not give, or not in a form that can be read; the text is one complete sentence."""
