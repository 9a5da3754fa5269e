"""What the scripts about training share: their arguments, and how a plan is shown."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from _cli import Page, counted

from mcp_server.geo.accession import require_downloaded
from mcp_server.training.settings import ACCELERATORS, TrainingRequest

if TYPE_CHECKING:
    from mcp_server.training.plan import Plan


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked of a training."""
    group = parser.add_argument_group("what to train")
    group.add_argument("--layer", metavar="L", help="X, raw/X or a layer (default: the matrix that holds counts)")
    group.add_argument(
        "--batch-key", metavar="C", default="auto", help="column to integrate out, none, or auto: as the design advises"
    )
    group.add_argument(
        "--covariate", metavar="C", action="append", default=[], help="further column to integrate out (several times)"
    )
    group.add_argument("--n-latent", metavar="N", type=int, default=10, help="latent dimensions (%(default)s)")
    group.add_argument("--epochs", metavar="N", type=_number_or_auto, help="most epochs, or auto: from the cells")
    group.add_argument("--batch-size", metavar="N", type=int, help="cells in a minibatch (128, on a GPU 512)")
    group.add_argument("--learning-rate", metavar="R", type=float, help="of Adam (default: see the plan)")
    group.add_argument("--accelerator", choices=ACCELERATORS, default="auto", help="device (%(default)s)")
    group.add_argument(
        "--devices", metavar="N", type=int, default=1, help="devices of this machine that train together (%(default)s)"
    )
    group.add_argument("--threads", metavar="N", type=int, help="of the processor (default: as many as are free)")
    group.add_argument("--seed", metavar="N", type=int, default=0, help="of all random numbers (%(default)s)")
    group.add_argument(
        "--check",
        action=argparse.BooleanOptionalAction,
        help="train once more with the other choice of batch key, and say what integration does (default: if that "
        "takes minutes)",
    )
    group.add_argument(
        "--fast",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the fast path where it covers the model: the losses of scvi-tools, sooner (default)",
    )
    group.add_argument(
        "--from-disk",
        action=argparse.BooleanOptionalAction,
        help="read the counts from the file in every epoch (default: where they take over half of the free memory)",
    )
    group.add_argument("--force", action="store_true", help="train despite problems that can be overruled")


def request_of(args: argparse.Namespace) -> TrainingRequest:
    """Return what is asked for."""
    return TrainingRequest(
        layer=args.layer,
        batch_key=args.batch_key,
        covariates=tuple(args.covariate),
        n_latent=args.n_latent,
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        accelerator=args.accelerator,
        seed=args.seed,
        check=args.check,
        force=args.force,
        fast=args.fast,
        devices=args.devices,
        threads=args.threads,
        from_disk=args.from_disk,
    )


def local_file(path: str) -> str:
    """Return the path of a file to train on; files of GEO are to be downloaded first."""
    require_downloaded(path, path)
    return path


def print_plan(plan: Plan, page: Page) -> None:
    """Print a plan for people."""
    verdict = "can be trained on" if plan.can_train else "cannot be trained on"
    page.paragraph(f"{plan.path} {verdict}")
    print()
    page.fields(_fields(plan))
    if plan.problems:
        page.heading("Overruled by force" if plan.forced else "Problems")
        for problem in plan.problems:
            forced = "; --force overrules it" if problem.can_be_forced and not plan.forced else ""
            page.paragraph(f"{problem.text}; {problem.remedy}{forced} ({problem.id})", first="  - ")
    if plan.notices:
        page.heading("Notices")
        for notice in plan.notices:
            page.paragraph(notice, first="  - ")


def _fields(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "counts", _counts(plan)
    yield "cells, genes", f"{plan.n_cells:,} × {plan.n_genes:,}"
    yield "batch key", f"{plan.batch_key or 'none'}: {plan.batch_reason}"
    for name, (gone, of) in plan.lost.items():
        yield "lost", f"{gone} of {of} degrees of freedom of {name}"
    if plan.covariates:
        yield "covariates", ", ".join(plan.covariates)
    for option in plan.covariate_options:
        yield "could be one", f"--covariate {option.column}: {option.reason}"
    if plan.can_train:
        yield from _course(plan)


def _course(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield how a training would go."""
    settings, needed = plan.settings, plan.estimate
    yield (
        "settings",
        (
            f"{settings.n_latent} latent dimensions, minibatches of {settings.batch_size}, "
            f"at most {settings.epochs} epochs, learning rate {settings.learning_rate:g}, "
            f"KL warm-up {settings.kl_warmup_epochs} epochs, seed {settings.seed}"
        ),
    )
    together = f"{settings.devices} devices, " if settings.devices > 1 else ""
    yield "device", f"{settings.accelerator}, {together}{counted(settings.threads, 'thread')}"
    free = "" if needed.free_mb is None else f" of {needed.free_mb:,} MB that are free"
    yield "memory", f"about {needed.memory_mb:,} MB{free}"
    takes = "not known" if needed.seconds is None else f"about {_duration(needed.seconds)} at most"
    yield "time", f"{takes} ({needed.basis})"
    yield (
        "check",
        "a second training says what integration does; twice the time" if plan.check else "no second training",
    )


def _counts(plan: Plan) -> str:
    if plan.counts is None:
        return "none"
    return f"{plan.counts.location}, {plan.counts.n_stored:,} values looked at, the largest {plan.counts.largest:,.0f}"


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 100 else f"{round(seconds / 60)} minutes"


def _number_or_auto(text: str) -> int | None:
    return None if text == "auto" else int(text)
