from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest
from tests.ports.entries import prediction

from shipway.adapters.journal import SqliteJournal
from shipway.core.errors import OutsideError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


def count(file: Path) -> int:
    journal = SqliteJournal(file)
    with contextlib.closing(journal):
        return journal.stats("iris").predictions


def test_only_its_owner_may_read_the_journal(file: Path) -> None:
    journal = SqliteJournal(file)
    journal.write([prediction(1)])
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}
    journal.close()


def test_nothing_is_opened_before_the_first_call(file: Path) -> None:
    SqliteJournal(file).close()
    assert not file.parent.exists()


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "deleted"])
def test_a_file_that_was_taken_away_is_begun_anew(file: Path, moved: bool) -> None:
    journal = SqliteJournal(file)
    journal.write([prediction(1)])
    for path in list(file.parent.iterdir()):
        path.rename(path.parent.parent / path.name) if moved else path.unlink()
    journal.write([prediction(2), prediction(3)])
    assert count(file) == 2
    journal.close()
    if moved:
        assert count(file.parent.parent / file.name) == 1


def test_what_a_failed_write_had_begun_is_not_there(file: Path) -> None:
    journal = SqliteJournal(file)
    journal.write([prediction(1)])
    with pytest.raises(OutsideError, match="see that there is room"):
        journal.write([prediction(2), prediction(3, label=None)])
    journal.write([prediction(4)])
    journal.close()
    assert count(file) == 2


def test_tables_of_another_version_are_left_alone(file: Path) -> None:
    file.parent.mkdir()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutsideError, match="another version of Shipway"):
        SqliteJournal(file).write([])


def test_a_file_that_is_no_database_is_named(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database" * 100)
    with pytest.raises(OutsideError, match=r"journal\.db can't be used: file is not a database"):
        SqliteJournal(file).write([])


def test_pruning_gives_the_room_back(file: Path) -> None:
    journal = SqliteJournal(file)
    journal.write([prediction(1, record="x" * 2000) for _ in range(500)])
    before = journal.stats("iris").size
    while journal.prune("iris", 10**15, 200):
        pass
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert journal.stats("iris").size < before / 4
    journal.close()
