"""Files as resources: design cards, plots, and what jobs have written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError

from edviz.card.writing import SUFFIX
from edviz.errors import EdvizError
from edviz.h5ad.strings import harmless
from edviz.plain import to_plain
from mcp_server.jobs.files import find_file
from mcp_server.jobs.settings import runs_folder
from mcp_server.replies.texts import safe_error
from mcp_server.settings import Settings, place_to_write

MOST_BYTES = 1_000_000
"""What clients take at once; the rest of the file can be read where it is."""

T = TypeVar("T")


def offer_resources(server: MCPServer[None], settings: Settings) -> None:
    """Offer cards and the files of jobs as templates: what there is changes while the server runs."""

    @server.resource(
        "card://{name}",
        name="design_card",
        title="Design card",
        description="The card that write_design_card wrote of the file <name>.h5ad.",
        mime_type="text/markdown",
    )
    def card(name: str) -> str:
        return _or_refused(lambda: _card(name, settings))

    @server.resource(
        "plot://{name}",
        name="plot",
        title="Plot of cells",
        description="The picture <name>.png that plot_embedding saved.",
        mime_type="image/png",
    )
    def plot(name: str) -> bytes:
        return _or_refused(lambda: _plot(name, settings))

    # The type of a resource belongs to its template, and the first that fits is asked.
    @server.resource(
        "run://{job}/{+name}.png",
        name="job_picture",
        title="Picture of a job",
        description="A picture among the `files` of job_status.",
        mime_type="image/png",
    )
    def picture(job: str, name: str) -> bytes:
        return _or_refused(lambda: _content(job, f"{name}.png"))

    @server.resource(
        "run://{job}/{+name}",
        name="job_file",
        title="Text of a job",
        description="A text file among the `files` of job_status.",
        mime_type="text/plain",
    )
    def text(job: str, name: str) -> str:
        return _or_refused(lambda: _text(job, name))

    @server.resource(
        "trend://{query}",
        name="geo_trend",
        title="Series of GEO by year",
        description="Of the series that a query finds, such as 'single cell', those with .h5ad files, year by year.",
        mime_type="application/json",
    )
    def trend(query: str) -> str:
        return _or_refused(lambda: _trend(query, settings))


def _trend(query: str, settings: Settings) -> str:
    if not settings.addresses:
        _refuse("the server reads nothing from other servers, and a trend is what NCBI counts")
    # What it needs takes time to import, and few ask for it.
    from mcp_server.geo.trend import count_by_year

    return json.dumps(to_plain(count_by_year(query)), ensure_ascii=False, allow_nan=False)


def _card(name: str, settings: Settings) -> str:
    place = place_to_write(name + SUFFIX, settings)
    if not place.is_file():
        _refuse(f"no card {harmless(str(place))}; write_design_card writes one")
    return place.read_text(encoding="utf-8")


def _plot(name: str, settings: Settings) -> bytes:
    place = place_to_write(name + ".png", settings)
    if not place.is_file():
        _refuse(f"no picture {place}; plot_embedding makes one")
    return place.read_bytes()


def _text(job: str, name: str) -> str:
    try:
        return _content(job, name).decode("utf-8")
    except UnicodeDecodeError:
        _refuse(f"{find_file(runs_folder(), job, name)} is not text; read the file itself")


def _content(job: str, name: str) -> bytes:
    place = find_file(runs_folder(), job, name)
    with place.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        _refuse(f"{name} has {_size(place):,} bytes, and at most {MOST_BYTES:,} are sent; it is the file {place}")
    return content


def _size(place: Path) -> int:
    return place.stat().st_size


def _or_refused(read: Callable[[], T]) -> T:
    """Read, and let the client know what is wrong: of other errors it hears nothing."""
    try:
        return read()
    except (EdvizError, UnicodeDecodeError) as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(error.strerror or "it cannot be read")


def _refuse(reason: str) -> NoReturn:
    raise ResourceNotFoundError(safe_error(reason))
