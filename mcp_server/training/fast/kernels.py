"""The likelihood compiled by numba: each entry is read and written once, where operations of torch pass over the matrix many times."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numba
import numpy as np
import torch

from mcp_server.training.fast.counts import SparseCounts
from mcp_server.training.fast.likelihood import TINY, Evaluation, rising_factorials

Array = np.ndarray[Any, Any]
_ZERO, _ONE, _TWO, _HALF = np.float32(0), np.float32(1), np.float32(2), np.float32(0.5)
_THIRD, _FIFTH, _SEVENTH, _NINTH = (np.float32(1 / n) for n in (3, 5, 7, 9))
_SQRT_2, _LOG_2, _LOG2_E = np.float32(math.sqrt(2)), np.float32(math.log(2)), np.float32(math.log2(math.e))
# log 2 in two parts, of which the first has so few digits that its multiples are exact.
_LOG_2_HIGH = np.float32(0.693359375)
_LOG_2_LOW = np.float32(math.log(2) - 0.693359375)
_EXP_TERMS = tuple(np.float32(1 / math.factorial(n)) for n in range(2, 8))
_LEAST_EXPONENT = np.float32(-87)
_TINY = np.float32(TINY)

_compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True, fastmath={"contract", "arcp", "nsz", "nnan", "ninf", "reassoc"}, error_model="numpy")
_inlined: Callable[..., Any] = numba.njit(cache=True, nogil=True, fastmath={"contract", "arcp", "nsz", "nnan", "ninf"}, error_model="numpy", inline="always")


@_inlined
def _log(value: np.float32, less_one: np.float32) -> np.float32:
    """Return log(value) as 2 atanh(f / (2 + f)) of its mantissa 1 + f (Abramowitz and Stegun 4.1.27).

    `less_one` is value - 1, of which value = 1 + less_one has lost the last digits where it is small.
    """
    bits = np.float32(value).view(np.int32)
    exponent = np.int32((bits >> 23) - 127)
    mantissa = np.int32((bits & 0x7FFFFF) | 0x3F800000).view(np.float32)
    halve = mantissa > _SQRT_2
    mantissa = mantissa * _HALF if halve else mantissa
    exponent = np.int32(exponent + 1) if halve else exponent
    f = less_one if exponent == 0 else mantissa - _ONE
    z = f / (_TWO + f)
    z2 = z * z
    series = _ONE + z2 * (_THIRD + z2 * (_FIFTH + z2 * (_SEVENTH + z2 * _NINTH)))
    return np.float32(exponent) * _LOG_2 + _TWO * z * series


@_inlined
def _exp(v: np.float32) -> np.float32:
    """Return exp(v) for v <= 0: a power of two times Taylor's series on [-log(2)/2, log(2)/2]."""
    v = max(v, _LEAST_EXPONENT)
    n = np.int32(v * _LOG2_E - _HALF)
    r = v - np.float32(n) * _LOG_2_HIGH - np.float32(n) * _LOG_2_LOW
    e2, e3, e4, e5, e6, e7 = _EXP_TERMS
    series = _ONE + r * (_ONE + r * (e2 + r * (e3 + r * (e4 + r * (e5 + r * (e6 + r * e7))))))
    return series * np.int32((n + 127) << 23).view(np.float32)


@_compiled
def _negative_binomial(
    first: int,
    last: int,
    shares: Array,
    totals: Array,
    theta: Array,
    starts: Array,
    genes: Array,
    values: Array,
    rising: Array,
    slopes: Array,
    likelihood: Array,
    of_theta: Array,
) -> None:
    """Evaluate rows first to last; `shares` becomes the gradient of the loss with respect to the logits."""
    n_cells, n_genes = shares.shape
    scale = _ONE / np.float32(n_cells)
    inverse = _ONE / theta
    pull = np.empty_like(theta)
    for cell in range(first, last):
        total = totals[cell]
        row = shares[cell]
        sum_log, sum_pull = np.float32(0), np.float32(0)
        for gene in range(n_genes):
            mu = total * row[gene]
            s = mu * inverse[gene]
            log_q = _log(_ONE + s, s)
            here = mu / (_ONE + s)
            sum_log += theta[gene] * log_q
            sum_pull += here
            pull[gene] = here
            of_theta[gene] += theta[gene] * log_q - here
        terms = np.float64(0)
        for place in range(starts[cell], starts[cell + 1]):
            gene, x = genes[place], values[place]
            mu = total * row[gene]
            whole = theta[gene] + mu
            terms += x * _log((mu + _TINY) / whole, (mu + _TINY) / whole - _ONE) + rising[place]
            change = x * (mu / (mu + _TINY) - mu / whole)
            pull[gene] -= change
            sum_pull -= change
            of_theta[gene] += theta[gene] * (x / whole - slopes[place])
        likelihood[cell] += np.float32(terms - sum_log)
        for gene in range(n_genes):
            row[gene] = (pull[gene] - row[gene] * sum_pull) * scale


@_compiled
def _zero_inflated(
    first: int,
    last: int,
    shares: Array,
    totals: Array,
    theta: Array,
    starts: Array,
    genes: Array,
    values: Array,
    rising: Array,
    slopes: Array,
    likelihood: Array,
    of_theta: Array,
    dropout: Array,
) -> None:
    """Evaluate rows first to last; `shares` and `dropout` become the gradients of the loss with respect to both logits."""
    n_cells, n_genes = shares.shape
    scale = _ONE / np.float32(n_cells)
    inverse = _ONE / theta
    pull, weights, argument = np.empty_like(theta), np.empty_like(theta), np.empty_like(theta)
    for cell in range(first, last):
        total = totals[cell]
        row, logit = shares[cell], dropout[cell]
        sum_log, sum_pull = np.float32(0), np.float32(0)
        # As if all counts were zero.
        for gene in range(n_genes):
            mu = total * row[gene]
            s = mu * inverse[gene]
            spread = theta[gene] * _log(_ONE + s, s)
            here = mu / (_ONE + s)
            pi = logit[gene]
            a = -spread - pi
            e_a, e_pi = _exp(-abs(a)), _exp(-abs(pi))
            weight = (_ONE if a >= 0 else e_a) / (_ONE + e_a)
            sum_log += max(a, _ZERO) + min(pi, _ZERO) + _log((_ONE + e_a) / (_ONE + e_pi), (e_a - e_pi) / (_ONE + e_pi))
            argument[gene] = a
            weights[gene] = weight
            pull[gene] = weight * here
            sum_pull += weight * here
            logit[gene] = (weight - (e_pi if pi >= 0 else _ONE) / (_ONE + e_pi)) * scale
            of_theta[gene] += weight * (spread - here)
        terms = np.float64(0)
        for place in range(starts[cell], starts[cell + 1]):
            gene, x = genes[place], values[place]
            mu = total * row[gene]
            whole = theta[gene] + mu
            s = mu * inverse[gene]
            here = mu / (_ONE + s)
            a = argument[gene]
            missing = _ONE - weights[gene]
            terms += x * _log((mu + _TINY) / whole, (mu + _TINY) / whole - _ONE) + rising[place] + min(a, _ZERO) - _log(_ONE + _exp(-abs(a)), _exp(-abs(a)))
            change = missing * here - x * (mu / (mu + _TINY) - mu / whole)
            pull[gene] += change
            sum_pull += change
            logit[gene] += missing * scale
            of_theta[gene] += missing * (theta[gene] * _log(_ONE + s, s) - here) + theta[gene] * (x / whole - slopes[place])
        likelihood[cell] += np.float32(terms + sum_log)
        for gene in range(n_genes):
            row[gene] = (pull[gene] - row[gene] * sum_pull) * scale


def evaluate_with_numba(
    counts: SparseCounts,
    places: torch.Tensor,
    logits: torch.Tensor,
    log_theta: torch.Tensor,
    dropout: torch.Tensor | None,
    *,
    gradients: bool,
) -> Evaluation:
    """Evaluate on the processor, by as many threads as torch uses; the gradients are made whether asked for or not."""
    n_cells = len(counts)
    theta = log_theta.exp()
    rising, slopes = rising_factorials(counts.values, counts.genes.long(), theta)
    theta += TINY
    shares = logits.softmax(1)
    of_dropout = None if dropout is None else dropout.clone()
    likelihood = -counts.log_factorials
    tensors = (shares, counts.totals, theta, counts.starts, counts.genes, counts.values, rising, slopes, likelihood)
    arrays = [tensor.numpy() for tensor in tensors]
    after = [] if of_dropout is None else [of_dropout.numpy()]
    kernel = _negative_binomial if of_dropout is None else _zero_inflated

    def work(bounds: tuple[int, int]) -> Array:
        of_theta = np.zeros(counts.n_genes, np.float32)
        kernel(*bounds, *arrays, of_theta, *after)
        return of_theta

    of_log_theta = torch.from_numpy(sum(_in_threads(work, n_cells))).div_(n_cells)
    return Evaluation(likelihood, shares, of_log_theta, of_dropout)


def _in_threads(work: Callable[[tuple[int, int]], Array], n_rows: int) -> list[Array]:
    n_threads = min(torch.get_num_threads(), max(n_rows, 1))
    if n_threads == 1:
        return [work((0, n_rows))]
    edges = [n_rows * n // n_threads for n in range(n_threads + 1)]
    return list(_threads(n_threads).map(work, zip(edges[:-1], edges[1:], strict=True)))


@cache
def _threads(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="likelihood")
