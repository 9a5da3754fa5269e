"""The likelihood compiled by numba: one pass over the matrix, where operations of torch make many."""

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
from mcp_server.training.fast.likelihood import TABLE, TINY, Evaluation

Array = np.ndarray[Any, Any]
_ZERO, _ONE, _TWO, _HALF = np.float32(0), np.float32(1), np.float32(2), np.float32(0.5)
_THIRD, _FIFTH, _SEVENTH, _NINTH = (np.float32(1 / n) for n in (3, 5, 7, 9))
_SQRT_2, _LOG_2, _LOG2_E = np.float32(math.sqrt(2)), np.float32(math.log(2)), np.float32(math.log2(math.e))
# log 2 in two parts, of which the first has so few digits that its multiples are exact.
_LOG_2_HIGH = np.float32(0.693359375)
_LOG_2_LOW = np.float32(math.log(2) - 0.693359375)
_EXP_TERMS = tuple(np.float32(1 / math.factorial(n)) for n in range(2, 8))
_LEAST_EXPONENT = np.float32(-87)
_TWELFTH, _ONE_120TH, _ONE_360TH = (np.float32(1 / n) for n in (12, 120, 360))
_TINY = np.float32(TINY)

compiled: Callable[..., Any] = numba.njit(
    cache=True, nogil=True, fastmath={"contract", "arcp", "nsz", "nnan", "ninf", "reassoc"}, error_model="numpy"
)
_inlined: Callable[..., Any] = numba.njit(
    cache=True, nogil=True, fastmath={"contract", "arcp", "nsz", "nnan", "ninf"}, error_model="numpy", inline="always"
)


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


@compiled
def _rising_factorials(theta: Array, logs: Array, slopes: Array) -> None:
    """Fill rows x = 0 to 12 with log Gamma(x + theta) - log Gamma(theta) and with its derivative in theta."""
    logs[0] = _ZERO
    slopes[0] = _ZERO
    for x in range(len(logs) - 1):
        for gene in range(len(theta)):
            step = theta[gene] + np.float32(x)
            logs[x + 1, gene] = logs[x, gene] + _log(step, step - _ONE)
            slopes[x + 1, gene] = slopes[x, gene] + _ONE / step


@_inlined
def _stirling(start: np.float32, steps: np.float32) -> tuple[np.float32, np.float32]:
    """Return log Gamma(start + steps) - log Gamma(start) and its derivative, for start >= 12."""
    end = start + steps
    growth = _log(_ONE + steps / start, steps / start)
    a, b = _ONE / start, _ONE / end
    rising = (start - _HALF) * growth + steps * (_log(end, end - _ONE) - _ONE)
    rising += b * (_TWELFTH - _ONE_360TH * b * b) - a * (_TWELFTH - _ONE_360TH * a * a)
    slope = a * (_HALF + a * (_TWELFTH - _ONE_120TH * a * a)) - b * (_HALF + b * (_TWELFTH - _ONE_120TH * b * b))
    return rising, growth + slope


@compiled
def _gather(
    genes: Array,
    values: Array,
    row: Array,
    total: np.float32,
    theta: Array,
    logs: Array,
    slopes: Array,
    terms: Array,
    changes: Array,
    of_theta_here: Array,
) -> np.float64:
    """Evaluate at the counts of one cell that are not zero; return the sum of the terms of its likelihood.

    Genes and values are those of the cell, so that the compiler knows what a loop reads: guessing, it takes one or
    another way through the loop by where in memory arrays happen to lie, and results differ from run to run.
    """
    most, n = len(logs) - 1, len(genes)
    for k in range(n):
        gene, x = genes[k], values[k]
        mu = total * row[gene]
        changes[k] = mu
        of_theta_here[k] = theta[gene]
        # Not the other way round: a large count is no integer of 32 bits.
        entry = np.int32(min(x, np.float32(most)))
        terms[k] = logs[entry, gene]
        if x > most:
            terms[k] += _stirling(theta[gene] + np.float32(most), x - np.float32(most))[0]
    summed = np.float64(0)
    for k in range(n):
        x, mu = values[k], changes[k]
        whole = of_theta_here[k] + mu
        ratio = (mu + _TINY) / whole
        summed += x * _log(ratio, ratio - _ONE) + terms[k]
        changes[k] = x * (mu / (mu + _TINY) - mu / whole)
        terms[k] = x / whole
    for k in range(n):
        gene, x = genes[k], values[k]
        slope = slopes[np.int32(min(x, np.float32(most))), gene]
        if x > most:
            slope += _stirling(theta[gene] + np.float32(most), x - np.float32(most))[1]
        of_theta_here[k] *= terms[k] - slope
    return summed


@_inlined
def _exponentials(logits: Array, largest: np.float32, row: Array) -> np.float32:
    """Fill a row with exp(logit - largest logit), and return the sum: of a softmax all but the division."""
    summed = _ZERO
    for gene in range(len(logits)):
        value = _exp(logits[gene] - largest)
        row[gene] = value
        summed += value
    return summed


@compiled
def _negative_binomial(
    first: int,
    last: int,
    logits: Array,
    largest: Array,
    of_logits: Array,
    totals: Array,
    theta: Array,
    logs: Array,
    slopes: Array,
    starts: Array,
    genes: Array,
    values: Array,
    likelihood: Array,
    of_theta: Array,
) -> None:
    """Evaluate rows first to last; `of_logits` becomes the gradient of the loss with respect to the logits."""
    n_cells, n_genes = logits.shape
    scale = _ONE / np.float32(n_cells)
    inverse = _ONE / theta
    pull, terms, changes, of_theta_here = (
        np.empty_like(theta),
        np.empty_like(theta),
        np.empty_like(theta),
        np.empty_like(theta),
    )
    for cell in range(first, last):
        row = of_logits[cell]
        share = _ONE / _exponentials(logits[cell], largest[cell], row)
        total = totals[cell] * share
        sum_log, sum_pull = np.float32(0), np.float32(0)
        for gene in range(n_genes):
            mu = total * row[gene]
            s = mu * inverse[gene]
            spread = theta[gene] * _log(_ONE + s, s)
            here = mu / (_ONE + s)
            sum_log += spread
            sum_pull += here
            pull[gene] = here
            of_theta[gene] += spread - here
        start, end = starts[cell], starts[cell + 1]
        columns, counts = genes[start:end], values[start:end]
        summed = _gather(columns, counts, row, total, theta, logs, slopes, terms, changes, of_theta_here)
        likelihood[cell] += summed - sum_log
        for k in range(end - start):
            gene = columns[k]
            pull[gene] -= changes[k]
            sum_pull -= changes[k]
            of_theta[gene] += of_theta_here[k]
        sum_pull *= share
        for gene in range(n_genes):
            row[gene] = (pull[gene] - row[gene] * sum_pull) * scale


@compiled
def _zero_inflated(
    first: int,
    last: int,
    logits: Array,
    largest: Array,
    of_logits: Array,
    totals: Array,
    theta: Array,
    logs: Array,
    slopes: Array,
    starts: Array,
    genes: Array,
    values: Array,
    likelihood: Array,
    of_theta: Array,
    dropout: Array,
) -> None:
    """Evaluate rows first to last; `of_logits` and `dropout` become the gradients of the loss in both logits."""
    n_cells, n_genes = logits.shape
    scale = _ONE / np.float32(n_cells)
    inverse = _ONE / theta
    pull, terms, changes, of_theta_here = (
        np.empty_like(theta),
        np.empty_like(theta),
        np.empty_like(theta),
        np.empty_like(theta),
    )
    weights, arguments = np.empty_like(theta), np.empty_like(theta)
    for cell in range(first, last):
        row, logit = of_logits[cell], dropout[cell]
        share = _ONE / _exponentials(logits[cell], largest[cell], row)
        total = totals[cell] * share
        sum_log, sum_pull = np.float32(0), np.float32(0)
        # As if all counts were zero; corrected below where they are not.
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
            arguments[gene] = a
            weights[gene] = weight
            pull[gene] = weight * here
            sum_pull += weight * here
            logit[gene] = (weight - (e_pi if pi >= 0 else _ONE) / (_ONE + e_pi)) * scale
            of_theta[gene] += weight * (spread - here)
        start, end = starts[cell], starts[cell + 1]
        columns, counts = genes[start:end], values[start:end]
        summed = _gather(columns, counts, row, total, theta, logs, slopes, terms, changes, of_theta_here)
        for k in range(end - start):
            gene = columns[k]
            mu = total * row[gene]
            s = mu * inverse[gene]
            here = mu / (_ONE + s)
            a = arguments[gene]
            missing = _ONE - weights[gene]
            e_a = _exp(-abs(a))
            summed += min(a, _ZERO) - _log(_ONE + e_a, e_a)
            change = missing * here - changes[k]
            pull[gene] += change
            sum_pull += change
            logit[gene] += missing * scale
            of_theta[gene] += missing * (theta[gene] * _log(_ONE + s, s) - here) + of_theta_here[k]
        likelihood[cell] += summed + sum_log
        sum_pull *= share
        for gene in range(n_genes):
            row[gene] = (pull[gene] - row[gene] * sum_pull) * scale


def evaluate_with_numba(
    counts: SparseCounts,
    logits: torch.Tensor,
    log_theta: torch.Tensor,
    dropout: torch.Tensor | None,
    *,
    gradients: bool,
) -> Evaluation:
    """Evaluate on the processor, by as many threads as torch uses; the gradients are made whether asked for or not."""
    n_cells = len(counts)
    theta = log_theta.exp()
    logs, slopes = (torch.empty(TABLE + 1, counts.n_genes) for _ in range(2))
    _rising_factorials(theta.numpy(), logs.numpy(), slopes.numpy())
    theta += TINY
    of_logits = torch.empty_like(logits)
    of_dropout = None if dropout is None else dropout.clone()
    likelihood = -counts.log_factorials
    tensors = (
        logits,
        logits.amax(1),
        of_logits,
        counts.totals,
        theta,
        logs,
        slopes,
        counts.starts,
        counts.genes,
        counts.values,
        likelihood,
    )
    arrays = [tensor.numpy() for tensor in tensors]
    after = [] if of_dropout is None else [of_dropout.numpy()]
    kernel = _negative_binomial if of_dropout is None else _zero_inflated

    def work(first: int, last: int) -> Array:
        of_theta = np.zeros(counts.n_genes, np.float32)
        kernel(first, last, *arrays, of_theta, *after)
        return of_theta

    of_log_theta = torch.from_numpy(sum(in_threads(work, n_cells))).div_(n_cells)
    return Evaluation(likelihood.float(), of_logits, of_log_theta, of_dropout)


def in_threads(work: Callable[[int, int], Any], n: int) -> list[Any]:
    """Call `work(first, last)` on parts of 0 to n, one for each thread that torch uses, and return what it returns."""
    n_threads = min(torch.get_num_threads(), max(n, 1))
    if n_threads == 1:
        return [work(0, n)]
    edges = [n * part // n_threads for part in range(n_threads + 1)]
    return list(_threads(n_threads).map(work, edges[:-1], edges[1:]))


@cache
def _threads(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="compiled")
