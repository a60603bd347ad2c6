from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.ports.entries import SECOND, label, prediction
from tests.serving.kept import kept

from shipway.adapters.journal import SqliteJournal
from shipway.core import journal as journals
from shipway.core.errors import DataError
from shipway.core.journal import Feedback, Prediction
from shipway.core.journal.keeping import Keeping
from shipway.core.ports import Journal
from shipway.serving import journalling
from shipway.serving.entries import Journalling
from shipway.serving.journalling import LATE_SECONDS, Writer
from shipway.serving.problems import Problem


class Gated(SqliteJournal):
    """A journal on a disk that can be made to stand still."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.open = threading.Event()
        self.open.set()

    def write(self, predictions: Sequence[Prediction], feedback: Sequence[Feedback] = ()) -> None:
        self.open.wait()
        super().write(predictions, feedback)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def writer(journal: Journal, limit: int = 100, **changed: object) -> Writer:
    made = Writer(Journalling(journal, {"iris": Keeping(**changed)}, b"salt", limit))  # type: ignore[arg-type]
    made.start()
    return made


async def idle(one: Writer) -> None:
    while one.state().waiting:
        await asyncio.sleep(0)


def test_a_durable_prediction_is_there_when_its_answer_is(file: Path) -> None:
    async def scenario() -> None:
        one = writer(SqliteJournal(file), durable=True)
        for number in range(1, 20):
            await one.keep("iris", [prediction(number)])
            assert len(kept(file, "iris")) == number
        await one.stop()

    asyncio.run(scenario())


def test_many_at_once_share_a_commit(file: Path) -> None:
    class Counted(SqliteJournal):
        commits = 0

        def write(self, predictions: Sequence[Prediction], feedback: Sequence[Feedback] = ()) -> None:
            Counted.commits += 1
            super().write(predictions, feedback)

    async def scenario() -> None:
        one = writer(Counted(file), limit=1000, durable=True)
        await asyncio.gather(*(one.keep("iris", [prediction(1)]) for _ in range(500)))
        await one.stop()

    asyncio.run(scenario())
    assert len(kept(file, "iris")) == 500
    assert Counted.commits < 50


def test_answers_wait_for_their_commit_once_the_oldest_has_waited_long(file: Path) -> None:
    async def scenario() -> None:
        journal = Gated(file)
        one = writer(journal)
        await one.keep("iris", [prediction(1)])
        await idle(one)
        journal.open.clear()
        await one.keep("iris", [prediction(2)])  # at once
        while one.state().lag <= LATE_SECONDS:
            await asyncio.sleep(0)
        late = asyncio.ensure_future(one.keep("iris", [prediction(3)]))
        await asyncio.wait([late], timeout=LATE_SECONDS)
        assert not late.done()
        journal.open.set()
        await late
        assert len(kept(file, "iris")) == 3
        await one.stop()

    asyncio.run(scenario())


def test_what_waits_when_the_service_stops_is_written(file: Path) -> None:
    async def scenario() -> None:
        one = writer(SqliteJournal(file), limit=10_000)
        for number in range(1, 6):
            await one.keep("iris", [prediction(number) for _ in range(1000)])
        await one.stop()

    asyncio.run(scenario())
    assert len(kept(file, "iris")) == 5000


def test_a_journal_that_never_comes_back_does_not_hold_up_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journalling, "DRAIN_SECONDS", 0.2)
    (tmp_path / "no-folder").write_text("")

    async def scenario() -> int:
        one = writer(SqliteJournal(tmp_path / "no-folder" / "journal.db"))
        await one.keep("iris", [prediction(1), prediction(2)])
        await one.stop()
        return one.state().lost

    assert asyncio.run(scenario()) == 2
    assert "2 predictions were answered and not kept" in caplog.text


def test_a_full_queue_refuses_predictions_and_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journalling, "DRAIN_SECONDS", 0.0)
    (tmp_path / "no-folder").write_text("")

    async def scenario() -> None:
        one = writer(SqliteJournal(tmp_path / "no-folder" / "journal.db"), limit=3)
        await one.keep("iris", [prediction(1)] * 3)
        for refused in (one.keep("iris", [prediction(2)]), one.label([label(1, key="k")])):
            with pytest.raises(Problem) as error:
                await refused
            assert (error.value.status, error.value.headers) == (503, {"Retry-After": "2"})
        assert one.state().state == "full"
        await one.stop()

    asyncio.run(scenario())


def test_predictions_go_when_they_are_older_than_the_project_keeps_them(file: Path) -> None:
    now = journals.now() // SECOND
    journal = SqliteJournal(file)
    journal.write([prediction(now - 3 * 3600) for _ in range(5000)] + [prediction(now)])
    journal.close()

    async def scenario() -> None:
        one = writer(SqliteJournal(file), keep="2h")
        while len(kept(file, "iris")) > 1:
            await asyncio.sleep(0)
        await one.stop()

    asyncio.run(scenario())
    assert [one.time for one in kept(file, "iris")] == [now * SECOND]


def test_what_a_shadow_made_is_kept_behind_what_was_answered_and_makes_no_answer_wait(file: Path) -> None:
    async def scenario() -> None:
        journal = Gated(file)
        one = writer(journal)
        await idle(one)
        journal.open.clear()
        assert one.keep_beside([prediction(1, shadow_of="0193")])
        late = asyncio.get_running_loop().time() + 2 * LATE_SECONDS
        while asyncio.get_running_loop().time() < late:
            await asyncio.sleep(0)
        await asyncio.wait_for(one.keep("iris", [prediction(2)]), 10)
        assert (one.state().state, one.state().waiting) == ("ok", 1)
        journal.open.set()
        await one.stop()

    asyncio.run(scenario())
    assert len(kept(file, "iris")) == 1
    with contextlib.closing(SqliteJournal(file)) as journal:
        assert [one.time for page in journal.read("iris", which="all") for one in page] == [1 * SECOND, 2 * SECOND]


def test_what_shadows_made_is_bounded_on_its_own_and_written_before_the_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journalling, "BESIDE_LIMIT", 5)

    async def scenario() -> list[bool]:
        journal = Gated(file)
        one = writer(journal, limit=3)
        await idle(one)
        journal.open.clear()
        taken = [one.keep_beside([prediction(1, shadow_of="0193")]) for _ in range(8)]
        await asyncio.wait_for(one.keep("iris", [prediction(2)]), 10)
        assert one.state().state == "ok"
        journal.open.set()
        await one.stop()
        return taken

    assert asyncio.run(scenario()) == [True] * 5 + [False] * 3
    with contextlib.closing(SqliteJournal(file)) as journal:
        assert sum(len(page) for page in journal.read("iris", which="all")) == 6


class Fussy(SqliteJournal):
    """A journal that does not take what has a certain key, though it is there."""

    def write(self, predictions: Sequence[Prediction], feedback: Sequence[Feedback] = ()) -> None:
        if any("bad" in (one.key or "") for one in predictions):
            raise DataError("a row is too long for its index")
        super().write(predictions, feedback)


def test_what_the_journal_refuses_keeps_nothing_else_out(file: Path) -> None:
    async def scenario() -> None:
        one = writer(Fussy(file))
        others = [prediction(number) for number in range(2, 20)]
        await one.keep("iris", [prediction(1, "bad")])
        for other in others:
            await one.keep("iris", [other])
        await idle(one)
        state = one.state()
        assert (state.state, state.lost, state.waiting) == ("ok", 1, 0)
        await one.stop()
        assert len(kept(file, "iris")) == len(others)

    asyncio.run(scenario())
