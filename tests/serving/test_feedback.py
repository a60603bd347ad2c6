from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scoring import made
from tests.serving.kept import keeping, kept
from tests.serving.served import fits

if TYPE_CHECKING:
    import httpx
    from tests.serving.conftest import Releases

Service = tuple["httpx.Client", Path]


@pytest.fixture(scope="module")
def service(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    file = tmp_path_factory.mktemp("feedback") / "journal.db"
    with keeping(releases, file) as client:
        yield client, file


def predict(client: httpx.Client, **changed: Any) -> str:
    answer = client.post("/visits/predict", json=made.RECORD | changed)
    return str(answer.json()["predictions"][0]["id"])


def say(client: httpx.Client, body: Any) -> dict[str, Any]:
    answer = client.post("/visits/feedback", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert fits(found, client.get("/openapi.json").json()["components"]["schemas"]["Feedback"], {})
    return found


def label(file: Path, prediction: str) -> Any:
    (said,) = [one.true_label for one in kept(file, "visits") if one.id == prediction]
    return None if said is None else json.loads(said)


def test_a_label_joins_the_prediction_that_was_just_answered(service: Service) -> None:
    client, file = service
    one = predict(client)
    assert say(client, {"id": one, "label": True}) == {"accepted": 1, "joined": 1, "waiting": 0}
    assert label(file, one) is True


def test_a_second_label_replaces_the_first(service: Service) -> None:
    client, file = service
    one = predict(client)
    for said in (True, "false"):
        say(client, {"id": one, "label": said})
    assert label(file, one) is False


def test_labels_join_by_key_and_those_of_nobody_wait(service: Service) -> None:
    client, file = service
    ids = [predict(client, id=name) for name in ("k1", "k2")]
    labels = [{"key": "k1", "label": "true"}, {"key": {"id": "k2"}, "label": False}, {"key": "k3", "label": True}]
    labels.append({"id": str(uuid.uuid4()), "label": True})
    assert say(client, {"feedback": labels}) == {"accepted": 4, "joined": 2, "waiting": 2}
    assert [label(file, one) for one in ids] == [True, False]
    later = predict(client, id="k3")
    say(client, {"id": ids[0], "label": True})  # is committed after the prediction
    assert label(file, later) is True


def test_no_labels_are_no_labels(service: Service) -> None:
    assert say(service[0], {"feedback": []}) == {"accepted": 0, "joined": 0, "waiting": 0}


SOME_ID = "0193a6f0-8c1e-7d3a-9b52-3f6d1c2e4a58"

WRONG: list[tuple[Any, str | None, str]] = [
    ({"id": "5", "label": True}, "id", "type"),
    ({"id": 5, "label": True}, "id", "type"),
    ({"label": True}, None, "required"),
    ({"id": SOME_ID, "key": "a", "label": True}, None, "required"),
    ({"id": SOME_ID}, "label", "required"),
    ({"id": SOME_ID, "label": "secret-4711"}, "label", "level"),
    ({"id": SOME_ID, "label": [1]}, "label", "level"),
    ({"id": SOME_ID, "label": True, "weight": 1}, "weight", "unknown"),
    ({"key": None, "label": True}, "key", "type"),
    ({"key": {"id": "a", "b": 1}, "label": True}, "key", "type"),
]


@pytest.mark.parametrize(("body", "column", "rule"), WRONG, ids=str)
def test_a_label_that_is_not_what_it_must_be_is_told_by_its_place(
    service: Service, body: Any, column: str | None, rule: str
) -> None:
    good = {"id": str(uuid.uuid4()), "label": True}
    answer = service[0].post("/visits/feedback", json={"feedback": [good, body, 5]})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [(one["record"], one["column"], one["rule"]) for one in answer.json()["errors"]] == [
        (1, column, rule),
        (2, None, "type"),
    ]
    assert "secret-4711" not in answer.text


def test_a_key_is_refused_where_the_contract_has_none(service: Service) -> None:
    answer = service[0].post("/iris/feedback", json={"key": "a", "label": "setosa"})
    assert "has none; send the prediction's id" in answer.json()["errors"][0]["message"]


def test_a_key_is_refused_where_it_is_not_kept(releases: Releases, tmp_path: Path) -> None:
    with keeping(releases, tmp_path / "journal.db", columns=["age"]) as client:
        answer = client.post("/visits/feedback", json={"key": "a", "label": True})
        assert "does not keep it" in answer.json()["errors"][0]["message"]


def test_a_hashed_key_joins(releases: Releases, tmp_path: Path) -> None:
    with keeping(releases, tmp_path / "journal.db", hash=["id"]) as client:
        predict(client, id="k1")
        assert say(client, {"key": "k1", "label": True})["joined"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"feedback":5}', 422),
        (b'{"feedback":[],"id":"a"}', 422),
        (json.dumps({"feedback": [{}] * 51}).encode(), 413),
    ],
)
def test_limits_and_errors_are_those_of_predict(service: Service, body: bytes, status: int) -> None:
    answer = service[0].post("/visits/feedback", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert service[0].post("/visits/feedback", content=body).status_code == 415
    assert service[0].post("/nobody/feedback", content=body).status_code == 404


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["id", "key", "label", "feedback", "other"]), json_values, max_size=4))
def test_no_label_makes_the_service_fail(service: Service, body: dict[str, Any]) -> None:
    assert service[0].post("/visits/feedback", json=body).status_code in (200, 422)


def test_the_examples_of_the_document_fit_its_schema_and_are_answered(service: Service) -> None:
    client, _ = service
    document = client.get("/openapi.json").json()
    for project in ("iris", "visits"):
        body = document["paths"][f"/{project}/feedback"]["post"]["requestBody"]["content"]["application/json"]
        for example in body["examples"].values():
            assert fits(example["value"], body["schema"], document)
            assert client.post(f"/{project}/feedback", json=example["value"]).status_code == 200
