"""The journal in one SQLite file, for all processes of one machine."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.adapters.journal import statements
from shipway.adapters.journal.statements import FEEDBACK, PREDICTION, VERSION, VIEW, Statements
from shipway.core import journal
from shipway.core.errors import DataError, OutsideError
from shipway.core.journal import Feedback, Labelled, Prediction, Stats, Which

LOCK_SECONDS = 2.0
"""How long another process may hold the file. Ours hold it for milliseconds; a longer wait means that somebody sits on it."""

FREED_PAGES = 2_000
"""That go back to the system at once, 8 MB in tens of milliseconds: others may write between two such pieces."""

SQL = Statements(schema="", mark=":{}", among="IN (SELECT value FROM json_each(:ids))")


class SqliteJournal:
    """The journal in the SQLite file *path*, in write-ahead mode: readers and one writer at a time do not wait for each other.

    A commit is on the disk, not only with the system (`synchronous = FULL`): it survives a power cut. The file holds what callers
    sent, so only its owner may read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    @property
    def place(self) -> str:
        return str(self.path)

    def write(self, predictions: Sequence[Prediction], feedback: Sequence[Feedback] = ()) -> None:
        with self._transaction() as connection:
            if predictions:
                connection.executemany(SQL.insert("predictions", PREDICTION), statements.rows(predictions))
            if feedback:
                connection.executemany(SQL.insert("feedback", FEEDBACK), statements.rows(feedback))
            if not (predictions or feedback):
                connection.execute(SQL.touch, {"time": journal.now()})

    def joined(self, feedback: Sequence[Feedback]) -> int:
        with self._opened() as connection:
            ids = json.dumps([one.id for one in feedback])
            return int(connection.execute(SQL.joined, {"ids": ids}).fetchone()[0])

    def read(
        self, project: str, since: int | None = None, until: int | None = None, which: Which = "answered"
    ) -> Iterator[list[Labelled]]:
        place = statements.bounds(project, since, until)
        while True:
            with self._opened() as connection:
                page = statements.labelled(connection.execute(SQL.page(which), place))
            if not page:
                return
            yield page
            place = {**place, "time": page[-1].time, "id": page[-1].id}

    def stats(self, project: str) -> Stats:
        with self._opened() as connection:
            shares = connection.execute(SQL.shares, {"project": project}).fetchall()
            comparisons = connection.execute(SQL.comparisons, {"project": project}).fetchall()
            (waiting,) = connection.execute(SQL.waiting, {"project": project}).fetchone()
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return statements.stats(shares, comparisons, waiting, sum(file.stat().st_size for file in files if file.exists()))

    def prune(self, project: str, before: int, limit: int) -> int:
        with self._transaction() as connection:
            found = connection.execute(SQL.cut, {"project": project, "before": before, "limit": limit}).fetchone()
            place = {"project": project, "cut": found[0] + 1 if found else before}
            pruned = [connection.execute(statement, place).rowcount for statement in SQL.prune][-1]
            if found is None:
                connection.execute(SQL.forget, {"project": project, "before": before})
        if not pruned:
            with self._opened() as connection:  # the room goes back to the system, which may be in need of it
                while connection.execute("PRAGMA freelist_count").fetchone()[0]:
                    # `execute` would step once, and free one page
                    connection.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")
        return pruned

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The connection; after an error it is made anew, which also ends what it had begun."""
        try:
            if self._connection is None or self._inode != _inode(self.path):
                self.close()
                self._connection = self._open()
            yield self._connection
        except (sqlite3.DataError, OverflowError) as error:
            self.close()  # which ends what it had begun
            raise DataError(f"the journal {self.path} does not take that: {error}") from None
        except (sqlite3.Error, OSError) as error:
            with contextlib.suppress(sqlite3.Error):
                self.close()
            step = "see that there is room and that the file can be written to"
            raise OutsideError(f"the journal {self.path} can't be used: {error}; {step}") from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR))
        connection = sqlite3.connect(self.path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._inode = _inode(self.path)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = self._value(connection, "PRAGMA user_version")
        if version > VERSION:
            raise OutsideError(
                f"the journal {self.path} was made by a later version of Shipway (tables {version}, here {VERSION}): "
                "use that version, or move the file away to begin a new one"
            )
        if version == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if self._value(connection, "PRAGMA journal_mode") != "wal":
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = FULL")
        if version < VERSION:
            self._change(connection)

    def _change(self, connection: sqlite3.Connection) -> None:
        """Make the tables what they are in this version, unless another process has done so meanwhile."""
        connection.execute("BEGIN IMMEDIATE")
        version = self._value(connection, "PRAGMA user_version")
        if version < VERSION:
            view = ("DROP VIEW IF EXISTS labelled", "CREATE VIEW labelled AS " + VIEW)
            for statement in (*statements.changes(version), *view, f"PRAGMA user_version = {VERSION}"):
                connection.execute(SQL.text(statement))
        connection.execute("COMMIT")

    @staticmethod
    def _value(connection: sqlite3.Connection, statement: str) -> Any:
        return connection.execute(statement).fetchone()[0]


def _inode(path: Path) -> int:
    """Which file lies at *path*: one that was deleted or moved goes on taking writes, which nobody would ever find."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


if TYPE_CHECKING:
    from shipway.core.ports import Journal

    _: type[Journal] = SqliteJournal
