"""What can go wrong between this program and GEO.

GeoError
├── AskedError    what was asked cannot be answered: a fault of the question
├── ExpiredError  a search that NCBI has forgotten; it can be made again
├── CatalogueError  the local catalogue cannot be read or written
└── BusyError     a fault that may pass; it was tried again before this is seen outside
"""

from __future__ import annotations

from edviz.errors import EdvizError


class GeoError(EdvizError, RuntimeError):
    """A question to GEO that has no answer; the text is one complete sentence."""


class AskedError(GeoError):
    """A question that cannot be answered as it is asked."""


class ExpiredError(GeoError):
    """A search whose results NCBI keeps no longer."""


class CatalogueError(GeoError):
    """A local catalogue that cannot be read or written."""


class BusyError(GeoError):
    """A fault that may pass.

    Attributes
    ----------
    wait_s
        Seconds that the server asks to wait, or None if it does not say.
    """

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s
