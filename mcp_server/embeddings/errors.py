"""What can go wrong with embeddings and plots."""

from __future__ import annotations

from edviz.errors import EdvizError


class EmbeddingError(EdvizError, ValueError):
    """Data that cannot be embedded or plotted as asked."""


def needs(package: str, extra: str) -> EmbeddingError:
    """Return the error that says which package is missing, and how to get it."""
    return EmbeddingError(f"this needs {package}: pip install 'anndata-design-inspector[{extra}]'")
