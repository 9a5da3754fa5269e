"""The process that draws one plot: a request as JSON comes in, what was drawn goes out, and nothing else is said."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from edviz.errors import EdvizError
from edviz.plain import from_plain, to_plain
from mcp_server.embeddings.picture import Plot, limit_memory
from mcp_server.embeddings.requests import PlotRequest


def main() -> None:
    """Draw what standard input asks for."""
    request = from_plain(PlotRequest, json.loads(sys.stdin.read()))
    limit_memory()
    print(json.dumps(answer(request), allow_nan=False))  # noqa: T201 - to the process that asked


def answer(request: PlotRequest) -> dict[str, Any]:
    """Return the plot, or why there is none."""
    try:
        return {"plot": to_plain(draw_plot(request))}
    except EdvizError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "the plot needs more memory than it may have; embed a sample first"}


def draw_plot(request: PlotRequest) -> Plot:
    """Read, arrange and draw.

    Raises
    ------
    EmbeddingError
        If what is asked for is not there.
    H5adError
        If a file cannot be read.
    OutputError
        If the picture cannot be written.
    """
    from mcp_server.embeddings.blocks import blocks_of
    from mcp_server.embeddings.captions import about_boxes, alt_text_of, caption_of
    from mcp_server.embeddings.drawing import draw, ratio_of
    from mcp_server.embeddings.views import read_views

    views = read_views(request)
    ratio = ratio_of(views[0].points) if len(views) == 1 else 1.0
    blocks = [replace(block, ratio=ratio) for block in blocks_of(views, request)]
    alt_text = alt_text_of(views, request)
    target = Path(request.output)
    size = draw(blocks, target, title=views[0].name, description=alt_text, seed=request.seed)
    return Plot(
        path=str(target.absolute()),
        width=size.width,
        height=size.height,
        n_bytes=size.n_bytes,
        alt_text=alt_text,
        caption=caption_of(views, request) + about_boxes(size.boxes),
    )


if __name__ == "__main__":
    main()
