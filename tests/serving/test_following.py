"""A running service follows the lineup of its projects."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.scoring import made
from tests.serving import versions
from tests.serving.served import serving
from tests.serving.test_live import forged
from tests.waiting import until

from shipway.core import lineup
from shipway.core.lineup import Lineup, Refused
from shipway.core.serve import Canary, Serve
from shipway.scoring.predictor import Predictor
from shipway.serving import following
from shipway.serving.app import create_app

if TYPE_CHECKING:
    import httpx

RECORD = {"SepalLengthCm": 5.9, "PetalLengthCm": 4.9}
"""Seconds that a swap may take on a busy machine before a test gives up."""


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2 of iris, as the watcher brings them; they answer differently."""
    root = tmp_path_factory.mktemp("bundles")
    for version, strength in (("1", 1.0), ("2", 0.001)):
        made.bundle(root / "iris" / version / "bundle", made.IRIS, made.irises(), C=strength)
        release = made.release("iris", version=version)
        (root / "iris" / version / "release.json").write_bytes(msgspec.json.encode(release))
    return root


@pytest.fixture
def bundles(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy in which version 1 is the champion."""
    monkeypatch.setattr(following, "SECONDS", 0.02)
    monkeypatch.setattr(following, "AGAIN_SECONDS", 0.1)
    shutil.copytree(exported, tmp_path / "bundles")
    lead(tmp_path / "bundles", champion="1")
    return tmp_path / "bundles"


def lead(bundles: Path, **versions: str) -> None:
    lineup.write(bundles / "iris", Lineup(versions=versions))


def service(bundles: Path, version: str = "1") -> Any:
    return serving(create_app([lineup.released(bundles / "iris", version)], follow=bundles))


def version(client: httpx.Client) -> str:
    found: str = client.post("/iris/predict", json=RECORD).json()["model"]["version"]
    return found


def problems(client: httpx.Client) -> list[str]:
    found: list[str] = client.get("/health/ready").json().get("problems", {}).get("iris", [])
    return found


def test_when_the_champion_moves_the_new_version_answers_and_moving_back_brings_the_old_one(bundles: Path) -> None:
    with service(bundles) as client:
        lead(bundles, champion="2")
        until(lambda: version(client) == "2")
        assert client.get("/iris").json()["version"] == "2"
        assert client.get("/health/ready").json() == {"status": "ready", "models": {"iris": "2"}}
        lead(bundles, champion="1")
        until(lambda: version(client) == "1")


def test_under_load_no_request_fails_and_each_is_answered_by_one_version(bundles: Path) -> None:
    expected = {
        one: Predictor.load(bundles / "iris" / one / "bundle").predict([RECORD]).probabilities[0].tolist() for one in ("1", "2")
    }
    seen, wrong, over = set(), [], threading.Event()

    def ask(client: httpx.Client) -> None:
        while not over.is_set():
            answer = client.post("/iris/predict", json={"records": [RECORD] * 20})
            by = answer.json()["model"]["version"] if answer.status_code == 200 else str(answer.status_code)
            seen.add(by)
            found = [list(one["probabilities"].values()) for one in answer.json().get("predictions", [])]
            if found != [pytest.approx(expected.get(by), abs=1e-9)] * 20:
                wrong.append((by, found))

    with service(bundles) as client:
        threads = [threading.Thread(target=ask, args=(client,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for champion in ("2", "1", "2"):
            lead(bundles, champion=champion)
            until(lambda champion=champion: version(client) == champion)  # type: ignore[misc]
        over.set()
        for thread in threads:
            thread.join()
    assert (seen, wrong) == ({"1", "2"}, [])


def test_a_version_whose_files_were_changed_does_not_answer_and_the_old_one_does(bundles: Path) -> None:
    with service(bundles) as client:
        (bundles / "iris" / "2" / "bundle" / "card.json").write_bytes(b"{}")
        lead(bundles, champion="2")
        until(lambda: bool(problems(client)))
        assert "version 2 is not served" in problems(client)[0]
        assert "card.json was changed" in problems(client)[0]
        assert version(client) == "1"


def test_a_version_that_fails_its_self_test_answers_once_it_was_mended(bundles: Path, tmp_path: Path) -> None:
    sound = bundles / "iris" / "2" / "bundle"
    broken = forged(sound, tmp_path / "forged")
    sound.rename(tmp_path / "sound")
    broken.rename(sound)
    with service(bundles) as client:
        lead(bundles, champion="2")
        until(lambda: bool(problems(client)))
        assert "fails its self-test" in problems(client)[0]
        assert version(client) == "1"
        shutil.rmtree(sound)
        (tmp_path / "sound").rename(sound)
        until(lambda: version(client) == "2")
        until(lambda: not problems(client))


def test_what_the_registry_refuses_and_that_it_is_away_is_told_in_readiness(bundles: Path) -> None:
    with service(bundles) as client:
        refused = {alias: Refused(version="2", reason="its gates") for alias in ("champion", "challenger")}
        told = Lineup(versions={"champion": "1"}, refused=refused, away="no route")
        lineup.write(bundles / "iris", told)
        until(lambda: len(problems(client)) == 2)
        assert problems(client) == ["the registry can't be asked: no route", "champion stays as it was: its gates"]
        assert client.get("/health/ready").status_code == 200


def test_a_lineup_that_can_not_be_read_changes_nothing(bundles: Path) -> None:
    with service(bundles) as client:
        (bundles / "iris" / lineup.FILE).write_text("{")
        for _ in range(5):
            assert version(client) == "1"
        lead(bundles, champion="2")
        until(lambda: version(client) == "2")


def test_a_version_beside_the_champion_is_asked_by_its_number(bundles: Path) -> None:
    with service(bundles) as client:
        ask = "/iris/versions/2/predict"
        assert client.post(ask, json=RECORD).status_code == 404
        lead(bundles, champion="1", challenger="2")
        until(lambda: client.post(ask, json=RECORD).status_code == 200)
        assert client.post(ask, json=RECORD).json()["model"] == {"name": "iris", "version": "2"}
        assert version(client) == "1"
        detail = client.post("/iris/versions/7/predict", json=RECORD).json()["detail"]
        assert detail == "That version of iris does not answer here; these do: 1, 2."
        lead(bundles, champion="1")
        until(lambda: client.post(ask, json=RECORD).status_code == 404)


def test_the_document_of_the_service_describes_the_version_that_answers(bundles: Path) -> None:
    with service(bundles) as client:
        before = client.get("/openapi.json").json()
        lead(bundles, champion="2")
        until(lambda: version(client) == "2")
        assert client.get("/openapi.json").json()["paths"].keys() == before["paths"].keys()


def test_a_project_that_gets_its_first_champion_later_is_served_from_then_on(bundles: Path, towns: Path) -> None:
    (towns / "towns").rename(bundles / "towns")
    app = create_app([lineup.released(bundles / "iris", "1")], follow=bundles, names=lambda: ["iris", "towns", "nobody"])
    with serving(app) as client:
        assert client.post("/towns/predict", json=versions.RECORD).status_code == 404
        assert "/towns/predict" not in client.get("/openapi.json").json()["paths"]
        versions.lead(bundles, champion="1")
        until(lambda: client.post("/towns/predict", json=versions.RECORD).status_code == 200)
        assert client.get("/health/ready").json()["models"] == {"iris": "1", "towns": "1"}
        assert "/towns/predict" in client.get("/openapi.json").json()["paths"]
        assert [one["name"] for one in client.get("/").json()["models"]] == ["iris", "towns"]
        for page in ("/", "/docs"):
            assert "towns" in client.get(page, headers={"Accept": "text/html"}).text


def test_a_project_that_can_not_be_served_under_its_name_is_told_and_the_others_are_served(bundles: Path, towns: Path) -> None:
    (towns / "towns").rename(bundles / "docs")
    with serving(create_app([lineup.released(bundles / "iris", "1")], follow=bundles, names=lambda: ["docs"])) as client:
        lineup.write(bundles / "docs", Lineup(versions={"champion": "1"}))
        until(lambda: "docs" in client.get("/health/ready").json().get("problems", {}))
        assert client.get("/health/ready").json()["models"] == {"iris": "1"}


def test_a_canary_whose_challenger_is_refused_is_a_problem_and_another_challenger_is_none() -> None:
    refused = {"challenger": Refused(version="2", reason="its gates")}
    told = Lineup(versions={"champion": "1"}, refused=refused, serve=Serve())
    assert told.problems == []
    told = msgspec.structs.replace(told, serve=Serve(canary=Canary(alias="challenger", share=0.1)))
    assert told.problems == ["the canary gets no requests, and the champion all, as challenger is not served: its gates"]
    told = msgspec.structs.replace(told, versions={"champion": "1", "challenger": "0"})
    assert told.problems == ["challenger stays as it was: its gates"]


def test_a_version_beside_the_champion_stays_until_the_next_one_is_ready(bundles: Path) -> None:
    with service(bundles) as client:
        lead(bundles, champion="1", challenger="2")
        until(lambda: client.post("/iris/versions/2/predict", json=RECORD).status_code == 200)
        lead(bundles, champion="1", challenger="9")
        until(lambda: bool(problems(client)))
        assert "version 9 is not served" in problems(client)[0]
        assert client.post("/iris/versions/2/predict", json=RECORD).status_code == 200
