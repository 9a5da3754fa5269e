"""The process of one of several devices: `python -m mcp_server.training.one_device`, started by `devices`.

The request is a line of JSON on standard input, which then stays open as long as the process is to live.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from edviz.plain import from_plain
from mcp_server.training.child import Report, answer, end_with_parent, words_to_parent
from mcp_server.training.devices import TOGETHER, Learned
from mcp_server.training.ranks import Rank
from mcp_server.training.record import Started


def main() -> None:
    """Read the request, train with the others, and say how it went."""
    with words_to_parent() as words:
        request = json.loads(sys.stdin.readline())
        end_with_parent()
        rank = Rank(int(os.environ["LOCAL_RANK"]), int(os.environ["WORLD_SIZE"]))
        answer(words, lambda report: _train(request, rank, report))


def _train(request: dict[str, Any], rank: Rank, report: Report) -> Learned:
    from mcp_server.training.results import MODEL
    from mcp_server.training.train import cells_of, learn, new_model

    started, folder = from_plain(Started, request["started"]), Path(request["folder"])
    model = new_model(cells_of(started), started.plan)
    learned = learn(model, started, request["device"], folder, report, rank)
    if rank.number == 0:
        model.save(str(folder / TOGETHER / MODEL), overwrite=True)
    return learned


if __name__ == "__main__":
    main()
