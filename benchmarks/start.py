"""Measure how long a client waits for the first list of tools: python benchmarks/start.py --rounds 7."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}
MESSAGES = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


def main() -> None:
    """Start the server again and again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="starts that count, after one that fills caches")
    rounds = parser.parse_args().rounds
    measured = [seconds_to_first_list() for _ in range(rounds + 1)][1:]
    times = [seconds for seconds, _ in measured]
    print(f"start to first tools/list: {median(times):.2f} s ({min(times):.2f} to {max(times):.2f}, {rounds} starts)")
    print(f"answer: {measured[0][1]:,} bytes")


def seconds_to_first_list() -> tuple[float, int]:
    """Start a server, ask as a client does, and return the time and the length of the answer."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "mcp_server"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("the pipes were asked for")
        server.stdin.write("".join(json.dumps(message) + "\n" for message in MESSAGES))
        server.stdin.flush()
        answers = [server.stdout.readline() for _ in range(2)]
        seconds = time.perf_counter() - begun
        server.stdin.close()
    if not answers[1]:
        sys.exit("the server did not answer: run this with a Python that has its dependencies")
    return seconds, len(answers[1].encode())


if __name__ == "__main__":
    main()
