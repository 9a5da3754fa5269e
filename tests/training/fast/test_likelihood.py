"""The likelihood against scipy, scvi-tools in double precision and differences of the likelihood itself."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scvi")

import torch
from scipy import sparse, stats
from scipy.special import gammaln
from scvi.distributions import NegativeBinomial, ZeroInflatedNegativeBinomial

from mcp_server.training.fast.counts import SparseCounts
from mcp_server.training.fast.kernels import evaluate_with_numba
from mcp_server.training.fast.likelihood import evaluate_with_torch, reconstruction_loss
from mcp_server.training.fast.memory import kept_memory

EVALUATIONS = pytest.mark.parametrize("evaluate", [evaluate_with_torch, evaluate_with_numba])
N_CELLS, N_GENES = 20, 150


@pytest.fixture
def values() -> np.ndarray:
    random = np.random.default_rng(0)
    values = random.negative_binomial(0.5, 0.1, (N_CELLS, N_GENES)) * (random.random((N_CELLS, N_GENES)) < 0.4)
    # Beyond the table of small counts, and the largest of what is found in cells.
    values[:4, :5] = [1, 12, 13, 500, 20_000]
    values[5] = 0
    values[5, 7] = 1
    return values.astype(np.float32)


@pytest.fixture
def parameters() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(N_CELLS, N_GENES, generator=generator)
    return logits, 3 * torch.randn(N_GENES, generator=generator), 3 * torch.randn(N_CELLS, N_GENES, generator=generator)


def expectation(values: np.ndarray, logits: torch.Tensor) -> torch.Tensor:
    return logits.double().softmax(1) * torch.from_numpy(values).double().sum(1, keepdim=True)


@EVALUATIONS
def test_the_negative_binomial_is_that_of_scipy(evaluate, values, parameters) -> None:
    logits, log_theta, _ = parameters
    mu, theta = expectation(values, logits).numpy(), log_theta.double().exp().numpy()
    expected = stats.nbinom.logpmf(values, theta, theta / (theta + mu)).sum(1)

    found = evaluate(SparseCounts.from_matrix(values), logits, log_theta, None, gradients=False)

    np.testing.assert_allclose(found.log_likelihood, expected, rtol=5e-5)


@EVALUATIONS
def test_zero_inflation_is_a_mixture_with_zero(evaluate, values, parameters) -> None:
    logits, log_theta, dropout = parameters
    mu, theta = expectation(values, logits).numpy(), log_theta.double().exp().numpy()
    share = 1 / (1 + np.exp(-dropout.double().numpy()))
    expected = np.log(share * (values == 0) + (1 - share) * stats.nbinom.pmf(values, theta, theta / (theta + mu)))
    # Where scipy's probability is too small for a number, its logarithm is not.
    far = (values > 0) & ~np.isfinite(expected)
    expected[far] = (np.log1p(-share) + stats.nbinom.logpmf(values, theta, theta / (theta + mu)))[far]

    found = evaluate(SparseCounts.from_matrix(values), logits, log_theta, dropout, gradients=False)

    np.testing.assert_allclose(found.log_likelihood, expected.sum(1), rtol=5e-5)


@EVALUATIONS
@pytest.mark.parametrize("inflated", [False, True], ids=["nb", "zinb"])
def test_gradients_are_those_of_scvi_tools_in_double_precision(evaluate, inflated, values, parameters) -> None:
    exact = [parameter.double().requires_grad_() for parameter in parameters]
    mu = exact[0].softmax(1) * torch.from_numpy(values).double().sum(1, keepdim=True)
    model = NegativeBinomial(mu=mu, theta=exact[1].exp())
    if inflated:
        model = ZeroInflatedNegativeBinomial(mu=mu, theta=exact[1].exp(), zi_logits=exact[2])
    (-model.log_prob(torch.from_numpy(values).double()).sum(1)).mean().backward()
    ours = [parameter.clone().requires_grad_() for parameter in parameters]

    loss, _ = reconstruction_loss(
        SparseCounts.from_matrix(values), ours[0], ours[1], ours[2] if inflated else None, evaluate=evaluate
    )
    loss.backward()

    for found, expected in zip(ours, exact, strict=True):
        if expected.grad is not None:
            np.testing.assert_allclose(
                found.grad, expected.grad, rtol=1e-4, atol=2e-6 * float(expected.grad.abs().max())
            )


@EVALUATIONS
@pytest.mark.parametrize("inflated", [False, True], ids=["nb", "zinb"])
def test_gradients_are_slopes_of_the_likelihood(evaluate, inflated, values, parameters) -> None:
    counts = SparseCounts.from_matrix(values[6:])
    start = [parameter[6:].clone() if parameter.ndim == 2 else parameter.clone() for parameter in parameters]
    directions = [torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) for parameter in start]

    def likelihood(step: float) -> float:
        logits, log_theta, dropout = (a + step * b for a, b in zip(start, directions, strict=True))
        found = evaluate(counts, logits, log_theta, dropout if inflated else None, gradients=False)
        return float(found.log_likelihood.double().mean())

    found = evaluate(counts, *start[:2], start[2] if inflated else None, gradients=True)
    gradients = [found.logits, found.log_theta] + ([found.dropout] if inflated else [])
    slope = -sum(float((a * b).sum()) for a, b in zip(gradients, directions, strict=False))

    assert (likelihood(1e-2) - likelihood(-1e-2)) / 2e-2 == pytest.approx(slope, rel=5e-3)


def test_an_upstream_gradient_multiplies_the_gradients(values, parameters) -> None:
    counts = SparseCounts.from_matrix(sparse.csr_matrix(values))
    gradients = []
    for factor in (1, 3):
        ours = [parameter.clone().requires_grad_() for parameter in parameters]
        loss, _ = reconstruction_loss(counts, *ours)
        (factor * loss).backward()
        gradients.append([parameter.grad for parameter in ours])

    for once, thrice in zip(*gradients, strict=True):
        np.testing.assert_allclose(3 * once, thrice, rtol=1e-5, atol=1e-12)


def test_rows_are_taken_in_the_order_of_the_index(values) -> None:
    index = [7, 0, 7, 5]

    rows = SparseCounts.from_matrix(values).rows(torch.tensor(index))

    np.testing.assert_array_equal(rows.dense(rows.values), values[index])
    np.testing.assert_array_equal(rows.totals, values[index].sum(1))


@EVALUATIONS
@pytest.mark.parametrize(("factor", "rtol"), [(100, 1e-5), (10_000, 2e-3)])
def test_large_counts_leave_as_many_digits_as_scvi_tools_has(evaluate, factor, rtol) -> None:
    random, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    values = (random.poisson(3, (20, 100)) * factor).astype(np.float32)
    logits, log_theta = torch.randn(20, 100, generator=generator), torch.randn(100, generator=generator)
    mu, theta = expectation(values, logits).numpy(), log_theta.double().exp().numpy()
    expected = stats.nbinom.logpmf(values, theta, theta / (theta + mu)).sum(1)

    found = evaluate(SparseCounts.from_matrix(values), logits, log_theta, None, gradients=True)

    np.testing.assert_allclose(found.log_likelihood, expected, rtol=rtol)


@EVALUATIONS
@pytest.mark.parametrize("inflated", [False, True], ids=["nb", "zinb"])
def test_counts_that_are_no_integers_of_32_bits_are_evaluated(evaluate, inflated, values, parameters) -> None:
    logits, log_theta, dropout = parameters
    values[3, 4] = 2.0**33
    counts = SparseCounts.from_matrix(values)
    found = evaluate(counts, logits, log_theta, dropout if inflated else None, gradients=True)
    assert all(bool(each.isfinite().all()) for each in vars(found).values() if each is not None)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.uint16, np.int64, np.float64])
def test_sums_of_rows_are_those_of_scipy_whatever_the_type(kind, values) -> None:
    small = np.minimum(values, 100).astype(np.float64)
    found = SparseCounts.from_matrix(small.astype(kind))
    np.testing.assert_array_equal(found.totals, small.sum(1))
    np.testing.assert_allclose(found.log_factorials, gammaln(small + 1.0).sum(1), rtol=1e-12)


@pytest.mark.parametrize("inflated", [False, True], ids=["nb", "zinb"])
def test_results_are_the_same_to_the_last_bit_wherever_arrays_lie_in_memory(inflated) -> None:
    """A compiler may write a loop twice: the one is taken where it sees that arrays lie apart, the other elsewhere."""
    random, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    n_cells, n_genes = 32, 9_000
    values = random.poisson(2, (n_cells, n_genes)) * (random.random((n_cells, n_genes)) < random.random((n_cells, 1)))
    logits, dropout = (2 * torch.randn(n_cells, n_genes, generator=generator) for _ in range(2))
    log_theta = torch.randn(n_genes, generator=generator)
    counts = SparseCounts.from_matrix(values.astype(np.float32))
    found, others = set(), []
    with kept_memory():
        for _ in range(60):
            others += [np.empty(random.integers(1, 400_000), np.float32), torch.empty(int(random.integers(1, 100_000)))]
            del others[:: 2 if random.random() < 0.5 else 3]
            moved = replace(counts, values=counts.values.clone(), genes=counts.genes.clone())
            here = evaluate_with_numba(moved, logits, log_theta, dropout if inflated else None, gradients=True)
            found.add(tuple(each.numpy().tobytes() for each in vars(here).values() if each is not None))
    assert len(found) == 1
