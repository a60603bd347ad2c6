from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator

import pytest
from tests.ports import version_1
from tests.ports.clusters import Cluster, cluster
from tests.ports.entries import label, prediction
from tests.ports.together import together

from shipway.adapters.journal.postgres import PostgresJournal
from shipway.core.errors import OutsideError
from shipway.core.journal.keeping import Keeping
from shipway.serving.entries import Journalling
from shipway.serving.journalling import Writer
from shipway.serving.problems import Problem


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as found:
        yield found


def test_a_server_that_is_away_is_told_without_the_password(server: Cluster) -> None:
    journal = PostgresJournal(server.url.replace("@", ":s3cret@"))
    journal.write([prediction(1, project="told")])
    server.stop()
    for _ in range(2):
        with pytest.raises(OutsideError, match=rf"postgresql://127\.0\.0\.1:{server.port}/postgres can't be used") as error:
            journal.write([prediction(2, project="told")])
        assert "s3cret" not in str(error.value)
    server.start()
    journal.write([prediction(3, project="told")])
    assert journal.stats("told").predictions == 2
    journal.close()


def test_an_address_that_is_none_is_told_without_its_password() -> None:
    with pytest.raises(OutsideError, match="no address of a database") as error:
        PostgresJournal("postgresql://me:s3cret%@127.0.0.1/journal").write([])
    assert "s3cret" not in str(error.value)


def test_predictions_are_held_while_the_server_is_away_and_labels_are_refused(server: Cluster) -> None:
    async def scenario() -> None:
        journalling = Journalling(PostgresJournal(server.url), {"iris": Keeping()}, b"salt")
        writer = Writer(journalling)
        writer.start()
        held = [prediction(number) for number in range(1, 6)]
        await writer.keep("iris", held[:1])
        while writer.state().waiting:
            await asyncio.sleep(0)
        server.stop()
        await writer.keep("iris", held[1:])
        while writer.state().state == "ok":
            await asyncio.sleep(0)
        with pytest.raises(Problem):
            await writer.label([label(9, prediction=held[0].id)])
        server.start()
        while writer.state().waiting:
            await asyncio.sleep(0)
        assert await writer.label([label(9, prediction=one.id) for one in held]) == len(held)
        await writer.stop()

    asyncio.run(scenario())


def test_a_missing_driver_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(OutsideError, match=r'pip install "shipway\[postgres\]"'):
        PostgresJournal("postgresql://nowhere/nothing")


def database(server: Cluster, name: str) -> str:
    """The address of a new database."""
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server.url.removesuffix('/postgres')}/{name}"


def test_several_that_meet_tables_of_version_1_at_once_go_on_with_them_and_a_view_upon_them_stays(server: Cluster) -> None:
    import psycopg

    url = database(server, "old")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA shipway")
        for statement in version_1.statements("shipway."):
            connection.execute(statement)
        connection.execute("CREATE TABLE shipway.tables (version INT NOT NULL)")
        connection.execute("INSERT INTO shipway.tables VALUES (1)")
        connection.execute("CREATE VIEW mine AS SELECT id, true_label FROM shipway.labelled")

    def go_on() -> None:
        with contextlib.closing(PostgresJournal(url)) as journal:
            journal.write([prediction(2, shadow_of="0193"), prediction(2)])

    together(*[go_on] * 4)
    journal = PostgresJournal(url)
    assert journal.stats("iris").predictions == 5
    journal.close()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT true_label FROM mine WHERE id = '0193'").fetchall() == [('"no"',)]


def test_tables_of_a_later_version_are_left_alone(server: Cluster) -> None:
    import psycopg

    url = database(server, "later")
    journal = PostgresJournal(url)
    journal.write([])
    journal.close()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE shipway.tables SET version = 99")
    with pytest.raises(OutsideError, match=r"a later version of Shipway \(tables 99"):
        journal.write([])
