"""The latent representation of cells, with a sparse first layer."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scvi import REGISTRY_KEYS
from scvi.model import SCVI
from torch.nn.functional import one_hot

from mcp_server.training.fast.compiling import compiles
from mcp_server.training.fast.counts import canonical
from mcp_server.training.fast.from_disk import CountsOnDisk
from mcp_server.training.fast.runner import first_layer_of
from mcp_server.training.fast.speed_up import not_covered
from mcp_server.training.fast.splitter import registered_columns

Part = tuple[slice, sparse.csr_matrix]
CELLS_AT_ONCE = 4096


def latent_representation(
    model: SCVI, adata: Any = None, *, on_disk: CountsOnDisk | None = None
) -> NDArray[np.float32]:
    """Return what `model.get_latent_representation(adata)` returns, the means of the latent representation.

    The first layer multiplies sparse counts with its weights; all after it are small. What the fast path does not
    cover is embedded by scvi-tools.

    Parameters
    ----------
    model
        A trained model.
    adata
        Cells to embed, those of the model if None; as for `get_latent_representation`.
    on_disk
        Where their counts are, if the data holds none.

    Returns
    -------
    NDArray
        n_cells x n_latent.
    """
    if on_disk is not None:
        # What is read from the file is multiplied by the processor.
        model.to_device("cpu")
    if not_covered(model) or model.module.latent_distribution != "normal" or model.device.type != "cpu":
        latent: NDArray[np.float32] = model.get_latent_representation(adata)
        return latent
    adata = model._validate_anndata(adata)
    manager = model.get_anndata_manager(adata, required=True)
    parts = _in_memory(manager.get_from_registry(REGISTRY_KEYS.X_KEY)) if on_disk is None else _on_disk(on_disk)
    continuous, categories = _covariates(model.module, registered_columns(manager))
    model.module.eval()
    with torch.inference_mode():
        rows = first_layer_of(model.module).weight.t().contiguous()
        means = [
            _means(
                model.module,
                matrix,
                rows,
                [each[part] for each in continuous],
                [each[part] for each in categories],
            )
            for part, matrix in parts
        ]
    return np.concatenate(means)


def _in_memory(counts: Any) -> Iterator[Part]:
    matrix = sparse.csr_matrix(counts)
    for first in range(0, matrix.shape[0], CELLS_AT_ONCE):
        part = slice(first, first + CELLS_AT_ONCE)
        yield part, matrix[part]


def _on_disk(counts: CountsOnDisk) -> Iterator[Part]:
    n_blocks = ceil(len(counts) / CELLS_AT_ONCE)
    for cells, matrix in counts.read(np.arange(n_blocks), CELLS_AT_ONCE):
        yield slice(cells[0], cells[-1] + 1), canonical(matrix)


def _covariates(module: Any, columns: dict[str, torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return the continuous and the one-hot columns that the encoder takes beside the counts."""
    if not module.encode_covariates:
        return [], []
    continuous = columns.get(REGISTRY_KEYS.CONT_COVS_KEY)
    others = columns.get(REGISTRY_KEYS.CAT_COVS_KEY)
    codes = [columns[REGISTRY_KEYS.BATCH_KEY], *([] if others is None else torch.split(others, 1, dim=1))]
    numbers = module.z_encoder.encoder.n_cat_list
    categories = [one_hot(each.squeeze(-1), n).float() for n, each in zip(numbers, codes, strict=True) if n > 1]
    return [] if continuous is None else [continuous], categories


def _product(matrix: sparse.csr_matrix, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    if not compiles("cpu"):
        found: NDArray[np.float32] = matrix @ weights
        return found
    from mcp_server.training.fast.first_layer import product

    return product(matrix, weights)


def _means(
    module: Any,
    matrix: sparse.csr_matrix,
    rows: torch.Tensor,
    continuous: list[torch.Tensor],
    categories: list[torch.Tensor],
) -> NDArray[np.float32]:
    encoder, layers = module.z_encoder, module.z_encoder.encoder
    counts = matrix.astype(np.float32)
    if module.log_variational:
        counts.data = np.log1p(counts.data)
    hidden = torch.from_numpy(_product(counts, rows[: matrix.shape[1]].numpy())) + first_layer_of(module).bias
    if continuous or categories:
        hidden += torch.cat((*continuous, *categories), dim=1) @ rows[matrix.shape[1] :]
    for number, block in enumerate(layers.fc_layers):
        for layer in filter(None, block):
            if number == 0 and isinstance(layer, torch.nn.Linear):
                continue
            if isinstance(layer, torch.nn.Linear) and layers.inject_into_layer(number):
                hidden = torch.cat((hidden, *categories), dim=1)
            hidden = layer(hidden)
    means: NDArray[np.float32] = encoder.mean_encoder(hidden).numpy()
    return means
