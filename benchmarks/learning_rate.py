"""Held-out loss of scVI by minibatch and learning rate, on real files."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT

CHOICES = ((128, 0.001), (128, 0.002), (128, 0.004), (512, 0.004))
SEEDS = (0, 1)
LOSSES = ("elbo_train", "elbo_validation", "reconstruction_loss_validation")
COLUMNS = ("file", "minibatch", "learning rate", "seed", "epochs", "training", "held out", "reconstruction", "seconds")


def main() -> None:
    """Train each file with each choice and seed, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument("--epochs", type=int, default=100)
    args = parser.parse_args()
    for cells in (COLUMNS, ["---"] * len(COLUMNS)):
        print(f"| {' | '.join(cells)} |")
    for file in args.files:
        for batch_size, rate in CHOICES:
            for seed in SEEDS:
                print(f"| {' | '.join(row(file, batch_size, rate, seed, args.epochs))} |", flush=True)


def row(file: str, batch_size: int, rate: float, seed: int, epochs: int) -> list[str]:
    """Train once, and return what the last epoch says, for each cell."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "scvi"
        told = {"--batch-size": batch_size, "--learning-rate": rate, "--seed": seed, "--epochs": epochs, "-o": folder}
        words = [str(word) for pair in told.items() for word in pair]
        command = [sys.executable, str(ROOT / "scripts" / "train_scvi.py"), file, "--no-check", "--json", *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        result = json.loads(done.stdout)
        with (folder / "losses.csv").open(encoding="utf-8") as stream:
            last = list(csv.DictReader(stream))[-1]
    losses = [
        f"{float(last[name]):.1f}" for name in ("elbo_train", "elbo_validation", "reconstruction_loss_validation")
    ]
    start = [Path(file).name.partition("_")[0], str(batch_size), str(rate), str(seed), str(result["epochs"])]
    return [*start, *losses, f"{result['seconds']:.0f}"]


if __name__ == "__main__":
    main()
