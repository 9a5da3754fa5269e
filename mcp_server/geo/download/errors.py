"""What can go wrong with a download.

DownloadError
├── CapError        more bytes than may be fetched without a yes
├── RoomError       the disk has, or had, too little room
├── PlaceTakenError something else is where the file is to be
└── TransferError   this file cannot be had from the server, or is not what it should be
    └── PassingError  a fault that may pass; it was tried again before this is seen outside
"""

from __future__ import annotations

from edviz.errors import EdvizError


class DownloadError(EdvizError, RuntimeError):
    """A download that cannot be begun or ended; the text is one complete sentence."""


class CapError(DownloadError):
    """More bytes than may be fetched without a yes."""


class RoomError(DownloadError):
    """A disk with too little room; what has arrived stays, and the next call goes on with it."""


class PlaceTakenError(DownloadError):
    """A file in the place of a download that did not come from there; it is not touched."""


class TransferError(DownloadError):
    """A file that cannot be had from the server, or that is not what it should be."""


class PassingError(TransferError):
    """A fault that may pass.

    Attributes
    ----------
    wait_s
        Seconds that the server asks to wait, or None if it does not say.
    """

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s
