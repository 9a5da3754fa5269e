"""Compare the fast path with scvi-tools: processor time, memory, held-out loss, embedding, reading from disk.

Each measurement is a cold process with one thread; sides alternate, round after round. Ratios are scvi-tools / ours.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from measure import ROOT, Rounds, Spread, interleaved, print_machine, print_table, run, say

STOCK, FAST, TORCH = "scvi-tools", "fast", "fast, torch only"
SEED_MODEL = {"n_layers": 2, "use_layer_norm": "both", "use_batch_norm": "none"}
"""Of the trainings on all genes."""


@dataclass(frozen=True)
class Training:
    """What is trained, and the least ratios that are wanted: of processor time, and without numba."""

    data: str
    likelihood: str
    batch_size: int
    target: float | None
    target_with_torch: float | None = None


TRAININGS = (
    Training("s10k", "nb", 128, 4, 3),
    Training("s10k", "nb", 512, None),
    Training("s10k", "zinb", 128, 2.5),
    Training("s36k", "nb", 128, 6),
    Training("s36k", "nb", 512, 8),
    Training("s2k", "nb", 128, None),
    Training("file", "nb", 128, None),
)
LIMIT = 3600.0
"""Seconds for 20 epochs of scvi-tools with all cells."""
TABLES = ("epoch", "quality", "embedding", "disk")


def main() -> None:
    """Read the arguments and print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--data", nargs="+", default=["s2k", "s10k", "s36k"], help="s2k, s10k, s36k")
    parser.add_argument("--file", help="an .h5ad file with counts in X, trained as well")
    parser.add_argument("--scale", type=float, default=0.3, help="share of the cells of each set (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        told = json.loads(args.one)
        print(json.dumps(MEASURES[told["measure"]](told)))
        return
    print_machine()
    with tempfile.TemporaryDirectory() as args.folder:
        for table in args.tables:
            PRINTERS[table](args)


def print_epochs(args: argparse.Namespace) -> None:
    """Print processor time and added memory of one epoch."""
    rows = []
    for each in TRAININGS:
        if each.data not in (*args.data, *(["file"] if args.file else [])):
            continue
        sides = [STOCK, FAST, *([TORCH] if each.target_with_torch else [])]
        told = {"data": each.data, "likelihood": each.likelihood, "batch_size": each.batch_size}
        rounds = _rounds(args, "epoch", sides, told)
        for side, target in ((FAST, each.target), (TORCH, each.target_with_torch)):
            if side in rounds:
                rows.append(
                    _ratio_row(f"{each.data} {each.likelihood} {each.batch_size}, {side}", rounds, side, target)
                )
    header = [
        "epoch",
        "scvi-tools (s)",
        "ours (s)",
        "ratio",
        "target",
        "met",
        "memory added, ours / scvi-tools (<= 0.6)",
    ]
    print_table(header, rows)


def print_quality(args: argparse.Namespace) -> None:
    """Print the processor time to the held-out reconstruction that scvi-tools reaches in 20 epochs of its defaults."""
    rows = []
    for data, target in (("s10k", 6.0), ("s36k", 10.0)):
        if data in args.data:
            pairs = [_pair_to_quality(args, data, seed) for seed in range(args.rounds)]
            ratio = Spread.of(stock["cpu"] / fast["cpu"] for stock, fast in pairs)
            losses = [str(Spread.of(each[side]["loss"] for each in pairs)) for side in range(2)]
            epochs = " and ".join("{:g}".format(median(each[side]["epochs"] for each in pairs)) for side in range(2))
            rows.append(
                [data, *losses, epochs, str(ratio), f">= {target:g}", "yes" if ratio.median >= target else "NO"]
            )
    header = ["held-out reconstruction", "scvi-tools", "ours", "epochs", "ratio of processor time", "target", "met"]
    print_table(header, rows)


def _pair_to_quality(args: argparse.Namespace, data: str, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    told = {"data": data, "likelihood": "nb", "batch_size": 128, "seed": seed}
    stock = _one(args, "quality", told | {"side": STOCK})
    return stock, _one(args, "quality", told | {"side": FAST, "until": stock["loss"]})


def print_embedding(args: argparse.Namespace) -> None:
    """Print the processor time of latent representations, and how far they differ."""
    rows = []
    for data, target in (("s10k", 2.0), ("s36k", 5.0)):
        if data in args.data:
            told = {"data": data, "likelihood": "nb", "batch_size": 128}
            found = [_one(args, "embedding", told) for _ in range(args.rounds)]
            ratio = Spread.of(each["stock"] / each["fast"] for each in found)
            met = "yes" if ratio.median >= target else "NO"
            rows.append([data, str(ratio), f">= {target:g}", met, f"{max(each['difference'] for each in found):.1e}"])
    print_table(["embedding", "ratio of processor time", "target", "met", "largest difference"], rows)


def print_disk(args: argparse.Namespace) -> None:
    """Print cells a second from disk, and the held-out loss on a file that is sorted by batch."""
    # All 20,000 cells: five pools.
    told = {"data": "s10k", "likelihood": "nb", "batch_size": 128, "is_sorted": True, "scale": 1.0}
    found = [_one(args, "disk", told | {"seed": seed}) for seed in range(args.rounds)]
    ratio = Spread.of(each["ours"] / each["stock"] for each in found)
    met = "yes" if ratio.median >= 6 else "NO"
    print_table(
        ["reading from disk", "cells a second", "ratio", "target", "met"],
        [["s10k, sorted", f"{median(each['ours'] for each in found):,.0f}", str(ratio), ">= 6", met]],
    )
    loss = Spread.of(each["loss from disk"] / each["loss shuffled"] for each in found)
    met = "yes" if abs(loss.median - 1) <= 0.01 else "NO"
    print_table(
        ["held-out loss", "from disk / shuffled in memory", "target", "met"],
        [["s10k, sorted, 6 epochs", str(loss), "0.99-1.01", met]],
    )


PRINTERS: dict[str, Callable[[argparse.Namespace], None]] = {
    "epoch": print_epochs,
    "quality": print_quality,
    "embedding": print_embedding,
    "disk": print_disk,
}


def _rounds(args: argparse.Namespace, measure: str, sides: list[str], told: dict[str, Any]) -> Rounds:
    commands = {side: _command(args, measure, told | {"side": side}) for side in sides}
    return interleaved(commands, args.rounds, runner=partial(run, limit=LIMIT))


def _one(args: argparse.Namespace, measure: str, told: dict[str, Any]) -> dict[str, float]:
    done = run(_command(args, measure, told), limit=LIMIT)
    say(f"{measure} of {told['data']}")
    if done.status:
        raise SystemExit(f"{measure} of {told} failed: {done.errors.strip()[-500:]}")
    return _said(done.output)


def _command(args: argparse.Namespace, measure: str, told: dict[str, Any]) -> list[str]:
    given = {"measure": measure, "scale": args.scale, "file": args.file, "folder": args.folder}
    said = json.dumps(given | told)
    return [sys.executable, __file__, "--one", said]


def _said(output: str) -> dict[str, float]:
    words: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return words


def _ratio_row(what: str, rounds: Rounds, side: str, target: float | None) -> list[str]:
    stock, ours = ([_said(run.output) for run in rounds[name]] for name in (STOCK, side))
    pairs = list(zip(stock, ours, strict=True))
    ratio = Spread.of(a["cpu"] / b["cpu"] for a, b in pairs)
    memory = Spread.of(b["memory"] / max(a["memory"], 1) for a, b in pairs)
    wanted = ["", ""] if target is None else [f">= {target:g}", "yes" if ratio.median >= target else "NO"]
    times = [str(Spread.of(each["cpu"] for each in side)) for side in (stock, ours)]
    return [what, *times, str(ratio), *wanted, str(memory)]


def measure_epoch(told: dict[str, Any]) -> dict[str, float]:
    """Train three epochs, and return what one of the last two took; memory is what the whole training added."""
    model, used = _model(told), _memory("VmRSS")
    _reset_peak()
    _take_side(model, told["side"])
    _train(model, told, 1)
    cpu = _timed(lambda: _train(model, told, 2)) / 2
    return {"cpu": cpu, "memory": _memory("VmHWM") - used}


def measure_quality(told: dict[str, Any]) -> dict[str, float]:
    """Train to a held-out reconstruction with the rate of the presets, or 20 epochs with the defaults of scvi-tools."""
    from lightning.pytorch.callbacks import Callback

    class Until(Callback):
        def on_validation_end(self, trainer: Any, plan: Any) -> None:
            found = float(trainer.callback_metrics["reconstruction_loss_validation"])
            trainer.should_stop = found <= told.get("until", float("-inf"))

    model = _model(told)
    _take_side(model, told["side"])
    preset = {} if told["side"] == STOCK else {"plan_kwargs": {"lr": 0.004, "n_epochs_kl_warmup": 20}}
    cpu = _timed(lambda: _train(model, told, 20, callbacks=[Until()], check_val_every_n_epoch=1, **preset))
    losses = model.history["reconstruction_loss_validation"]
    return {"cpu": cpu, "loss": float(losses.iloc[-1, 0]), "epochs": len(losses)}


def measure_embedding(told: dict[str, Any]) -> dict[str, float]:
    """Embed cells both ways, for the second time."""
    import numpy as np

    from mcp_server.training.fast.embedding import latent_representation

    model = _model(told)
    model.is_trained_ = True
    model.module.eval()
    found: dict[str, Any] = {}

    def stock() -> None:
        found["stock"] = model.get_latent_representation()

    def fast() -> None:
        found["fast"] = latent_representation(model)

    # Libraries and compiled functions are loaded by the first call.
    stock()
    fast()
    times = {side.__name__: _timed(side) for side in (stock, fast)}
    return times | {"difference": float(np.abs(found["stock"] - found["fast"]).max())}


def measure_disk(told: dict[str, Any]) -> dict[str, float]:
    """Read an epoch from a file both ways, and train on it from the file and from memory."""
    import anndata
    import scvi
    import torch
    from scvi.dataloaders import AnnDataLoader
    from scvi.model import SCVI

    from mcp_server.training.fast.from_disk import Pools, cells_on_disk, counts_on_disk, looked_through
    from mcp_server.training.fast.memory import kept_memory
    from mcp_server.training.fast.speed_up import speed_up
    from mcp_server.training.fast.splitter import registered_columns

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.h5ad"
        _cells(told).write_h5ad(path)
        backed = anndata.read_h5ad(path, backed="r")
        SCVI.setup_anndata(backed, batch_key="batch")
        manager = SCVI(backed).adata_manager
        # As before a training: its values are looked at once.
        on_disk = looked_through(counts_on_disk(path))
        pools = Pools(on_disk, registered_columns(manager), range(len(on_disk)), batch_size=128, seed=0)
        # Compiled functions are loaded by the first minibatch.
        next(iter(pools))
        with kept_memory():
            seconds = [
                _timed(lambda: list(map(len, AnnDataLoader(manager, shuffle=True)))),
                _timed(lambda: sum(1 for _ in pools)),
            ]
        losses = []
        for source in (None, on_disk):
            scvi.settings.seed = told["seed"]
            data = anndata.read_h5ad(path) if source is None else cells_on_disk(source, backed.obs.copy(), backed.var)
            SCVI.setup_anndata(data, batch_key="batch")
            model = SCVI(data, gene_likelihood="nb")
            speed_up(model, on_disk=source)
            _train(model, told, 6, check_val_every_n_epoch=1)
            losses.append(float(model.history["reconstruction_loss_validation"].iloc[-1, 0]))
    rates = {name: len(on_disk) / second for name, second in zip(("stock", "ours"), seconds, strict=True)}
    return rates | {"loss shuffled": losses[0], "loss from disk": losses[1]}


MEASURES: dict[str, Callable[[dict[str, Any]], dict[str, float]]] = {
    "epoch": measure_epoch,
    "quality": measure_quality,
    "embedding": measure_embedding,
    "disk": measure_disk,
}


def _cells(told: dict[str, Any]) -> Any:
    import anndata
    import pandas
    from make_counts import make_cells

    if told["data"] == "file":
        data = anndata.read_h5ad(told["file"])
        return anndata.AnnData(data.X, obs=pandas.DataFrame({"batch": ["one"] * data.n_obs}, index=data.obs_names))
    # Made once: drawing the counts takes longer than learning them.
    made = Path(told["folder"]) / f"{told['data']}{'-sorted' * told.get('is_sorted', False)}.h5ad"
    if not made.exists():
        cells = make_cells(told["data"], scale=told["scale"], is_sorted=told.get("is_sorted", False))
        obs = pandas.DataFrame({"batch": pandas.Categorical([f"batch {number}" for number in cells.batches])})
        anndata.AnnData(cells.counts, obs=obs.set_index(obs.index.astype(str))).write_h5ad(made)
    return anndata.read_h5ad(made)


def _model(told: dict[str, Any]) -> Any:
    import scvi
    import torch

    torch.set_num_threads(1)
    scvi.settings.seed = told.get("seed", 0)
    data = _cells(told)
    scvi.model.SCVI.setup_anndata(data, batch_key="batch")
    return scvi.model.SCVI(data, gene_likelihood=told["likelihood"], **(SEED_MODEL if told["data"] == "s36k" else {}))


def _take_side(model: Any, side: str) -> None:
    if side == STOCK:
        return
    from mcp_server.training.fast import compiling
    from mcp_server.training.fast.speed_up import speed_up

    if side == TORCH:
        compiling.has_numba = lambda: False
    if not speed_up(model).fast:
        raise SystemExit("not covered")


def _train(model: Any, told: dict[str, Any], epochs: int, **more: Any) -> None:
    told_batch_size = told.get("batch_size", 128)
    model.train(epochs, accelerator="cpu", batch_size=told_batch_size, enable_progress_bar=False, **more)


def _timed(work: Callable[[], Any]) -> float:
    import time

    before = time.process_time()
    work()
    return time.process_time() - before


def _reset_peak() -> None:
    # proc(5): 5 sets the peak to what is used now.
    Path("/proc/self/clear_refs").write_text("5")


def _memory(name: str) -> float:
    """Return megabytes from the status of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(_kilobytes(lines, name)) / 1000


def _kilobytes(lines: list[str], name: str) -> Iterator[float]:
    return (float(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
