"""What NCBI says of the series that a file is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_server.geo.errors import GeoError
from mcp_server.geo.records import NoSeriesError, SeriesRecord, record_of, uid_of

if TYPE_CHECKING:
    from mcp_server.geo.client import GeoClient


def find_series(accession: str, client: GeoClient) -> SeriesRecord | None:
    """Ask for the record of a series; None of one that NCBI shows nothing of, and of a sample.

    Raises
    ------
    GeoError
        If NCBI does not answer, or answers with another record.
    """
    if not accession.startswith("GSE"):
        return None
    uid = uid_of(accession)
    result = client.post_json("esummary", {"db": "gds", "id": uid})["result"]
    summary = result.get(uid) if isinstance(result, dict) else None
    if not isinstance(summary, dict) or "error" in summary:
        return None
    try:
        return record_of(summary, uid)
    except NoSeriesError as error:
        raise GeoError(str(error)) from error


def find_folder(accession: str, client: GeoClient) -> str | None:
    """Return the folder of a series as NCBI gives it, or None where it gives none: folders follow a rule."""
    try:
        series = find_series(accession, client)
    except GeoError:
        return None
    return series.folder if series else None
