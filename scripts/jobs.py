# /// script
# requires-python = ">=3.11"
# dependencies = ["h5py>=3.8", "lark>=1.1.5", "numpy>=1.24", "rich>=13", "submitit>=1.5"]
# ///
"""Look at jobs that run in the background, wait for them, read their logs, and cancel them."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from _cli import Page, arguments, counted, page_of, print_json, run
from _progress import ProgressBar

from mcp_server.jobs.cancel import cancel_job
from mcp_server.jobs.folder import find_folder
from mcp_server.jobs.log import log_lines
from mcp_server.jobs.settings import runs_folder
from mcp_server.jobs.status import JobList, JobStatus, list_jobs, newest_job, status_of_job, wait_for_job

EXAMPLES = """examples:
  infer_design.py data/ --background
  jobs.py list
  jobs.py wait
  jobs.py log 20260131-120000-000-1a2b --lines 200
  jobs.py cancel 20260131-120000-000-1a2b

Jobs are kept in $EDVIZ_RUNS. EDVIZ_JOBS_ENGINE=slurm hands new ones to Slurm."""
PERCENT = 100


def main() -> None:
    """Read the arguments, do what is asked, print it."""
    parser = arguments(__doc__, examples=EXAMPLES)
    parser.add_argument("action", choices=["list", "show", "wait", "cancel", "log"], help="what to do")
    parser.add_argument("id", metavar="ID", nargs="?", help="the job (default: the newest; cancel needs one)")
    parser.add_argument("--limit", metavar="N", type=int, default=20, help="list the newest N jobs (%(default)s)")
    parser.add_argument("--lines", metavar="N", type=int, default=100, help="last lines of a log (%(default)s)")
    parser.add_argument("--seconds", metavar="S", type=float, default=math.inf, help="wait no longer than this")
    args = parser.parse_args()
    if args.action == "cancel" and args.id is None:
        parser.error("cancel needs the ID of a job")
    runs = runs_folder()
    if args.action == "list":
        show_list(list_jobs(runs, limit=max(args.limit, 0)), args)
        return
    job = args.id or newest_job(runs)
    if args.action == "log":
        show_log(runs, job, args)
    else:
        show_job(_asked(runs, job, args), args)


def show_list(jobs: JobList, args: argparse.Namespace) -> None:
    """Print the jobs, a line each."""
    if args.json:
        print_json(jobs)
        return
    page = page_of(args)
    page.paragraph(f"{counted(jobs.total, 'job')} in {jobs.folder}")
    if jobs.jobs:
        rows = [[job.id, job.state, _percent(job.fraction), f"{job.kind}\n{job.message}"] for job in jobs.jobs]
        page.table(["id", "state", "done", "kind, message"], rows, numbers=["done"])
    if jobs.unreadable:
        page.paragraph(f"{counted(len(jobs.unreadable), 'folder')} there cannot be read: {', '.join(jobs.unreadable)}")


def show_log(runs: Path, job: str, args: argparse.Namespace) -> None:
    """Print the end of a log."""
    lines = log_lines(find_folder(runs, job), lines=args.lines)
    if args.json:
        print_json({"id": job, "lines": lines})
        return
    page = page_of(args)
    for line in lines:
        page.block(page.text(line))


def show_job(status: JobStatus, args: argparse.Namespace) -> None:
    """Print a job, and exit with 1 if it was waited for and has no result."""
    if args.json:
        print_json(status)
    else:
        print_status(status, page_of(args))
    if args.action == "wait" and status.state != "done":
        sys.exit(1)


def print_status(status: JobStatus, page: Page) -> None:
    """Print how a job is, for people."""
    page.paragraph(f"{status.id} {status.state}")
    rows = [
        ("kind", status.kind),
        ("done", _percent(status.fraction)),
        ("message", status.message),
        ("created", status.created),
        ("started", status.started),
        ("heartbeat", status.heartbeat),
        ("finished", status.finished),
        ("engine", status.engine),
        ("folder", status.folder),
        ("error", status.error),
        *((name, str(value)) for name, value in (status.result or {}).items()),
    ]
    page.fields((name, value) for name, value in rows if value)
    if status.log_tail:
        page.heading("End of the log")
        for line in status.log_tail:
            page.block(f"  {page.text(line)}")


def _asked(runs: Path, job: str, args: argparse.Namespace) -> JobStatus:
    if args.action == "cancel":
        return cancel_job(runs, job)
    if args.action == "show":
        return status_of_job(runs, job)
    bar = ProgressBar(PERCENT, ascii=page_of(args).ascii)

    def draw(status: JobStatus) -> None:
        bar.n_done = int(status.fraction * PERCENT)
        bar.draw([status.message])

    try:
        return wait_for_job(runs, job, seconds=args.seconds, watch=draw)
    finally:
        bar.clear()


def _percent(fraction: float) -> str:
    return f"{fraction:.0%}"


if __name__ == "__main__":
    run(main)
