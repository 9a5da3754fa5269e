"""Training on several devices of one machine: a process for each, and one that waits for them.

The processes train by Lightning's own strategy of distributed data parallel, in the way that Lightning has for
processes that it did not start: what each of them is stands in its environment. So every process trains and does
nothing else, and the one that waits has no part in it, notices when one of them ends, and ends the others.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from edviz.plain import from_plain, to_plain
from mcp_server.training.errors import TrainingError
from mcp_server.training.ranks import Rank

if TYPE_CHECKING:
    from mcp_server.training.record import Started

LIBRARY = Path(__file__).resolve().parents[2]
TOGETHER = "together"
"""Folder beside the checkpoint, for what the processes leave to the one that waits."""
HERE = "127.0.0.1"
LOOPBACK = {"linux": "lo", "darwin": "lo0"}
SECONDS_TO_SEE_WHO_WAS_KILLED = 2.0
POLL_SECONDS = 0.05

Report = Callable[[float, str], None]
Heard = SimpleQueue[tuple[int, dict[str, Any] | None]]


@dataclass(frozen=True)
class Devices:
    """What trains.

    Attributes
    ----------
    kind
        As scvi-tools calls it: cpu, gpu or mps.
    notices
        What there is instead of what was asked for.
    """

    kind: str
    n: int
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learned:
    """How a model was trained.

    Attributes
    ----------
    losses
        One entry an epoch, over all processes.
    cells_per_epoch
        Cells that this process has trained on in the last epoch; 0 if a checkpoint of the end was taken up.
    """

    losses: list[dict[str, float]]
    notices: tuple[str, ...]
    seconds: float
    cells_per_epoch: int


def usable_devices(asked: str, n: int) -> Devices:
    """Return the devices that torch has of those that are asked for, or else the processor."""
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    there = {"cuda": gpus, "mps": int(torch.backends.mps.is_available()), "cpu": n}.get(asked, 0)
    if there == 0:
        return Devices("cpu", 1, (f"torch finds no {asked} device here, so the processor trains",))
    notice = f"torch finds {there} of {n} {asked} devices here; only these train, so a step takes fewer cells"
    return Devices("gpu" if asked == "cuda" else asked, min(there, n), (notice,) if there < n else ())


def learn_together(started: Started, devices: Devices, folder: Path, report: Report) -> Learned:
    """Train a model in a process for each device; the first one saves it in `folder/together/model`.

    Parameters
    ----------
    started
        Its plan is trained; all processes read the file.
    folder
        Where losses and checkpoint are.

    Raises
    ------
    TrainingError
        If one of them fails or is killed; the others are ended.
    """
    request = {"started": to_plain(started), "folder": str(folder.absolute()), "device": devices.kind}
    port = _free_port()
    ranks = [Rank(number, devices.n) for number in range(devices.n)]
    with ExitStack() as running:
        threads = started.plan.settings.threads
        processes = [running.enter_context(_process(rank, port, threads)) for rank in ranks]
        for process in processes:
            _tell(process, request)
        return _of_all(_followed(processes, report))


@contextmanager
def _process(rank: Rank, port: int, threads: int) -> Iterator[subprocess.Popen[str]]:
    """Start a process, and end it afterwards; should this one be killed, its standard input ends, and so does it."""
    command = [sys.executable, "-m", "mcp_server.training.one_device"]
    process = subprocess.Popen(
        command,
        env=_environment(rank, port, threads),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        with suppress(BrokenPipeError):
            if process.stdin is not None:
                process.stdin.close()


def _environment(rank: Rank, port: int, threads: int) -> dict[str, str]:
    """Return what tells Lightning which process it is in."""
    path = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")]))
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "MASTER_ADDR": HERE,
        "MASTER_PORT": str(port),
        "NODE_RANK": "0",
        "LOCAL_RANK": str(rank.number),
        "WORLD_SIZE": str(rank.of),
        "OMP_NUM_THREADS": str(max(threads // rank.of, 1)),
    }
    if sys.platform in LOOPBACK:
        # All processes are on this machine, whatever its name stands for.
        environment.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK[sys.platform])
    return environment


def _tell(process: subprocess.Popen[str], request: dict[str, Any]) -> None:
    # One that has ended already is noticed when it is listened to.
    with suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()


def _followed(processes: list[subprocess.Popen[str]], report: Report) -> list[Learned]:
    """Wait for all processes, and report what the first one does."""
    heard: Heard = SimpleQueue()
    for number, process in enumerate(processes):
        Thread(target=_listen, args=(process, number, heard), daemon=True).start()
    learned: dict[int, Learned] = {}
    while len(learned) < len(processes):
        number, said = heard.get()
        if number in learned:
            continue
        if said is None or "error" in said:
            raise TrainingError(_why(processes, said))
        if "result" in said:
            learned[number] = from_plain(Learned, said["result"])
        elif number == 0:
            report(said["fraction"], said["message"])
    return [learned[number] for number in range(len(processes))]


def _listen(process: subprocess.Popen[str], number: int, heard: Heard) -> None:
    """Pass on what a process says, and None when it has ended."""
    # One that was killed may leave half a line.
    with suppress(ValueError), process.stdout or nullcontext() as lines:
        for line in lines or ():
            heard.put((number, json.loads(line)))
    heard.put((number, None))


def _why(processes: list[subprocess.Popen[str]], said: dict[str, Any] | None) -> str:
    """Say why a training has ended: when a process was killed, the others only say that they miss it."""
    deadline = time.monotonic() + SECONDS_TO_SEE_WHO_WAS_KILLED
    while time.monotonic() < deadline:
        if any(_was_killed(process) for process in processes):
            break
        time.sleep(POLL_SECONDS)
    else:
        if said is not None:
            return str(said["error"])
    return (
        f"one of the {len(processes)} training processes ended without a word (it was killed, or memory ran out); "
        "train_scvi.py --resume goes on where it was"
    )


def _was_killed(process: subprocess.Popen[str]) -> bool:
    ended = process.poll()
    # Some libraries abort when a process that they talk to is gone.
    return ended is not None and ended < 0 and ended != -signal.SIGABRT


def _of_all(learned: list[Learned]) -> Learned:
    first, n_cells = learned[0], [each.cells_per_epoch for each in learned]
    parts = f"; their cells in an epoch: {', '.join(f'{n:,}' for n in n_cells)}" if any(n_cells) else ""
    notice = f"{len(learned)} devices trained together{parts}"
    return Learned(first.losses, (*first.notices, notice), first.seconds, sum(n_cells))


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind((HERE, 0))
        number: int = bound.getsockname()[1]
        return number
