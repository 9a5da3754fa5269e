"""What can go wrong with embeddings and plots."""

from __future__ import annotations

from edviz.errors import EdvizError


class EmbeddingError(EdvizError, ValueError):
    """Data that cannot be embedded or plotted as asked."""


MOST_SEED = (1 << 32) - 1
"""What numpy, scikit-learn and umap-learn take."""


def require_seed(seed: int) -> None:
    """Refuse what is no seed.

    Raises
    ------
    EmbeddingError
        If it is negative or has more than 32 bits.
    """
    if not 0 <= seed <= MOST_SEED:
        raise EmbeddingError(f"the seed {seed} is not between 0 and {MOST_SEED:,}")


def needs(package: str, extra: str) -> EmbeddingError:
    """Return the error that says which package is missing, and how to get it."""
    return EmbeddingError(f"this needs {package}: pip install 'anndata-design-inspector[{extra}]'")
