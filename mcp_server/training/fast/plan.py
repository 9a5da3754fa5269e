"""The training plan: the training step of scvi-tools' variational autoencoder, with the likelihood of sparse counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from scvi import REGISTRY_KEYS
from scvi.module import VAE
from scvi.nn import FCLayers
from scvi.train import TrainingPlan
from torch.nn.functional import one_hot

from mcp_server.training.fast.compiling import compiles
from mcp_server.training.fast.counts import SparseCounts
from mcp_server.training.fast.likelihood import Evaluate, evaluate_with_torch, reconstruction_loss
from mcp_server.training.fast.runner import first_layer_of

Batch = dict[str, Any]
METRICS = ("elbo", "reconstruction_loss", "kl_local", "kl_global")


@dataclass(frozen=True)
class Losses:
    """Loss of a minibatch and its parts, summed over cells."""

    loss: torch.Tensor
    reconstruction: torch.Tensor
    divergence: torch.Tensor


class SparseTrainingPlan(TrainingPlan):  # type: ignore[misc]
    """Train a variational autoencoder as `scvi.train.TrainingPlan` does, on batches whose counts are `SparseCounts`.

    The loss is the same; what differs is how it is computed, that Adam is fused, and that metrics are logged once an
    epoch.
    """

    def __init__(self, module: VAE, **settings: Any) -> None:
        super().__init__(module, **settings)
        # In a list, because they are the memory of a weight of the module and no parameter beside it.
        self._rows: list[torch.nn.Parameter] = []
        self._sums: dict[str, list[torch.Tensor]] = {"train": [], "validation": []}
        self._n_cells = {"train": 0, "validation": 0}

    @property
    def first_rows(self) -> torch.nn.Parameter | None:
        """Weights of the first layer by gene, if it takes sparse counts as they are."""
        return self._rows[0] if self._rows else None

    def take_rows(self, rows: torch.nn.Parameter) -> None:
        """Let the first layer take sparse counts as they are, with its weights by gene."""
        self._rows = [rows]

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the loss of a minibatch, and log the metrics with the last of an epoch."""
        losses = self._losses(batch, "train")
        if self.trainer.is_last_batch:
            self.log("kl_weight", self.kl_weight, on_step=False, on_epoch=True, batch_size=1)
            self._log_metrics("train")
        return losses.loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a minibatch to the metrics of validation."""
        self._losses(batch, "validation")

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of validation."""
        self._log_metrics("validation")

    def _losses(self, batch: Batch, mode: Literal["train", "validation"]) -> Losses:
        losses = losses_of(self.module, batch, self.kl_weight, self.first_rows)
        n_cells = len(batch[REGISTRY_KEYS.X_KEY])
        sums = torch.stack((losses.loss.detach() * n_cells, losses.reconstruction, losses.divergence))
        self._sums[mode].append(sums)
        self._n_cells[mode] += n_cells
        return losses

    def _log_metrics(self, mode: Literal["train", "validation"]) -> None:
        if not self._sums[mode]:
            return
        loss, reconstruction, divergence = torch.stack(self._sums[mode]).sum(0) / self._n_cells[mode]
        values = (reconstruction + divergence, reconstruction, divergence, torch.zeros_like(loss))
        metrics = {f"{name}_{mode}": value for name, value in zip(METRICS, values, strict=True)}
        self.log(f"{mode}_loss", loss, on_step=False, on_epoch=True, batch_size=1, prog_bar=mode == "train")
        self.log_dict(metrics, on_step=False, on_epoch=True, batch_size=1)
        self._sums[mode], self._n_cells[mode] = [], 0

    def get_optimizer_creator(self) -> Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer]:
        """Return what makes the optimizer: that of scvi-tools, fused; rows of the first layer stand for its weights."""
        kind = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}.get(self.optimizer_name)
        settings = {"lr": self.lr, "eps": self.eps, "weight_decay": self.weight_decay, "fused": True}
        create = super().get_optimizer_creator() if kind is None else partial(kind, **settings)

        def create_with_rows(parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
            weights, rows = first_layer_of(self.module).weight, self.first_rows
            optimizer: torch.optim.Optimizer = create(
                [rows if rows is not None and one is weights else one for one in parameters]
            )
            return optimizer

        return create_with_rows


def losses_of(
    module: VAE, batch: Batch, kl_weight: torch.Tensor | float, first_rows: torch.Tensor | None = None
) -> Losses:
    """Return what `module.loss` returns for the same batch with dense counts, drawing the same random numbers.

    Parameters
    ----------
    first_rows
        Weights of the first layer by gene, if it is to take the counts as they are: `weights_by_gene`.
    """
    counts: SparseCounts = batch[REGISTRY_KEYS.X_KEY]
    covariates = _categories(module, batch)
    mean, variance = _encode(module, batch, covariates, first_rows)
    noise = torch.normal(torch.zeros_like(mean), torch.ones_like(mean))
    latent = module.z_encoder.z_transformation(mean + variance.sqrt() * noise)
    hidden = module.decoder.px_decoder(_with_continuous(latent, batch), *covariates)
    logits = module.decoder.px_scale_decoder[0](hidden)
    dropout = module.decoder.px_dropout_decoder(hidden) if module.gene_likelihood == "zinb" else None
    loss, cells = reconstruction_loss(counts, logits, module.px_r, dropout, evaluate=evaluator(logits.device.type))
    # Kullback-Leibler divergence of two normal distributions, of which the second is standard.
    divergence = 0.5 * (variance + mean.square() - 1 - variance.log()).sum(1)
    return Losses(loss + kl_weight * divergence.mean(), cells.sum(), divergence.detach().sum())


def _encode(
    module: VAE, batch: Batch, covariates: list[torch.Tensor], first_rows: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    counts: SparseCounts = batch[REGISTRY_KEYS.X_KEY]
    values = counts.values.log1p() if module.log_variational else counts.values
    encoder, layers = module.z_encoder, module.z_encoder.encoder
    continuous = batch.get(REGISTRY_KEYS.CONT_COVS_KEY) if module.encode_covariates else None
    if not module.encode_covariates:
        covariates = []
    hidden = _layers_of(layers, counts, values, continuous, covariates, first_rows)
    return encoder.mean_encoder(hidden), encoder.var_activation(encoder.var_encoder(hidden)) + encoder.var_eps


def _layers_of(
    layers: FCLayers,
    counts: SparseCounts,
    values: torch.Tensor,
    continuous: torch.Tensor | None,
    covariates: list[torch.Tensor],
    rows: torch.Tensor | None,
) -> torch.Tensor:
    """Return what `layers` return for the dense matrix; only the first of them knows the counts."""
    one_hots = [
        one_hot(codes.squeeze(-1), n).float() for n, codes in zip(layers.n_cat_list, covariates, strict=False) if n > 1
    ]
    others = one_hots if continuous is None else [continuous, *one_hots]
    hidden = torch.empty(0)
    for number, block in enumerate(layers.fc_layers):
        for layer in filter(None, block):
            if not isinstance(layer, torch.nn.Linear):
                hidden = layer(hidden)
            elif number == 0:
                hidden = _first_of(layer, counts, values, torch.cat(others, dim=-1) if others else None, rows)
            elif layers.inject_into_layer(number) and one_hots:
                hidden = layer(torch.cat((hidden, *one_hots), dim=-1))
            else:
                hidden = layer(hidden)
    return hidden


def _first_of(
    layer: torch.nn.Linear,
    counts: SparseCounts,
    values: torch.Tensor,
    others: torch.Tensor | None,
    rows: torch.Tensor | None,
) -> torch.Tensor:
    if rows is None:
        dense = counts.dense(values)
        hidden: torch.Tensor = layer(dense if others is None else torch.cat((dense, others), dim=-1))
        return hidden
    from mcp_server.training.fast.first_layer import sparse_linear

    return sparse_linear(counts, values, others, rows, layer.bias)


def _with_continuous(inputs: torch.Tensor, batch: Batch) -> torch.Tensor:
    continuous = batch.get(REGISTRY_KEYS.CONT_COVS_KEY)
    return inputs if continuous is None else torch.cat((inputs, continuous), dim=-1)


def _categories(module: VAE, batch: Batch) -> list[torch.Tensor]:
    categories = batch.get(REGISTRY_KEYS.CAT_COVS_KEY)
    others = [] if categories is None else list(torch.split(categories, 1, dim=1))
    return [batch[REGISTRY_KEYS.BATCH_KEY], *others]


def evaluator(device_type: str) -> Evaluate:
    """Return what evaluates the likelihood: on the processor a compiled function where numba is there, else torch."""
    if compiles(device_type):
        from mcp_server.training.fast.kernels import evaluate_with_numba

        return evaluate_with_numba
    return evaluate_with_torch
