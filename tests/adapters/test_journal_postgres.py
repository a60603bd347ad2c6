from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest
from tests.ports.clusters import Cluster, cluster
from tests.ports.entries import label, prediction

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
