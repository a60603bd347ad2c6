from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.scoring import made
from tests.serving.kept import keeping, kept
from tests.serving.served import fits

if TYPE_CHECKING:
    import httpx
    from tests.serving.conftest import Releases

FAR = made.RECORD | {"age": 81, "town": "Oslo", "note": "other"}


def explain(client: httpx.Client, body: Any, project: str = "visits") -> httpx.Response:
    return client.post(f"/{project}/explain", json=body)


@pytest.mark.parametrize("project", ["iris", "visits"])
def test_the_documented_example_is_explained_as_the_document_says(client: httpx.Client, project: str) -> None:
    document = client.get("/openapi.json").json()
    asked = document["paths"][f"/{project}/explain"]["post"]["requestBody"]["content"]["application/json"]
    answer = explain(client, asked["example"], project)
    assert answer.status_code == 200, answer.text
    assert fits(answer.json(), document["components"]["schemas"][f"{project}.Explanation"], document)


def test_the_answer_is_the_prediction_with_what_moved_it(client: httpx.Client) -> None:
    answer = explain(client, FAR).json()
    (predicted,) = client.post("/visits/predict", json=FAR).json()["predictions"]
    assert answer["prediction"] == {name: value for name, value in predicted.items() if name != "id"}
    told = answer["explanation"]
    assert told["probability"] == predicted["probabilities"]["true" if told["label"] else "false"]
    assert sum(one["effect"] for one in told["effects"]) == pytest.approx(told["probability"] - told["typical"], abs=1e-9)
    assert told["effects"][0]["column"] == "age"


def test_a_version_is_asked_by_its_name(client: httpx.Client) -> None:
    assert client.post("/visits/versions/3/explain", json=FAR).json() == explain(client, FAR).json()
    assert client.post("/visits/versions/4/explain", json=FAR).status_code == 404


@pytest.mark.parametrize("body", [{"records": []}, {"records": [FAR, FAR]}], ids=["none", "two"])
def test_one_record_is_explained_at_a_time(client: httpx.Client, body: Any) -> None:
    answer = explain(client, body)
    assert (answer.status_code, answer.json()["detail"][:10]) == (422, "One record")


def test_a_broken_contract_is_told_by_column_and_never_by_value(client: httpx.Client) -> None:
    answer = explain(client, FAR | {"age": "s3cret"})
    assert (answer.status_code, answer.json()["errors"][0]["column"]) == (422, "age")
    assert "s3cret" not in answer.text


def test_what_is_explained_is_not_kept_as_a_prediction(releases: Releases, tmp_path: Path) -> None:
    with keeping(releases, tmp_path / "journal.db") as client:
        explain(client, FAR)
        predicted = client.post("/visits/predict", json=FAR).json()["predictions"]
    assert [one.id for one in kept(tmp_path / "journal.db", "visits")] == [one["id"] for one in predicted]
