"""How far a download is."""

from __future__ import annotations

from collections.abc import Callable

Watch = Callable[[str, int], None]
"""Called with what is being done to a file, in words, and the bytes of it for which it is done."""

DOWNLOADING, CHECKING, WAITING_FOR_TURN = "downloading", "checking", "waiting for another download"


def unwatched(step: str, n_bytes: int) -> None:
    """Take no notice of how far a download is."""
