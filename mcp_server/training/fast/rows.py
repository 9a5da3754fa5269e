"""Taking rows of sparse counts, compiled by numba: each is copied as it lies, where torch copies counts one by one."""

from __future__ import annotations

from mcp_server.training.fast.kernels import Array, compiled


@compiled
def gather_rows(
    index: Array, starts: Array, genes: Array, values: Array, new_starts: Array, new_genes: Array, new_values: Array
) -> None:
    """Copy rows, in the order of an index, to where their new starts say."""
    for row in range(len(index)):
        place, new_place = starts[index[row]], new_starts[row]
        for k in range(new_starts[row + 1] - new_place):
            new_genes[new_place + k] = genes[place + k]
            new_values[new_place + k] = values[place + k]


@compiled
def scatter_rows(starts: Array, genes: Array, values: Array, dense: Array) -> None:
    """Write values into a dense matrix, n_cells x n_genes, which is zero elsewhere."""
    for cell in range(len(dense)):
        row = dense[cell]
        row[:] = 0
        for place in range(starts[cell], starts[cell + 1]):
            row[genes[place]] = values[place]
