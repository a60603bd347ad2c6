"""A canary answers a share of the requests, always those of the same keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.kept import kept
from tests.serving.versions import MORE, OLD, RECORD, following, lead, ready
from tests.waiting import until

from shipway.core.contract import Column, Contract
from shipway.core.serve import Canary
from shipway.serving import canary

if TYPE_CHECKING:
    import httpx

HALF = Canary(alias="challenger", share=0.5)
KEYLESS = Contract(target="y", columns={"x": Column(type="number"), "c": Column(type="text"), "y": Column(type="text")})


@pytest.fixture
def client(towns: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    """Of a service in which version 2 gets half of the keys."""
    lead(towns, HALF, champion="1", challenger="2")
    with following(towns, tmp_path / "journal.db") as found:
        until(lambda: ready(found).get("canaries") == {"towns": {"version": "2", "share": 0.5}})
        yield found


def version(client: httpx.Client, *records: dict[str, Any]) -> str:
    answer = client.post("/towns/predict", json={"records": records})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["model"]["version"]
    return found


def side(key: int) -> str:
    """The version that answers for a key, of the champion 1 and the canary 2 with half of the keys."""
    return "2" if canary.position("towns", OLD, RECORD | {"id": key}) < HALF.share else "1"


def test_a_key_is_always_answered_by_the_same_version_and_the_answer_names_it(towns: Path, tmp_path: Path) -> None:
    lead(towns, HALF, champion="1", challenger="2")
    with following(towns, tmp_path / "journal.db") as client:
        until(lambda: "canaries" in ready(client))
        for key in range(12):
            assert version(client, RECORD | {"id": key}) == version(client, RECORD | {"id": str(key), "pages": 1}) == side(key)
    found = kept(tmp_path / "journal.db", "towns")
    assert {one.model_version for one in found} == {"1", "2"}
    assert all(one.model_version == side(int((one.key or "").strip('[]"'))) for one in found)


def test_a_batch_goes_as_a_whole_where_its_first_record_goes(client: httpx.Client) -> None:
    keys = sorted(range(20), key=side)
    assert side(keys[0]) != side(keys[-1])
    for batch in (keys, keys[::-1]):
        assert version(client, *(RECORD | {"id": key} for key in batch)) == side(batch[0])
    assert client.post("/towns/predict", json={"records": []}).json()["model"]["version"] == "1"


def test_a_version_that_is_asked_for_by_its_number_answers_all_keys(client: httpx.Client) -> None:
    answers = [client.post("/towns/versions/1/predict", json=RECORD | {"id": key}) for key in range(8)]
    assert {answer.json()["model"]["version"] for answer in answers} == {"1"}


def test_each_version_reads_requests_by_its_own_contract(towns: Path, tmp_path: Path) -> None:
    mine, other = (next(key for key in range(50) if side(key) == one) for one in ("2", "1"))
    lead(towns, HALF, champion="1", challenger="3")
    with following(towns, tmp_path / "journal.db") as client:
        until(lambda: "canaries" in ready(client))
        assert version(client, RECORD | {"id": other}) == "1"
        assert version(client, MORE | {"id": mine, "town": "Oslo"}) == "3"
        for path, record, rule in (
            ("/towns/predict", MORE | {"id": other}, ("age", "unknown")),
            ("/towns/predict", RECORD | {"id": mine}, ("age", "required")),
            ("/towns/versions/1/predict", RECORD | {"id": mine, "town": "Oslo"}, ("town", "level")),
            ("/towns/versions/3/predict", RECORD | {"id": other}, ("age", "required")),
        ):
            answer = client.post(path, json=record)
            assert answer.status_code == 422
            assert [(one["column"], one["rule"]) for one in answer.json()["errors"]] == [rule]


def test_a_canary_begins_changes_and_ends_without_a_restart_and_without_a_version_the_champion_answers_all(
    towns: Path, tmp_path: Path
) -> None:
    almost = Canary(alias="challenger", share=1 - 1e-9)
    lead(towns, champion="1")
    with following(towns, tmp_path / "journal.db") as client:
        lead(towns, almost, champion="1")
        until(lambda: "problems" in ready(client))
        assert ready(client)["problems"]["towns"] == [
            "the canary gets no requests, and the champion all, as challenger is not served: no version has that alias"
        ]
        assert version(client, RECORD) == "1"
        lead(towns, almost, champion="1", challenger="2")
        until(lambda: version(client, RECORD) == "2")
        until(lambda: "problems" not in ready(client))
        lead(towns, None, champion="1", challenger="2")
        until(lambda: version(client, RECORD) == "1")


def test_a_share_of_the_keys_is_that_share() -> None:
    places = [canary.position("towns", OLD, {"id": key}) for key in range(20_000)]
    for share in (0.01, 0.1, 0.5):
        assert abs(sum(place < share for place in places) / len(places) - share) < 0.012


def test_a_place_is_the_same_for_ever_and_another_in_another_project() -> None:
    assert canary.position("towns", OLD, {"id": 84}) == pytest.approx(0.8601304455808073)
    assert canary.position("other", OLD, {"id": 84}) != canary.position("towns", OLD, {"id": 84})


@given(st.integers(-(10**9), 10**9), st.text())
def test_without_a_key_equal_features_have_one_place_however_they_are_sent(number: int, text: str) -> None:
    place = canary.position("p", KEYLESS, {"x": number, "c": text})
    assert 0 <= place <= 1
    for other in ({"c": text, "x": str(number)}, {"x": f" {number}.0", "c": text, "y": "a"}):
        assert canary.position("p", KEYLESS, other) == place
    assert canary.position("p", KEYLESS, {"x": None, "c": ""}) == canary.position("p", KEYLESS, {"x": "", "c": None})
    assert canary.position("p", KEYLESS, {}) == canary.position("p", KEYLESS, {"x": "", "c": ""})


@given(
    st.dictionaries(st.sampled_from(["id", "pages", "town", "z"]), st.recursive(st.none() | st.text() | st.floats(), st.lists))
)
def test_no_record_is_without_a_place(record: dict[str, Any]) -> None:
    assert 0 <= canary.position("towns", OLD, record) <= 1
