"""A version in the shadow gets a copy of the traffic, and no caller notices."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.serving.kept import kept
from tests.serving.test_live import forged
from tests.serving.versions import MORE, RECORD, following, lead, ready
from tests.waiting import until

from shipway.adapters.journal import SqliteJournal
from shipway.core.journal import Labelled
from shipway.serving import spare
from shipway.serving.live import LiveModels
from shipway.serving.spare import Spare

if TYPE_CHECKING:
    import httpx


def shadows(file: Path) -> list[Labelled]:
    with contextlib.closing(SqliteJournal(file)) as journal:
        return [one for page in journal.read("towns", which="shadow") for one in page]


def ask(client: httpx.Client, *records: dict[str, Any]) -> list[str]:
    answer = client.post("/towns/predict", json={"records": list(records)})
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["predictions"]]


def counts(client: httpx.Client) -> dict[str, int]:
    """Records of the version in the shadow by what became of them."""
    found = client.app.state.service.shadowing.counts()  # type: ignore[attr-defined]
    return {kind: sum(count for (_, _, what), count in found.items() if what == kind) for kind in {what for _, _, what in found}}


def test_what_was_answered_is_labelled_in_the_shadow_too_and_kept_beside_it(towns: Path, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    lead(towns, champion="1", shadow="2")
    with following(towns, file) as client:
        until(lambda: ready(client).get("shadows") == {"towns": "2"})
        ids = ask(client, RECORD, RECORD | {"id": 2, "pages": 1})
        until(lambda: counts(client).get("made") == 2)
    answered = {one.id: one for one in kept(file, "towns")}
    assert set(answered) == set(ids)
    found = shadows(file)
    assert {one.shadow_of for one in found} == set(ids)
    for one in found:
        other = answered[one.shadow_of or ""]
        assert (one.model_version, other.model_version) == ("2", "1")
        assert (one.time, one.key, one.record, one.data_version) == (other.time, other.key, other.record, other.data_version)
        assert one.probabilities != other.probabilities
        assert one.latency > 0


def test_a_shadow_reads_records_by_its_own_contract_and_those_that_break_it_are_counted_and_told_once(
    towns: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "journal.db"
    lead(towns, champion="3", shadow="1")
    with following(towns, file) as client:
        logging.getLogger("shipway.serving").addHandler(caplog.handler)  # the service's log goes nowhere else
        until(lambda: "shadows" in ready(client))
        ids = ask(client, {**MORE, "id": 1})
        ask(client, {**MORE, "town": "Oslo"})
        lead(towns, champion="1", shadow="3")
        until(lambda: ready(client)["shadows"] == {"towns": "3"})
        ask(client, RECORD)
        until(lambda: counts(client).get("contract") == 3)
    logging.getLogger("shipway.serving").removeHandler(caplog.handler)
    assert len(ids) == 1
    assert shadows(file) == []
    told = [line for line in caplog.messages if "in the shadow" in line]
    assert told == [
        "towns version 1 in the shadow: records break the rule unknown in its own contract; they are counted",
        "towns version 1 in the shadow: records break the rule level of column 'town' in its own contract; they are counted",
        "towns version 3 in the shadow: records break the rule required of column 'age' in its own contract; they are counted",
    ]


def test_of_a_batch_only_the_records_that_break_the_shadows_contract_are_left_out(towns: Path, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    lead(towns, champion="1", shadow="2")
    with following(towns, file) as client:
        until(lambda: "shadows" in ready(client))
        first, _, last = ask(client, RECORD, RECORD | {"pages": 61}, RECORD)
        until(lambda: sum(counts(client).values()) == 3)
        assert counts(client) == {"made": 2, "contract": 1}
    assert {one.shadow_of for one in shadows(file)} == {first, last}


def test_a_shadow_that_can_not_be_loaded_touches_no_answer(towns: Path, tmp_path: Path) -> None:
    broken = forged(towns / "towns" / "2" / "bundle", tmp_path / "forged")
    shutil.rmtree(towns / "towns" / "2" / "bundle")
    broken.rename(towns / "towns" / "2" / "bundle")
    lead(towns, champion="1", shadow="2")
    with following(towns, tmp_path / "journal.db") as client:
        until(lambda: "problems" in ready(client))
        assert "version 2 is not served" in ready(client)["problems"]["towns"][0]
        ask(client, RECORD)
        assert counts(client) == {}


def test_a_shadow_that_fails_touches_no_answer_and_is_counted(towns: Path, tmp_path: Path) -> None:
    lead(towns, champion="1", shadow="2")
    with following(towns, tmp_path / "journal.db") as client:
        until(lambda: "shadows" in ready(client))
        models: LiveModels = client.app.state.models  # type: ignore[attr-defined]
        shadow = models.led("towns", "shadow")
        assert shadow is not None
        sound, shadow.loading = shadow.loading.result(), Future()
        shadow.loading.set_result(replace(sound, model=replace(sound.model, pipeline="no pipeline")))
        ask(client, RECORD)
        ask(client, RECORD, RECORD)
        until(lambda: counts(client) == {"failed": 3})
    assert shadows(tmp_path / "journal.db") == []


def test_a_version_that_is_asked_for_by_its_number_casts_no_shadow(towns: Path, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    lead(towns, champion="1", shadow="2")
    with following(towns, file) as client:
        until(lambda: "shadows" in ready(client))
        assert client.post("/towns/versions/1/predict", json=RECORD).status_code == 200
        (answered,) = ask(client, RECORD)
        until(lambda: counts(client).get("made") == 1)
    assert [one.shadow_of for one in shadows(file)] == [answered]


def test_labels_join_what_was_answered_and_the_shadow_is_judged_by_them(towns: Path, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    lead(towns, champion="1", shadow="2")
    with following(towns, file) as client:
        until(lambda: "shadows" in ready(client))
        ask(client, RECORD)
        until(lambda: counts(client).get("made") == 1)
        assert client.post("/towns/feedback", json={"key": 1, "label": "no"}).json()["joined"] == 1
    with contextlib.closing(SqliteJournal(file)) as journal:
        stats = journal.stats("towns")
    assert (stats.predictions, stats.labelled) == (1, 1)
    assert [(one.answered, one.shadow, one.records, one.labelled) for one in stats.shadows] == [("1", "2", 1, 1)]
    assert [json.loads(one.true_label or "") for one in shadows(file)] == ["no"]


@pytest.fixture
def idle() -> Any:
    found = Spare()
    found.start()
    yield found
    found.stop()


def test_spare_work_waits_while_an_answer_is_under_way(idle: Spare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare, "PATIENCE_SECONDS", 60)
    done = threading.Event()
    with idle.held():
        assert idle.offer(done.set, 1)
        assert not done.wait(0.05)
    assert done.wait(10)


def test_spare_work_is_done_all_the_same_where_answers_never_end(idle: Spare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare, "PATIENCE_SECONDS", 0.01)
    done = threading.Event()
    with idle.held():
        assert idle.offer(done.set, 1)
        assert done.wait(10)


def test_spare_work_that_would_take_too_much_memory_is_refused(idle: Spare) -> None:
    with idle.held():
        taken = [idle.offer(lambda: None, spare.BYTES // 4) for _ in range(8)]
        assert 4 <= sum(taken) <= 5
        assert not idle.offer(lambda: None, spare.BYTES // 4)
