"""Measure what supervision costs: the same script reading in a child process, and in its own with `--trusted`."""

from __future__ import annotations

import argparse
import sys

from measure import interleaved, print_costs, print_machine, print_rows, ratios, run, script

TARGETS = {"wall": 1.1, "cpu": 1.1, "peak": None}


def main() -> None:
    """Read the arguments, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help=".h5ad files, for instance a large and a tiny one")
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    if run(script("infer_design.py", args.files[0], "--json", "--trusted")).status:
        sys.exit("infer_design.py has no --trusted: there is no supervision to measure")
    print_machine()
    commands = {}
    for file in args.files:
        commands[f"supervised {file}"] = script("infer_design.py", file, "--json")
        commands[f"trusted {file}"] = script("infer_design.py", file, "--json", "--trusted")
    rounds = interleaved(commands, args.rounds)
    print_costs(rounds)
    comparisons = [
        (f"supervised {file}", f"trusted {file}", cost, target)
        for file in args.files
        for cost, target in TARGETS.items()
    ]
    print_rows(ratios(rounds, comparisons))


if __name__ == "__main__":
    main()
