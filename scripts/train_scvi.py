# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "filelock>=3.16", "h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13", "submitit>=1.5",
#   "anndata>=0.10", "matplotlib>=3.8", "scib-metrics>=0.5", "scvi-tools>=1.4.2,<1.6",
# ]
# ///
"""Train scVI on the raw counts of an .h5ad file, integrating what its design allows."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

from _cli import Page, arguments, page_of, print_json, run
from _progress import ProgressBar
from _training import add_training, local_file, request_of

from edviz.diagram.width import printable
from edviz.plain import to_plain
from mcp_server.training.resuming import folder_of_run, is_job, request_to_resume, unfinished, way_on

EXAMPLES = """examples:
  train_scvi.py cells.h5ad
  train_scvi.py cells.h5ad --batch-key donor -o cells-scvi
  train_scvi.py cells.h5ad --background
  train_scvi.py --resume cells-scvi

plan_training.py says before what would be done, and how long it takes."""
PERCENT = 100
SECONDS_BETWEEN = 30
UNSAID: list[str] = []
"""Stands in the place of what was not said, which differs from saying what would be so anyway."""
BESIDE_RESUME = ("path", "resume", "output", "background", "json", "ascii")


def main() -> None:
    """Read the arguments, train here or in the background, print what is left."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("path", metavar="FILE", nargs="?", help="the .h5ad file")
    parser.add_argument("-o", "--output", metavar="DIR", help="folder to make (default: <name of the file>-scvi)")
    parser.add_argument("--resume", metavar="RUN", help="go on with a training that was ended: its folder or its job")
    parser.add_argument("--background", action="store_true", help="start a job; jobs.py shows it")
    add_training(parser)
    args = parser.parse_args()
    if (args.path is None) == (args.resume is None):
        parser.error("give either FILE, or --resume RUN, which knows its file and its settings")
    if args.resume is not None and (said := _settings_said(parser, args)):
        parser.error(
            f"--resume goes on with the settings that the training was begun with: leave out {', '.join(said)}"
        )
    if args.background and args.output:
        parser.error("--background goes without --output: a job writes into its own folder")
    request = _request(args)
    if args.background:
        start(request, args)
    else:
        train_here(request, _folder(args), args)


def train_here(request: dict[str, Any], folder: Path, args: argparse.Namespace) -> None:
    """Train in a process of its own, and wait for it."""
    from mcp_server.training.child import run_in_child

    # As Ctrl-C does it: whoever ends this ends the training.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Progress(ascii=page_of(args).ascii)
    try:
        result = run_in_child(request, folder, progress.tell)
    except KeyboardInterrupt:
        progress.clear()
        print(printable(about_interruption(folder), ascii=args.ascii), file=sys.stderr)
        raise
    finally:
        progress.clear()
    if args.json:
        print_json(result)
    else:
        print_result(result, page_of(args))


def about_interruption(folder: Path) -> str:
    """Say what is left of a training that was interrupted."""
    if unfinished(folder).exists():
        return f"interrupted; {way_on(folder)}"
    return "interrupted before the training was begun; nothing is left of it"


def start(request: dict[str, Any], args: argparse.Namespace) -> None:
    """Start a job, and print its handle."""
    from mcp_server.jobs.start import start_job

    status = start_job("train_scvi", request)
    if args.json:
        print_json(status)
    else:
        page_of(args).paragraph(f"job {status.id} is started; jobs.py wait {status.id} waits for it")


class Progress:
    """Progress on standard error: a bar on a terminal, else a line now and then."""

    def __init__(self, *, ascii: bool) -> None:
        self._bar = ProgressBar(PERCENT, ascii=ascii)
        self._told = time.monotonic()

    def tell(self, fraction: float, message: str) -> None:
        """Show how far it is."""
        self._bar.n_done = int(fraction * PERCENT)
        self._bar.draw([message], at_once=True)
        if not sys.stderr.isatty() and time.monotonic() - self._told > SECONDS_BETWEEN:
            self._told = time.monotonic()
            print(f"{fraction:.0%} {message}", file=sys.stderr)

    def clear(self) -> None:
        """Take the bar away."""
        self._bar.clear()


def print_result(result: dict[str, Any], page: Page) -> None:
    """Print what a training has left, for people."""
    page.paragraph(f"{result['folder']} holds model, latents, losses and report")
    held_out = result["held_out_elbo"]
    page.fields(
        [
            ("cells, genes", f"{result['n_cells']:,} × {result['n_genes']:,}"),
            ("batch key", result["batch_key"] or "none"),
            ("epochs", f"{result['epochs']}{', stopped early' if result['stopped_early'] else ''}"),
            ("negative ELBO", f"{result['train_elbo']:,.1f} training, {held_out or 0:,.1f} held out, for each cell"),
            ("KL weight", f"{result['kl_weight']:.2f} at the end"),
            ("speed", f"{result['cells_per_second']:,.0f} cells a second on {_devices(result)}"),
        ]
    )
    said = [*result["notices"], *(result["check"]["words"] if result["check"] else ())]
    for sentence in said:
        page.paragraph(sentence, first="  - ")


def _devices(result: dict[str, Any]) -> str:
    return result["device"] if result["devices"] == 1 else f"{result['devices']} × {result['device']}"


def _settings_said(parser: argparse.ArgumentParser, args: argparse.Namespace) -> list[str]:
    """Name the settings on the command line; argparse puts no default where something stands already."""
    said = vars(parser.parse_args(namespace=argparse.Namespace(**dict.fromkeys(vars(args), UNSAID))))
    return [
        f"--{name.replace('_', '-')}"
        for name, value in said.items()
        if value is not UNSAID and name not in BESIDE_RESUME
    ]


def _request(args: argparse.Namespace) -> dict[str, Any]:
    if args.resume is not None:
        from mcp_server.jobs.settings import runs_folder

        return dict(request_to_resume(args.resume, runs_folder()))
    # A job has a working directory of its own.
    return {"path": str(Path(local_file(args.path)).absolute()), "settings": to_plain(request_of(args))}


def _folder(args: argparse.Namespace) -> Path:
    from mcp_server.jobs.settings import runs_folder

    if args.output:
        return Path(args.output).absolute()
    if args.resume is not None:
        return (
            Path(f"{args.resume}-scvi").absolute() if is_job(args.resume) else folder_of_run(args.resume, runs_folder())
        )
    return Path(f"{Path(args.path).name.removesuffix('.gz').removesuffix('.h5ad')}-scvi").absolute()


if __name__ == "__main__":
    run(main)
