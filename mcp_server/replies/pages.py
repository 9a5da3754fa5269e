"""Long lists in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_ENTRIES = 1_000


@dataclass(frozen=True)
class Page:
    """A piece of the long lists of a result.

    Attributes
    ----------
    limit, offset
        How many entries, and how many before them are passed over; the same for each list.
    lists
        Where the lists are: names of entries, one in another with a dot between.
    """

    limit: int
    offset: int
    lists: tuple[str, ...]


def paged(result: dict[str, Any], page: Page) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Cut the lists of a result to a page, and say which page it is; None if everything is there.

    >>> paged({"columns": ["a", "b", "c"]}, Page(2, 0, ("columns",)))
    ({'columns': ['a', 'b']}, {'offset': 0, 'limit': 2, 'totals': {'columns': 3}, 'next_offset': 2})
    """
    totals = {}
    for place in page.lists:
        holder, name = _holder(result, place)
        entries = holder[name]
        totals[name] = len(entries)
        holder[name] = entries[page.offset : page.offset + page.limit]
    end = page.offset + page.limit
    longest = max(totals.values(), default=0)
    if page.offset == 0 and longest <= end:
        return result, None
    next_offset = end if end < longest else None
    return result, {"offset": page.offset, "limit": page.limit, "totals": totals, "next_offset": next_offset}


def _holder(result: dict[str, Any], place: str) -> tuple[dict[str, Any], str]:
    *path, name = place.split(".")
    for step in path:
        result = result[step]
    return result, name
