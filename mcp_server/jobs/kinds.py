"""The kinds of jobs by name, and the functions that do their work."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from edviz.errors import JobError


@dataclass(frozen=True)
class Kind:
    """What a job does; functions are named as "module:function", so that nothing is imported before it runs.

    Attributes
    ----------
    work
        `work(request, report)` returns the result as plain data; it writes below `report.folder` only, but for
        downloads, which belong into the folder that was asked for.
    divides
        Entry of the request, a list, that several workers of a cluster can share; None if one does all.
    join
        `join(folders, folder)` makes the result of the whole in a folder, from the folders of all shares.
    """

    name: str
    work: str
    divides: str | None = None
    join: str | None = None


KINDS = {
    kind.name: kind
    for kind in (
        Kind("infer_designs", "mcp_server.jobs.designs:work", divides="locations", join="mcp_server.jobs.designs:join"),
        Kind("download_geo", "mcp_server.geo.download.job:work"),
        Kind("train_scvi", "mcp_server.training.train:work"),
        Kind("embed", "mcp_server.embeddings.job:work"),
    )
}

CLEANERS = {"download_geo": "mcp_server.geo.download.job:clean"}
"""By kind, `clean(request)` that removes what a cancelled job has left elsewhere than in its folder."""


def kind_named(name: str) -> Kind:
    """Return the kind of job of a name.

    Raises
    ------
    JobError
        If there is no such kind.
    """
    if name not in KINDS:
        near = difflib.get_close_matches(name, KINDS, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise JobError(f"no kind of job {name[:100]!r}; {meant}The kinds are {', '.join(KINDS)}.")
    return KINDS[name]


def function_of(reference: str) -> Callable[..., Any]:
    """Import a function that is named as "module:function"."""
    module, _, name = reference.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
