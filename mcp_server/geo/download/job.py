"""The job that downloads files into the folder that was asked for.

It is the one kind of job that writes elsewhere than into its own folder: data are what the user wants to keep, often on
another disk than the one of the jobs, and a download that is begun there can be gone on with by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from edviz.plain import to_plain
from mcp_server.geo.download.downloading import check_downloads, download_files, remove_unfinished
from mcp_server.geo.download.errors import TransferError
from mcp_server.geo.download.progress import CHECKING
from mcp_server.geo.download.record import Source
from mcp_server.geo.download.settings import download_settings
from mcp_server.geo.download.sizes import shown_size
from mcp_server.jobs.worker import Report


def request_for(sources: Sequence[Source], folder: Path, *, max_size: int | None = None) -> dict[str, Any]:
    """Return the request of a job that downloads files.

    Parameters
    ----------
    folder
        Where they are to be.
    max_size
        Bytes that were agreed to; if None, the usual cap.

    Raises
    ------
    DownloadError
        If they may not be downloaded.
    """
    folder = folder.absolute()
    check_downloads(sources, folder, download_settings(), max_size=max_size)
    return {"files": to_plain(tuple(sources)), "folder": str(folder), "max_size": max_size}


def work(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Download the files of a request; what has arrived of one stays for the next call, unless the job is cancelled.

    Raises
    ------
    DownloadError
        If they may not be downloaded, or none can be had.
    """
    sources, folder = _sources(request), Path(request["folder"])
    watch = _Progress(sources, report)
    found = download_files(sources, folder, download_settings(), max_size=request["max_size"], watch=watch)
    if found.failed and not found.files:
        raise TransferError(found.failed[0].error)
    plain: dict[str, Any] = to_plain(found)  # type: ignore[assignment]
    return plain


def clean(request: Mapping[str, Any]) -> None:
    """Remove what has arrived of files that are not whole; those that are stay."""
    for source in _sources(request):
        remove_unfinished(source, Path(request["folder"]))


def _sources(request: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(file["url"], file["name"], file["size"]) for file in request["files"])


class _Progress:
    """Tells how many bytes of all files are here, and writes into the log what holds them up."""

    def __init__(self, sources: Sequence[Source], report: Report) -> None:
        self._report = report
        self._numbers = {source.name: number for number, source in enumerate(sources)}
        self._ends = tuple(accumulate((source.size for source in sources), initial=0))
        self._said = ""

    def __call__(self, source: Source, step: str, n_bytes: int) -> None:
        number = self._numbers[source.name]
        if step != self._said:
            self._said = step
            print(f"{source.name}: {step}", flush=True)  # noqa: T201 - into the log of the job
        done = self._ends[number] + (source.size if step == CHECKING else n_bytes)
        place = f"file {number + 1} of {len(self._numbers)}"
        message = f"{step}, {shown_size(n_bytes)} of {shown_size(source.size)}, {place}: {source.name}"
        self._report(done / max(self._ends[-1], 1), message)
