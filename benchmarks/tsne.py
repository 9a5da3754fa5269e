"""Compare the project's t-SNE with openTSNE as it is: time of the fit, and neighbours that are kept."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import ROOT, Run, interleaved, print_costs, print_machine, print_rows, ratios, run

LIMIT = 3600.0
TARGETS = {20_000: 0.4, 100_000: 0.59}
"""The most that the time may be, as a share of openTSNE's."""
COSTS = {"wall": "s", "cpu": "s", "kept": ""}
N_TYPES, N_PROGRAMS, N_DIMENSIONS = 24, 3, 10


@dataclass(frozen=True)
class Fit(Run):
    """One fit, timed inside the process, without the start of Python.

    Attributes
    ----------
    kept
        Share of the 30 nearest neighbours of 2,000 cells that are among the 30 nearest in the picture.
    """

    kept: float = 0.0


def main() -> None:
    """Read the arguments, make latents, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fit", nargs=2, metavar=("WHICH", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fit:
        print(json.dumps(fit(*args.fit)))
        return
    print_machine()
    with tempfile.TemporaryDirectory() as folder:
        latents = Path(folder) / "latents.npy"
        command = [sys.executable, str(Path(__file__).resolve())]
        made = run([sys.executable, "-c", MAKE, str(Path(__file__).parent), str(args.cells), str(latents)])
        if made.status:
            sys.exit(made.errors)
        commands = {which: [*command, "--fit", which, str(latents)] for which in ("project", "openTSNE")}
        rounds = interleaved(commands, args.rounds, runner=_fitted)
    print_costs(rounds, COSTS)
    target = TARGETS.get(args.cells)
    print_rows(ratios(rounds, [("project", "openTSNE", "cpu", target), ("openTSNE", "project", "kept", 1.02)]))


MAKE = "import sys; sys.path.insert(0, sys.argv[1]); import tsne; tsne.make_latents(int(sys.argv[2]), sys.argv[3])"


def make_latents(n: int, path: str, *, seed: int = 0) -> None:
    """Write what a latent representation looks like: a tree of types, programs within them, and noise.

    The types are of very different sizes; each varies along a few directions of its own.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    branches = random.normal(0, 2.0, (6, N_DIMENSIONS))
    centres = branches[np.arange(N_TYPES) % 6] + random.normal(0, 0.9, (N_TYPES, N_DIMENSIONS))
    types = random.choice(N_TYPES, n, p=random.dirichlet(np.full(N_TYPES, 1.5)))
    directions = random.normal(0, 0.5, (N_TYPES, N_PROGRAMS, N_DIMENSIONS))
    along = random.uniform(-1, 1, (n, N_PROGRAMS))
    cells = (
        centres[types] + np.einsum("np,npd->nd", along, directions[types]) + random.normal(0, 0.25, (n, N_DIMENSIONS))
    )
    np.save(path, cells.astype(np.float32))


def fit(which: str, file: str) -> dict[str, float]:
    """Embed on one core, and say what it took and what was kept."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.path.insert(0, str(ROOT))
    import resource
    import time

    import numpy as np
    from openTSNE import TSNE
    from sklearn.neighbors import NearestNeighbors

    from mcp_server.embeddings.tsne import TsneSettings, open_tsne

    points = np.load(file)
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    if which == "project":
        found = open_tsne(points, TsneSettings(), lambda share: None)
    else:
        found = np.asarray(TSNE(random_state=0).fit(points))
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    rows = np.random.default_rng(0).choice(len(points), min(2_000, len(points)), replace=False)
    near = [
        NearestNeighbors(n_neighbors=31).fit(each).kneighbors(each[rows], return_distance=False)[:, 1:]
        for each in (points, found)
    ]
    kept = np.mean([np.isin(a, b).mean() for a, b in zip(*near, strict=True)])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, "kept": float(kept)}


def _fitted(command: Sequence[str]) -> Fit:
    done = run(command, limit=LIMIT)
    said = {"wall": 0.0, "cpu": 0.0, "kept": 0.0} if done.status else json.loads(done.output.splitlines()[-1])
    return Fit(
        wall=said["wall"],
        cpu=said["cpu"],
        peak=done.peak,
        status=done.status,
        output=done.output,
        errors=done.errors,
        kept=said["kept"],
    )


if __name__ == "__main__":
    main()
