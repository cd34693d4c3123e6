"""What people said of pictures: kept in SQLite, on the disk before anybody is told so."""

import os
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tamis.errors import FileFormatError, printable

_FORMAT: Final = 1
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, client TEXT NOT NULL, undoes INTEGER
);
CREATE TABLE IF NOT EXISTS changes (
    batch INTEGER NOT NULL, name BLOB NOT NULL, before TEXT, after TEXT,
    answer TEXT, confidence REAL, PRIMARY KEY (batch, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS classes (name TEXT PRIMARY KEY, key TEXT NOT NULL DEFAULT '');
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a person said of a picture.

    Attributes
    ----------
    name : str
        Of the picture below its root; names of examples begin with ``e:``, of others ``p:``.
    before, after : str or None
        Class that a person had given, and gives now; None is none.
    answer : str or None
        What was answered when the person spoke.
    confidence : float or None
        Of that answer.
    """

    name: str
    before: str | None
    after: str | None
    answer: str | None = None
    confidence: float | None = None


class Corrections:
    """The corrections of a review, one batch per act of a person.

    Every act is committed with ``synchronous=FULL`` before `add` returns, so that neither the
    end of this process nor of the machine loses it.

    Parameters
    ----------
    file : str or os.PathLike
        Made if it does not exist.

    Raises
    ------
    FileFormatError
        The file is something else, damaged, or of a newer tamis.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self._lock = threading.Lock()
        shown = printable(os.fspath(file))
        try:
            self._base = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.executescript(_TABLES)
            self._base.execute("INSERT OR IGNORE INTO about VALUES ('format', ?)", (str(_FORMAT),))
            (form,) = self._base.execute("SELECT value FROM about WHERE name='format'").fetchone()
        except sqlite3.DatabaseError as error:
            raise FileFormatError(
                f"{shown} should hold the corrections of a review, and cannot be read: {error}. "
                "Move it away to begin anew."
            ) from error
        if int(form) > _FORMAT:
            raise FileFormatError(f"{shown} was written by a newer tamis. Install that one.")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def add(self, changes: Sequence[Change], *, client: str, undoes: int | None = None) -> int:
        """Write a batch to the disk; gives its number."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                batch = self._base.execute(
                    "INSERT INTO batches (at, client, undoes) VALUES (?, ?, ?)",
                    (time.time(), client, undoes),
                ).lastrowid
                self._base.executemany(
                    "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        (batch, os.fsencode(one.name), one.before, one.after, one.answer,
                         one.confidence)
                        for one in changes
                    ],
                )  # fmt: skip
                self._base.execute("COMMIT")
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
        assert batch is not None
        return batch

    def current(self) -> dict[str, Change]:
        """Return the last change of each picture that a person has given a class."""
        found: dict[str, Change] = {}
        with self._lock:
            rows = self._base.execute(
                "SELECT name, before, after, answer, confidence FROM changes ORDER BY batch"
            ).fetchall()
        for name, *rest in rows:
            change = Change(os.fsdecode(name), *rest)
            found[change.name] = change
        return {name: one for name, one in found.items() if one.after is not None}

    def last(self, client: str) -> tuple[int, list[Change]] | None:
        """Return the last batch of a client that stands: neither undone nor an undoing."""
        with self._lock:
            row = self._base.execute(
                "SELECT max(id) FROM batches WHERE client = ? AND undoes IS NULL AND id NOT IN "
                "(SELECT undoes FROM batches WHERE undoes IS NOT NULL)",
                (client,),
            ).fetchone()
            if row[0] is None:
                return None
            rows = self._base.execute(
                "SELECT name, before, after, answer, confidence FROM changes WHERE batch = ?",
                (row[0],),
            ).fetchall()
        return row[0], [Change(os.fsdecode(name), *rest) for name, *rest in rows]

    def set_class(self, name: str, key: str = "") -> None:
        """Keep a class that a person made, or the key of a class."""
        with self._lock:
            self._base.execute(
                "INSERT INTO classes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET key = "
                "excluded.key",
                (name, key),
            )

    def classes(self) -> Mapping[str, str]:
        """Return the classes that people made or gave keys to, each with its key."""
        with self._lock:
            return dict(self._base.execute("SELECT name, key FROM classes ORDER BY rowid"))
