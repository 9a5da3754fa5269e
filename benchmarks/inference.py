"""Compare `infer_design.py FILE --json` with reading the same obs through anndata: time, memory, size of the file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from measure import ROOT, interleaved, print_costs, print_machine, print_rows, ratios, run, say, script

ANNDATA = "import sys, anndata; anndata.read_h5ad(sys.argv[1], backed='r').obs"
FILES = {
    "1m": "",
    "1m_gzip": "--gzip",
    "10m": "--cells 10000000 --x-values-per-cell 4",
    "10m_gzip": "--cells 10000000 --x-values-per-cell 4 --gzip",
    "10m_100": "--cells 10000000 --x-values-per-cell 4 --columns 100",
    "tiny": "--cells 24 --columns 5 --samples 8 --genes 100 --x-values-per-cell 10",
}
"""The files that are measured, and how `make_file.py` makes them."""
REFERENCES = ("1m", "1m_gzip", "tiny")
"""The files that anndata reads too; a larger one would take it minutes and is compared with what it needs for 1m."""
COMPARED = [
    ("project 1m", "anndata 1m", "wall", 0.12),
    ("project 1m", "anndata 1m", "peak", 0.12),
    ("project 1m_gzip", "anndata 1m_gzip", "wall", 0.15),
    ("project 1m_gzip", "anndata 1m_gzip", "peak", 0.12),
    ("project 10m", "anndata 1m", "wall", 0.35),
    ("project 10m_gzip", "anndata 1m", "wall", None),
    ("project 10m_100", "anndata 1m", "wall", None),
    ("project 10m", "project 1m", "peak", 1.1),
    ("project 10m_gzip", "project 1m_gzip", "peak", 1.1),
    ("project 10m_100", "project 1m", "peak", None),
    ("project tiny", "anndata tiny", "cpu", 0.12),
]
"""Pairs of commands, what is compared, and the most that the ratio may be."""


def main() -> None:
    """Read the arguments, measure what is there, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the files that are measured")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=FILES, default=list(FILES), metavar="FILE", help=", ".join(FILES))
    parser.add_argument("--make", action="store_true", help="make the files that are missing")
    args = parser.parse_args()
    if args.make:
        for name in args.only:
            _make(args.folder, name)
    there = [name for name in args.only if _path(args.folder, name).exists()]
    for name in sorted(set(args.only) - set(there)):
        say(f"{name} is left out: there is no {_path(args.folder, name)}; --make makes it")
    print_machine()
    rounds = interleaved(_commands(args.folder, there), args.rounds)
    print_costs(rounds)
    print_rows(ratios(rounds, COMPARED))


def _commands(folder: Path, names: list[str]) -> dict[str, list[str]]:
    commands = {}
    for name in names:
        path = _path(folder, name)
        commands[f"project {name}"] = script("infer_design.py", path, "--json")
        if name in REFERENCES:
            commands[f"anndata {name}"] = [sys.executable, "-c", ANNDATA, str(path)]
    return commands


def _make(folder: Path, name: str) -> None:
    path = _path(folder, name)
    if path.exists():
        return
    say(f"making {path}")
    folder.mkdir(parents=True, exist_ok=True)
    made = run([sys.executable, str(ROOT / "benchmarks" / "make_file.py"), str(path), *FILES[name].split()])
    if made.status:
        sys.exit(made.errors)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.h5ad"


if __name__ == "__main__":
    main()
