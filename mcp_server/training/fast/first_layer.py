"""The first layer of the encoder, compiled by numba: only weights of genes that a cell expresses are touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch.autograd.function import once_differentiable

from mcp_server.training.fast.counts import SparseCounts
from mcp_server.training.fast.kernels import Array, compiled, in_threads


def sparse_linear(
    counts: SparseCounts,
    values: torch.Tensor,
    others: torch.Tensor | None,
    rows: torch.Tensor,
    bias: torch.Tensor,
) -> torch.Tensor:
    """Return what a linear layer makes of the counts followed by other columns, as if the counts were dense.

    Parameters
    ----------
    counts
        Whose places are meant.
    values
        What to multiply with the weights, of each count that is not zero.
    others
        Dense columns after those of the genes, n_cells x n_others.
    rows
        Weights of each gene and of each other column, (n_genes + n_others) x n_units.
    bias
        Of each unit.
    """
    result: torch.Tensor = _SparseLinear.apply(counts, values, others, rows, bias)
    return result


def product(matrix: sparse.csr_matrix, weights: Array) -> Array:
    """Return matrix @ weights, n_cells x n_units, of a matrix and weights in float32."""
    result = np.zeros((matrix.shape[0], weights.shape[1]), dtype=np.float32)
    arrays = (matrix.indptr, matrix.indices, matrix.data, weights, result)
    in_threads(lambda first, last: _multiply(first, last, *arrays), len(result))
    return result


@contextmanager
def weights_by_gene(layer: torch.nn.Linear) -> Iterator[torch.nn.Parameter]:
    """Let the weights of a layer lie in memory gene after gene, and give them as rows, a parameter of the same memory.

    What changes the rows changes the layer. Afterwards its weights lie as before.
    """
    rows = torch.nn.Parameter(layer.weight.detach().t().contiguous(), requires_grad=layer.weight.requires_grad)
    layer.weight.data = rows.data.t()
    try:
        yield rows
    finally:
        layer.weight.data = layer.weight.data.contiguous()


class _SparseLinear(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any,
        counts: SparseCounts,
        values: torch.Tensor,
        others: torch.Tensor | None,
        rows: torch.Tensor,
        bias: torch.Tensor,
    ) -> torch.Tensor:
        ctx.counts, ctx.values, ctx.others = counts, values, others
        rows = rows.detach()
        result = bias.detach().expand(len(counts), -1).contiguous()
        if others is not None:
            result.addmm_(others, rows[counts.n_genes :])
        arrays = [tensor.numpy() for tensor in (counts.starts, counts.genes, values, rows, result)]
        in_threads(lambda first, last: _multiply(first, last, *arrays), len(counts))
        return result

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, of_result: torch.Tensor) -> tuple[Any, ...]:
        counts, others = ctx.counts, ctx.others
        of_result = of_result.contiguous()
        n_others = 0 if others is None else others.shape[1]
        rows = torch.zeros(counts.n_genes + n_others, of_result.shape[1])
        arrays = [tensor.numpy() for tensor in (counts.starts, counts.genes, ctx.values, of_result, rows)]
        # Each thread has columns of its own, so that none waits for another.
        in_threads(lambda first, last: _add_products(first, last, *arrays), of_result.shape[1])
        if others is not None:
            torch.mm(others.t(), of_result, out=rows[counts.n_genes :])
        return None, None, None, rows, of_result.sum(0)


@compiled
def _multiply(first: int, last: int, starts: Array, genes: Array, values: Array, weights: Array, result: Array) -> None:
    for cell in range(first, last):
        row = result[cell]
        place, end = starts[cell], starts[cell + 1]
        # Four genes at once: the units of the row are read and written a quarter as often.
        while place + 4 <= end:
            a, b, c, d = values[place], values[place + 1], values[place + 2], values[place + 3]
            of_a, of_b = weights[genes[place]], weights[genes[place + 1]]
            of_c, of_d = weights[genes[place + 2]], weights[genes[place + 3]]
            for unit in range(len(row)):
                row[unit] += a * of_a[unit] + b * of_b[unit] + c * of_c[unit] + d * of_d[unit]
            place += 4
        while place < end:
            value, of_gene = values[place], weights[genes[place]]
            for unit in range(len(row)):
                row[unit] += value * of_gene[unit]
            place += 1


@compiled
def _add_products(
    first: int, last: int, starts: Array, genes: Array, values: Array, of_result: Array, of_weights: Array
) -> None:
    for cell in range(len(of_result)):
        row = of_result[cell, first:last]
        for place in range(starts[cell], starts[cell + 1]):
            value, of_gene = values[place], of_weights[genes[place], first:last]
            for unit in range(len(row)):
                of_gene[unit] += value * row[unit]
