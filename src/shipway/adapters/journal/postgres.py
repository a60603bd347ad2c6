"""The journal in PostgreSQL, for several machines."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from shipway.adapters.journal import statements
from shipway.adapters.journal.statements import FEEDBACK, PREDICTION, VERSION, VIEW, Statements
from shipway.core import journal
from shipway.core.errors import DataError, OutsideError
from shipway.core.journal import Feedback, Labelled, Prediction, Stats, Which

if TYPE_CHECKING:
    import psycopg

SQL = Statements(schema="shipway.", mark="%({})s", among="= ANY(:ids)")

LOCK = 0x73686970
"""An advisory lock, "ship" in ASCII: of several replicas that start at once, one makes the tables."""

CONNECTING: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 8_000,
    "application_name": "shipway",
}
"""Seconds, and milliseconds for `tcp_user_timeout`, after which a server that does not answer counts as away (libpq)."""

STATEMENT_TIMEOUT = "10s"
"""Of a write; one that waits longer for a lock fails, and is tried again."""


class PostgresJournal:
    """The journal in the schema `shipway` of the PostgreSQL database at *url*, which is made at first use.

    Raises:
        OutsideError: The driver is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise OutsideError(f'the journal in PostgreSQL needs its driver: pip install "shipway[postgres]" ({error})') from None
        self._driver = psycopg
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def place(self) -> str:
        return re.sub("//.*@", "//", self._url.partition("?")[0])

    def write(self, predictions: Sequence[Prediction], feedback: Sequence[Feedback] = ()) -> None:
        with self._transaction() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
            if predictions:
                cursor.executemany(SQL.insert("predictions", PREDICTION), statements.rows(predictions))
            if feedback:
                cursor.executemany(SQL.insert("feedback", FEEDBACK), statements.rows(feedback))
            if not (predictions or feedback):
                cursor.execute(SQL.touch, {"time": journal.now()})

    def joined(self, feedback: Sequence[Feedback]) -> int:
        with self._transaction() as cursor:
            return int(_value(cursor, SQL.joined, {"ids": [one.id for one in feedback]}))

    def read(
        self, project: str, since: int | None = None, until: int | None = None, which: Which = "answered"
    ) -> Iterator[list[Labelled]]:
        place = statements.bounds(project, since, until)
        while True:
            with self._transaction() as cursor:
                page = statements.labelled(cursor.execute(SQL.page(which), place))
            if not page:
                return
            yield page
            place = {**place, "time": page[-1].time, "id": page[-1].id}

    def stats(self, project: str) -> Stats:
        with self._transaction() as cursor:
            shares = cursor.execute(SQL.shares, {"project": project}).fetchall()
            comparisons = cursor.execute(SQL.comparisons, {"project": project}).fetchall()
            waiting = _value(cursor, SQL.waiting, {"project": project})
            tables = ("predictions", "feedback")
            size = sum(_value(cursor, f"SELECT pg_total_relation_size('{SQL.schema}{name}')") for name in tables)
        return statements.stats(shares, comparisons, waiting, size)

    def prune(self, project: str, before: int, limit: int) -> int:
        with self._transaction() as cursor:
            found = cursor.execute(SQL.cut, {"project": project, "before": before, "limit": limit}).fetchone()
            place = {"project": project, "cut": found[0] + 1 if found else before}
            pruned = [cursor.execute(statement, place).rowcount for statement in SQL.prune][-1]
            if found is None:
                cursor.execute(SQL.forget, {"project": project, "before": before})
        return pruned

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """One transaction; after an error the connection is made anew."""
        try:
            if self._connection is None:
                self._connection = self._open()
            with self._connection.transaction(), self._connection.cursor() as cursor:
                yield cursor
        except (self._driver.DataError, self._driver.errors.ProgramLimitExceeded) as error:
            raise DataError(f"the journal {self.place} does not take that: {type(error).__name__}") from None
        except self._driver.Error as error:
            said = str(error).strip().partition("\n")[0]
            if self._connection is None and isinstance(error, self._driver.ProgrammingError):
                said = "that is no address of a database"  # what the driver says of it may show the password
            with contextlib.suppress(self._driver.Error):
                self.close()
            step = "see that the server runs and that the address in SHIPWAY_JOURNAL is right"
            raise OutsideError(f"the journal {self.place} can't be used: {said}; {step}") from None

    def _open(self) -> psycopg.Connection[Any]:
        connection = self._driver.connect(self._url, autocommit=True, **CONNECTING)
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
                absent = _value(cursor, "SELECT to_regclass('shipway.tables') IS NULL")
                version = 0 if absent else _value(cursor, "SELECT version FROM shipway.tables")
                if version < VERSION:
                    self._change(cursor, version)
                elif version > VERSION:
                    raise OutsideError(
                        f"the journal {self.place} was made by a later version of Shipway (tables {version}, here {VERSION}): "
                        "use that version, or another database"
                    )
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def _change(cursor: psycopg.Cursor[Any], version: int) -> None:
        """Make the tables of *version* what they are in this one; 0: none are there."""
        if not version:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS shipway")
            cursor.execute("CREATE TABLE shipway.tables (version INT NOT NULL)")
            cursor.execute("INSERT INTO shipway.tables VALUES (0)")
        for statement in (*statements.changes(version), "CREATE OR REPLACE VIEW {schema}labelled AS " + VIEW):
            cursor.execute(SQL.text(statement))
        cursor.execute(f"UPDATE shipway.tables SET version = {VERSION}")


def _value(cursor: psycopg.Cursor[Any], statement: str, parameters: dict[str, Any] | None = None) -> Any:
    row = cursor.execute(statement, parameters).fetchone()
    assert row is not None
    return row[0]


if TYPE_CHECKING:
    from shipway.core.ports import Journal

    _: type[Journal] = PostgresJournal
