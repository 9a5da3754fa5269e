"""A gap between requests that all processes of the user keep together, because NCBI counts them by address."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_server.geo.errors import GeoError

if TYPE_CHECKING:
    from pyrate_limiter import SQLiteBucket

FILE = "turns.sqlite"


@dataclass
class Throttle:
    """Lets one request through in every gap, whichever process makes it.

    Attributes
    ----------
    folder
        Where the processes leave word for each other.
    server
        A word for the server that is spared.
    gap_s
        Seconds between two requests.
    """

    folder: Path
    server: str
    gap_s: float
    _bucket: SQLiteBucket | None = field(default=None, repr=False)

    def wait(self) -> None:
        """Wait until a request may be made.

        Raises
        ------
        GeoError
            If the folder cannot be written.
        """
        try:
            self._take_turn()
        except sqlite3.Error as error:
            raise GeoError(f"cannot keep turns in {self.folder / FILE} ({error}); remove the file") from error
        except OSError as error:
            raise GeoError(f"cannot write in {self.folder}: {error.strerror}; EDVIZ_GEO_STATE names another") from error

    def close(self) -> None:
        """Close what is open."""
        if self._bucket is not None:
            self._bucket.close()  # type: ignore[no-untyped-call]
            self._bucket = None

    def _take_turn(self) -> None:
        from pyrate_limiter import RateItem

        if self._bucket is None:
            self._bucket = self._opened()
        item = RateItem(self.server, _now_ms())
        # The limiter of the package would count a turn from when it should have come, not from when it came.
        while not self._bucket.put(item):
            time.sleep(max(int(self._bucket.waiting(item)), 1) / 1000)  # type: ignore[arg-type]
            item = RateItem(self.server, _now_ms())
        self._bucket.leak(item.timestamp)

    def _opened(self) -> SQLiteBucket:
        from pyrate_limiter import Rate, SQLiteBucket

        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        bucket = SQLiteBucket.init_from_file(
            [Rate(1, round(self.gap_s * 1000))],
            table=f"turns_{self.server}",
            db_path=str(self.folder / FILE),
            use_file_lock=True,
        )
        newest = bucket.peek(0)
        if newest is not None and newest.timestamp > _now_ms() + 1000:
            bucket.flush()  # the clock was put back, and nobody would get a turn before it has caught up
        return bucket


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
