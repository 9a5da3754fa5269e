r"""Log-likelihood of sparse counts under negative-binomial models, with gradients in closed form.

With the expected count mu = library * softmax(logits), inverse dispersion theta and q = 1 + mu / theta,

    log NB(x) = - theta log q + x (log mu - log(theta q)) + [log Gamma(x + theta) - log Gamma(theta)] - log x!

where all terms but the first are zero at x = 0. So one logarithm is taken of every entry, and all that is costly of
the entries that are not zero, a few percent to a fifth of them. The bracket is the sum of log(theta + k) over k < x,
read from a table of genes for x <= 12 and by Stirling's series beyond (Abramowitz and Stegun 6.1.40, 6.3.18). With
zero inflation of logit pi and t = - theta log q,

    log ZINB(0) = softplus(t - pi) - softplus(-pi),   log ZINB(x > 0) = -softplus(-pi) - pi + log NB(x).

It is the likelihood of `scvi.distributions`, including the 1e-8 that keeps its logarithms finite, and not an
approximation: the numbers differ by rounding. Gradients with respect to logits, log theta and pi are made in the
forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.autograd.function import once_differentiable

from mcp_server.training.fast.counts import SparseCounts

TABLE = 12
"""Counts up to which the table of genes goes."""
TINY = 1e-8
"""What scvi-tools adds inside its logarithms."""


@dataclass(frozen=True)
class Evaluation:
    """Log-likelihood of a minibatch, and the gradients of its mean over cells.

    Attributes
    ----------
    log_likelihood
        Of each cell, n_cells.
    logits, log_theta, dropout
        Gradients: n_cells x n_genes, n_genes, n_cells x n_genes; None where not asked for or where there is no such
        parameter.
    """

    log_likelihood: torch.Tensor
    logits: torch.Tensor | None = None
    log_theta: torch.Tensor | None = None
    dropout: torch.Tensor | None = None


class Evaluate(Protocol):
    """A function that evaluates the likelihood: that of this module, or a compiled one."""

    def __call__(
        self,
        counts: SparseCounts,
        logits: torch.Tensor,
        log_theta: torch.Tensor,
        dropout: torch.Tensor | None,
        *,
        gradients: bool,
    ) -> Evaluation:
        """Evaluate the likelihood; the dropout is None for a model without zero inflation."""


def reconstruction_loss(
    counts: SparseCounts,
    logits: torch.Tensor,
    log_theta: torch.Tensor,
    dropout: torch.Tensor | None = None,
    *,
    evaluate: Evaluate | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return minus the log-likelihood: its mean, which can be differentiated, and that of each cell, which cannot.

    Parameters
    ----------
    logits
        Of the softmax that gives the share of each gene, n_cells x n_genes; the library is the total of each cell.
    log_theta
        Logarithm of the inverse dispersion of each gene.
    dropout
        Logits of zero inflation, n_cells x n_genes; None for the negative binomial.
    evaluate
        What evaluates it, `evaluate_with_torch` if None.
    """
    mean, cells = _Reconstruction.apply(counts, logits, log_theta, dropout, evaluate or evaluate_with_torch)
    return mean, cells


class _Reconstruction(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any,
        counts: SparseCounts,
        logits: torch.Tensor,
        log_theta: torch.Tensor,
        dropout: torch.Tensor | None,
        evaluate: Evaluate,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        gradients = any(ctx.needs_input_grad)
        found = evaluate(
            counts,
            logits.detach(),
            log_theta.detach(),
            None if dropout is None else dropout.detach(),
            gradients=gradients,
        )
        ctx.gradients = found.logits, found.log_theta, found.dropout
        losses = -found.log_likelihood
        ctx.mark_non_differentiable(losses)
        return losses.mean(), losses

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, of_mean: torch.Tensor, _: torch.Tensor) -> tuple[Any, ...]:
        logits, log_theta, dropout = ctx.gradients
        # The loss is a sum, so of_mean is 1 in training, and a pass over the matrices is saved.
        if of_mean.device.type != "cpu" or float(of_mean) != 1:
            logits, log_theta = logits * of_mean, log_theta * of_mean
            dropout = None if dropout is None else dropout * of_mean
        return None, logits, log_theta, dropout, None


def evaluate_with_torch(
    counts: SparseCounts,
    logits: torch.Tensor,
    log_theta: torch.Tensor,
    dropout: torch.Tensor | None,
    *,
    gradients: bool,
) -> Evaluation:
    """Evaluate with operations of torch only, on any device."""
    n_cells = len(counts)
    genes, places = counts.genes.long(), counts.places
    theta = log_theta.exp()
    rising, slopes = rising_factorials(counts.values, genes, theta)
    theta += TINY
    shares = logits.softmax(1)
    # All that is summed for the gradient of a mean is made smaller by the number of cells at once.
    mu = shares * (counts.totals / n_cells)[:, None]
    q = mu / (theta / n_cells)
    log_q = q.log1p()
    q += 1
    at_mu, at_total = mu.view(-1)[places] * n_cells, q.view(-1)[places] * theta[genes]
    terms = counts.values * ((at_mu + TINY) / at_total).log_() + rising
    in_row = torch.div(places, counts.n_genes, rounding_mode="floor")
    likelihood = -counts.log_factorials
    likelihood.index_add_(0, in_row, terms.double())
    if dropout is None:
        likelihood -= log_q @ theta
        weight = None
    else:
        weight = log_q * -theta - dropout
        likelihood += _zero_inflation(weight, dropout, places)
    if not gradients:
        return Evaluation(likelihood.float())
    of_dropout = None
    of_mu = mu.div_(q)
    of_theta = log_q
    if weight is not None and dropout is not None:
        weight.sigmoid_().view(-1)[places] = 1
        of_mu *= weight
        of_theta *= weight
        of_dropout = (weight - dropout.neg().sigmoid_()).div_(n_cells)
    of_log_theta = of_mu.sum(0) - theta * of_theta.sum(0) / n_cells
    of_log_theta += torch.zeros_like(theta).index_add_(0, genes, slopes - counts.values / at_total) * theta / n_cells
    at = counts.values * (at_mu / (at_mu + TINY) - at_mu / at_total) / n_cells
    of_mu.view(-1)[places] -= at
    of_logits = of_mu.addcmul_(shares, of_mu.sum(1, keepdim=True), value=-1)
    return Evaluation(likelihood.float(), of_logits, -of_log_theta, of_dropout)


def _zero_inflation(weight: torch.Tensor, dropout: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    terms = torch.nn.functional.softplus(weight)
    terms.view(-1)[places] = weight.view(-1)[places]
    return terms.sum(1) - torch.nn.functional.softplus(-dropout).sum(1)


def rising_factorials(
    values: torch.Tensor, genes: torch.Tensor, theta: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log Gamma(x + theta) - log Gamma(theta), and its derivative with respect to theta, of every count.

    Parameters
    ----------
    values
        Whole positive numbers x.
    genes
        The gene of each, which picks its theta.
    theta
        Inverse dispersion of each gene.
    """
    steps = theta + torch.arange(TABLE, device=theta.device)[:, None]
    logs = torch.zeros(TABLE + 1, len(theta), device=theta.device)
    slopes = torch.zeros_like(logs)
    torch.cumsum(steps.log(), 0, out=logs[1:])
    torch.cumsum(steps.reciprocal(), 0, out=slopes[1:])
    entries = values.clamp(max=TABLE).long().mul_(len(theta)).add_(genes)
    rising, slope = logs.view(-1)[entries], slopes.view(-1)[entries]
    large = (values > TABLE).nonzero().squeeze(1)
    if len(large):
        more, slope_of_more = _stirling(theta[genes[large]] + TABLE, values[large] - TABLE)
        rising[large] += more
        slope[large] += slope_of_more
    return rising, slope


def _stirling(start: torch.Tensor, steps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log Gamma(start + steps) - log Gamma(start) and its derivative, for start >= 12; no large terms cancel."""
    end = start + steps
    growth = torch.log1p(steps / start)
    rising = (start - 0.5) * growth + steps * (end.log() - 1) + _series(end) - _series(start)
    return rising, growth + _series_slope(end) - _series_slope(start)


def _series(z: torch.Tensor) -> torch.Tensor:
    return (1 / 12 - 1 / (360 * z * z)) / z


def _series_slope(z: torch.Tensor) -> torch.Tensor:
    return -(0.5 + (1 / 12 - 1 / (120 * z * z)) / z) / z
