"""What NCBI has answered so far, kept on this machine: a repeated question costs nothing and works offline."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edviz.plain import from_plain, to_plain
from mcp_server.geo.errors import AskedError, CatalogueError
from mcp_server.geo.questions import Question
from mcp_server.geo.records import SeriesRecord
from mcp_server.geo.settings import STATE

FILE = "catalogue.sqlite"
VERSION = 1
WAIT_S = 30.0
"""How long another process that writes is waited for."""
TABLES = f"""
CREATE TABLE IF NOT EXISTS questions (term TEXT PRIMARY KEY, asked TEXT NOT NULL, answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS series (
    uid INTEGER PRIMARY KEY, accession TEXT NOT NULL, published TEXT NOT NULL, asked TEXT NOT NULL, record TEXT NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(accession, title, summary, organisms, tokenize='porter unicode61');
PRAGMA user_version = {VERSION};
"""


@dataclass(frozen=True)
class KnownAnswer:
    """What NCBI said to a query.

    Attributes
    ----------
    asked
        When, as 2026-01-31T12:00:00+00:00.
    total
        How many series it finds.
    uids
        Their numbers, in the order of NCBI.
    translation
        How NCBI understood the query.
    warnings
        What it, or this program, had to remark.
    """

    asked: str
    total: int
    uids: tuple[str, ...]
    translation: str
    warnings: tuple[str, ...]


class Catalogue:
    """Questions and series, in a file that all processes of the user share.

    Attributes
    ----------
    path
        The file.
    notice
        What became of an earlier one that could not be read, or None.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.notice: str | None = None

    def answer(self, term: str) -> KnownAnswer | None:
        """Return what was answered to a query, or None if it was not asked.

        Raises
        ------
        CatalogueError
            If the file cannot be read.
        """
        with self._open() as connection:
            row = connection.execute("SELECT answer FROM questions WHERE term = ?", (term,)).fetchone()
        return None if row is None else from_plain(KnownAnswer, json.loads(row[0]))

    def keep_answer(self, term: str, answer: KnownAnswer) -> None:
        """Keep an answer in the place of an earlier one.

        Raises
        ------
        CatalogueError
            If the file cannot be written.
        """
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO questions VALUES (?, ?, ?)",
                (term, answer.asked, json.dumps(to_plain(answer))),
            )

    def records(self, uids: Sequence[str], *, since: str) -> dict[str, SeriesRecord]:
        """Return the records that were had at a time or later.

        Raises
        ------
        CatalogueError
            If the file cannot be read.
        """
        with self._open() as connection:
            # As one value, because the number of values in a statement is limited.
            rows = connection.execute(
                "SELECT uid, record FROM series WHERE asked >= ? AND uid IN (SELECT value FROM json_each(?))",
                (since, json.dumps([int(uid) for uid in uids])),
            ).fetchall()
        return {str(uid): from_plain(SeriesRecord, json.loads(record)) for uid, record in rows}

    def keep_records(self, records: dict[str, SeriesRecord], *, asked: str) -> None:
        """Keep records in the place of earlier ones.

        Raises
        ------
        CatalogueError
            If the file cannot be written.
        """
        with self._open() as connection:
            for uid, record in records.items():
                plain = json.dumps(to_plain(record))
                connection.execute(
                    "INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?)",
                    (int(uid), record.accession, record.published, asked, plain),
                )
                connection.execute("DELETE FROM texts WHERE rowid = ?", (int(uid),))
                connection.execute(
                    "INSERT INTO texts(rowid, accession, title, summary, organisms) VALUES (?, ?, ?, ?, ?)",
                    (int(uid), record.accession, record.title, record.summary, " ".join(record.organisms)),
                )

    def n_series(self) -> int:
        """Return how many series are known.

        Raises
        ------
        CatalogueError
            If the file cannot be read.
        """
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM series").fetchone()[0])

    def search(self, question: Question) -> tuple[SeriesRecord, ...]:
        """Find known series that have all words of a question, and what else it asks for, the newest first.

        Raises
        ------
        CatalogueError
            If the file cannot be read.
        """
        words = local_query(question.words)
        where = "uid IN (SELECT rowid FROM texts WHERE texts MATCH ?)" if words else "? = ''"
        statement = f"SELECT record FROM series WHERE {where} ORDER BY published DESC, uid DESC"  # noqa: S608
        with self._open() as connection:
            try:
                rows = connection.execute(statement, (words,)).fetchall()
            except sqlite3.OperationalError as error:
                if "syntax error" not in str(error):
                    raise
                raise AskedError(f"{question.words!r} cannot be searched here; give words with AND between") from error
        records = (from_plain(SeriesRecord, json.loads(row[0])) for row in rows)
        return tuple(record for record in records if _fits(record, question))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction; a broken one makes place for a new one."""
        try:
            with closing(self._opened()) as connection, connection:
                yield connection
        except sqlite3.OperationalError as error:
            raise CatalogueError(
                f"the catalogue {self.path} cannot be used ({error}); {STATE} names another folder for it"
            ) from error
        except sqlite3.DatabaseError as error:
            self._set_aside()
            raise CatalogueError(f"{self.notice}; ask again") from error
        except OSError as error:
            raise CatalogueError(f"cannot write in {self.path.parent}: {error.strerror}; set {STATE}") from error

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self._set_aside()
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(self.path, timeout=WAIT_S)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                connection.executescript(TABLES)
            elif version != VERSION:
                raise sqlite3.DatabaseError(f"it is of version {version}")
            # Damage shows where a page is read, and these are few.
            connection.execute("SELECT count(*) FROM questions").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> None:
        from filelock import FileLock

        with FileLock(self.path.with_suffix(".lock")):
            aside = self.path.with_name(f"{FILE}.{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.broken")
            if not self._is_whole():  # another process may have been here first
                self.path.replace(aside)
                self.path.with_name(f"{FILE}-journal").unlink(missing_ok=True)
        self.notice = f"the local catalogue could not be read; it is now {aside}, and a new one is begun"

    def _is_whole(self) -> bool:
        try:
            with closing(self._connected()) as connection:
                said: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError:
            return False
        return said == "ok"


def local_query(words: str) -> str:
    """Return words in the language of SQLite's full-text search, without what only NCBI knows.

    Examples
    --------
    >>> local_query('"lung fibrosis" AND (human OR mouse)[ORGN]')
    '"lung fibrosis" AND ( "human" OR "mouse" )'
    """
    plain = re.sub(r"\[[^\]]*\]", " ", words)
    parts = re.findall(r'"[^"]*"|[()]|[\w-]+', plain)
    shown = [part if part in ("AND", "OR", "NOT", "(", ")") else f'"{part.strip(chr(34))}"' for part in parts]
    return " ".join(shown)


def now() -> str:
    """Return the time, as it is kept."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _fits(record: SeriesRecord, question: Question) -> bool:
    day = record.published.replace("-", "/")
    checks: list[Any] = [
        not question.organism or any(question.organism.lower() in name.lower() for name in record.organisms),
        not question.file_type or question.file_type.upper() in record.file_types,
        not question.since or day >= question.since,
        not question.until or day <= question.until + "/99",
    ]
    return all(checks)
