"""t-SNE by cuML, on a CUDA device of this machine."""

from __future__ import annotations

import numpy as np

from mcp_server.embeddings.reading import Coordinates
from mcp_server.embeddings.reporting import Tell
from mcp_server.embeddings.tsne import EXAGGERATION, TsneSettings, require_enough


def gpu_tsne(points: Coordinates, settings: TsneSettings, tell: Tell) -> Coordinates:
    """Embed points in two dimensions on the GPU, with the settings of `tsne.open_tsne`.

    Raises
    ------
    EmbeddingError
        If there are fewer than 4 cells.
    """
    require_enough(len(points))
    from cuml.manifold import TSNE

    perplexity = settings.perplexity_of(len(points))
    method = TSNE(
        n_components=2,
        perplexity=perplexity,
        n_neighbors=max(int(3 * perplexity), 1),
        method="fft",
        init="pca",
        early_exaggeration=EXAGGERATION,
        learning_rate=max(len(points) / EXAGGERATION, 1.0),
        learning_rate_method="none",
        random_state=settings.seed,
        output_type="numpy",
    )
    return np.asarray(method.fit_transform(np.ascontiguousarray(points)), dtype=np.float32)
