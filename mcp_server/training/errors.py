"""What goes wrong with training."""

from __future__ import annotations

from edviz.errors import EdvizError


class TrainingError(EdvizError, ValueError):
    """A training that cannot be begun, gone on with or used."""
