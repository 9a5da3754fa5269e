"""The train runner: what is set for the time of a training, and set back after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scvi.train import TrainRunner

from mcp_server.training.fast.compiling import compiles
from mcp_server.training.fast.matmul import faster_products
from mcp_server.training.fast.memory import kept_memory, settled_objects

DENSEST = 0.1
"""Share of counts that are not zero up to which the first layer takes them one by one; else a dense product does."""


class FasterTrainRunner(TrainRunner):  # type: ignore[misc]
    """Train as `scvi.train.TrainRunner` does, with the faster products of matrices."""

    def __call__(self) -> None:
        """Run training."""
        with kept_memory(), settled_objects(), faster_products(self.device.type), self._sparse_first_layer():
            super().__call__()

    @contextmanager
    def _sparse_first_layer(self) -> Iterator[None]:
        if not compiles(self.device.type) or self.data_splitter.density > DENSEST:
            yield
            return
        from mcp_server.training.fast.first_layer import weights_by_gene

        with weights_by_gene(first_layer_of(self.model.module)) as rows:
            self.training_plan.take_rows(rows)
            yield


def first_layer_of(module: Any) -> Any:
    """Return the layer of the encoder that takes the counts."""
    return module.z_encoder.encoder.fc_layers[0][0]


def faster_runner(base: type[TrainRunner]) -> type[FasterTrainRunner]:
    """Return a train runner that does what another does, and that."""
    return type("FasterTrainRunner", (FasterTrainRunner, base), {})
