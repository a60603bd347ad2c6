from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scoring import made
from tests.serving.kept import SALT, keeping, kept

from shipway.core.contract import Column, Contract
from shipway.core.journal.keeping import Keeping
from shipway.serving import entries

if TYPE_CHECKING:
    from tests.serving.conftest import Releases

CONTRACT = Contract(
    target="y",
    key=["site", "number"],
    columns={
        "site": Column(type="text", missing=("", "?")),
        "number": Column(type="integer"),
        "x": Column(type="number"),
        "y": Column(type="category", levels=["a", "b"]),
    },
)


def key(record: dict[str, Any], **changed: Any) -> str | None:
    return entries.key(CONTRACT, Keeping(**changed), SALT, record)


def test_every_answer_is_kept_with_the_id_that_it_carries(releases: Releases, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    records = [made.RECORD | {"id": "v1", "town": "Oslo"}, made.RECORD | {"memo": "not kept", "returns": True}]
    with keeping(releases, file) as client:
        answers = client.post("/visits/predict", json={"records": records}).json()["predictions"]
        client.post("/visits/predict", json={"records": [{"age": "old"}]})
    found = {one.id: one for one in kept(file, "visits")}
    assert found.keys() == {one["id"] for one in answers}
    for record, answer in zip(records, answers, strict=True):
        one = found[answer["id"]]
        assert (one.model_version, one.data_version, one.caller) == ("3", "visits/2026-11", None)
        assert json.loads(one.record) == {name: value for name, value in record.items() if name not in ("memo", "returns")}
        assert json.loads(one.label) == answer["label"]
        assert json.loads(one.probabilities) == answer["probabilities"]
        assert json.loads(one.warnings) == answer["warnings"]
        assert one.latency > 0
    assert [json.loads(found[one["id"]].key or "null") for one in answers] == [["v1"], None]


def test_only_the_columns_that_were_chosen_are_kept_and_personal_ones_as_hashes(releases: Releases, tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with keeping(releases, file, columns=["id", "town", "age"], hash=["id", "town"]) as client:
        answer = client.post("/visits/predict", json=made.RECORD | {"id": "secret-4711", "town": "Bonn <b>"})
        assert answer.status_code == 200
    (one,) = kept(file, "visits")
    record = json.loads(one.record)
    assert record.keys() == {"id", "town", "age"}
    assert record["age"] == 40
    assert all(len(record[name]) == 64 for name in ("id", "town"))
    assert json.loads(one.key or "") == [record["id"]]
    for path in tmp_path.iterdir():
        assert b"secret-4711" not in path.read_bytes()


def test_without_a_journal_there_is_no_address_for_labels(releases: Releases, tmp_path: Path) -> None:
    with keeping(releases, tmp_path / "journal.db", enabled=False) as client:
        assert client.post("/iris/predict", json={"SepalLengthCm": 5, "PetalLengthCm": 1}).status_code == 200
        assert client.post("/iris/feedback", json={"id": "x", "label": "setosa"}).status_code == 404
        assert "/iris/feedback" not in client.get("/openapi.json").json()["paths"]
    assert kept(tmp_path / "journal.db", "iris") == []


@pytest.mark.parametrize("number", [84, 84.0, "84", " 84 ", "84.0", "8.4e1"])
def test_a_key_is_one_however_its_number_is_written(number: Any) -> None:
    assert key({"site": "Ulm", "number": number}) == '["Ulm","84"]'


@pytest.mark.parametrize("record", [{}, {"site": "?", "number": 1}, {"site": None, "number": 1}, {"site": [], "number": 1}])
def test_a_key_of_which_a_part_is_missing_is_none(record: dict[str, Any]) -> None:
    assert key(record) is None


@given(st.text(), st.text())
def test_hashed_keys_are_equal_where_the_keys_are(one: str, other: str) -> None:
    hashed = [key({"site": site, "number": 1}, hash=["site"]) for site in (one, other)]
    plain = [key({"site": site, "number": 1}) for site in (one, other)]
    assert (hashed[0] == hashed[1]) == (plain[0] == plain[1])
    assert hashed[0] is None or hashed[0] != plain[0]
