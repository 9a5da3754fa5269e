"""The job that embeds the cells of a file or a training run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edviz.plain import from_plain, to_plain
from mcp_server.embeddings.embedding import embed
from mcp_server.embeddings.requests import EmbeddingRequest

if TYPE_CHECKING:
    from mcp_server.jobs.worker import Report


def work(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Embed, and write the file into the folder of the job.

    Raises
    ------
    EdvizError
        If that cannot be done; the text says why.
    """
    asked = from_plain(EmbeddingRequest, dict(request))
    done = embed(asked, report.folder, lambda share: report(share, f"{asked.method}: {share:.0%}"))
    plain: Any = to_plain(done)
    result: dict[str, Any] = plain
    return result
