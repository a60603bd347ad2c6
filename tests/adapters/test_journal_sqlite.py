from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest
from tests.ports import version_1
from tests.ports.entries import prediction
from tests.ports.together import together

from shipway.adapters.journal import SqliteJournal, statements
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


def test_tables_of_a_later_version_are_left_alone(file: Path) -> None:
    file.parent.mkdir()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutsideError, match="a later version of Shipway"):
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


@pytest.fixture
def old(file: Path) -> Path:
    """A journal of version 1 with one prediction, which has a label."""
    file.parent.mkdir()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        for statement in (*version_1.statements(), "PRAGMA user_version = 1"):
            connection.execute(statement)
    return file


def test_a_reader_finds_what_a_journal_of_version_1_had(old: Path) -> None:
    journal = SqliteJournal(old)
    ((one,),) = journal.read("iris", which="all")
    assert (one.id, one.true_label, one.shadow_of) == ("0193", '"no"', None)
    journal.close()


def test_several_that_meet_a_journal_of_version_1_at_once_go_on_with_it(old: Path) -> None:
    def go_on() -> None:
        with contextlib.closing(SqliteJournal(old)) as journal:
            journal.write([prediction(2, shadow_of="0193"), prediction(2)])

    together(*[go_on] * 6)
    assert count(old) == 7


def test_a_change_of_the_tables_that_is_cut_short_leaves_version_1(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = statements.CHANGES[1]
    monkeypatch.setitem(statements.CHANGES, 1, (*changes, "NO STATEMENT"))
    with pytest.raises(OutsideError):
        SqliteJournal(old).write([])
    monkeypatch.setitem(statements.CHANGES, 1, changes)
    assert count(old) == 1
