"""What can go wrong with a file on a server.

RemoteError
├── NoRangesError   the server sends whole files only
├── StatusError     the server answers with a status that says no
└── PassingError    what may pass: too many requests, a fault of the server, a connection that broke
"""

from __future__ import annotations

from edviz.errors import H5adError


class RemoteError(H5adError):
    """A file on a server that cannot be read; the text is one complete sentence without tokens and passwords."""


class NoRangesError(RemoteError):
    """A file on a server that does not send parts of files, so that only a download helps.

    Attributes
    ----------
    size
        Bytes of the whole file, or None if the server does not say.
    """

    def __init__(self, message: str, *, size: int | None) -> None:
        super().__init__(message)
        self.size = size


class StatusError(RemoteError):
    """An answer whose status says no.

    Attributes
    ----------
    status
        The number, such as 404.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class PassingError(RemoteError):
    """A failure that may pass; it was tried again before this is seen outside.

    Attributes
    ----------
    wait_s
        Seconds that the server asks to wait, or None if it does not say.
    """

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s
